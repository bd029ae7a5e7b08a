"""Bayesian linear regression with unknown noise and shrinkage, in closed form.

    y = X w + e,   w ~ N(m0, diag(v0)),   e_i ~ N(0, (sigma s_i)^2)

Prior deviations are absolute, or in units of rho sigma where `shrunk`. What a table's rows and its
offset are wrong by and what networks scatter by are errors of one kind, and this ties them: a table
that is right to 0.5 % and one that is right to 5 % differ by a factor alone, and the intervals of
both cover equally often. With a deviation of its own, five networks of a good table left room for
biases of many times their scatter, and nearly all others lay inside.

(rho, sigma) are AVERAGED over a grid posterior rather than set to the grid's best point: with a
handful of records the best point is often a noise level close to zero, whose intervals are far too
short (Bishop, Pattern Recognition and Machine Learning, 2006, sections 3.3 and 3.5). Predictions
are mixtures of one Gaussian per grid point, and their intervals are the quantiles of these.

The last coordinates may be `rivals`, explanations of which one holds at most: the grid then has an
axis for which. They share RIVALS of the prior weight, the rest is that none of them does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge import mixture

Floats = NDArray[np.float64]

# Whole networks scatter below 1 % around a sum of blocks timed as differences of chains, 2-3 %
# around one of blocks timed alone (servers), 5-11 % on phones: the prior says little.
SIGMAS = np.geomspace(0.001, 0.4, 32)
SIGMA_CENTRE, SIGMA_FACTOR = 0.01, 10.0  # a log-normal prior: one sd is a factor of SIGMA_FACTOR
# Log-uniform. Errors of blocks average out over a network: below 1 nothing is seen of them, and
# above 16 five networks would have all of their noise explained by biases.
RHOS = 2.0 ** np.arange(-2, 5)
RIVALS = 0.5  # five networks say which of them holds, or that none does, if nothing was said before
_MANY_ROWS, _NEGLIGIBLE = 200, 40.0  # nats below the best point of the grid
_FORGOTTEN = 1e-3  # the weight of the lightest points together, which a posterior does without


@dataclass(frozen=True)
class Problem:
    """Data and prior. n rows, p coordinates."""

    x: Floats  # (n, p)
    y: Floats  # (n,)
    noise_scale: Floats  # (n,) noise sd in units of sigma
    prior_mean: Floats  # (p,)
    prior_sd: Floats  # (p,)
    shrunk: NDArray[np.bool_]  # (p,) whose prior sd is in units of rho sigma
    rivals: int = 0  # how many of the last coordinates are explanations that exclude each other


@dataclass(frozen=True, eq=False)
class Posterior:
    """A Gaussian of the coordinates for every point g of the grid."""

    weights: Floats  # (G,) sum to one
    means: Floats  # (G, p)
    covariances: Floats  # (G, p, p)
    noises: Floats  # (G,) sigma^2

    @cached_property
    def mean(self) -> Floats:
        """Of the coordinates, (p,)."""
        return np.asarray(self.weights @ self.means)

    @cached_property
    def covariance(self) -> Floats:
        """Of the coordinates, (p, p)."""
        apart = self.means - self.mean
        within = np.tensordot(self.weights, self.covariances, axes=1)
        return np.asarray(within + (self.weights * apart.T) @ apart)

    @property
    def noise(self) -> float:
        """The mean of sigma^2."""
        return float(self.weights @ self.noises)

    def predict(
        self, x: Floats, noise_scale: Floats, confidence: float
    ) -> tuple[Floats, Floats, Floats]:
        """Mean and central interval of each of the m rows of `x`, (m,) each.

        Either end is crossed with probability (1 - confidence) / 2.
        """
        means = x @ self.means.T  # (m, G)
        variances = _quadratic(x, self.covariances).T + np.outer(noise_scale**2, self.noises)
        lo, hi = (
            mixture.quantile(self.weights, means, np.sqrt(variances), probability)
            for probability in (0.5 - confidence / 2, 0.5 + confidence / 2)
        )
        mean = means @ self.weights
        return mean, np.minimum(lo, mean), np.maximum(mean, hi)

    def widened(self, factor: float) -> Posterior:
        """All that it predicts, `factor` times as far from its mean: points of the grid that differ
        move apart, too."""
        return replace(
            self,
            means=self.mean + factor * (self.means - self.mean),
            covariances=factor**2 * self.covariances,
            noises=factor**2 * self.noises,
        )

    def thinned(self) -> Posterior:
        """Without the points that hardly count."""
        order = np.argsort(self.weights)
        kept = np.sort(order[np.cumsum(self.weights[order]) > _FORGOTTEN])
        weights = self.weights[kept] / self.weights[kept].sum()
        return Posterior(weights, self.means[kept], self.covariances[kept], self.noises[kept])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data, of a covariance its upper triangle; `from_dict` reads it back."""
        above = np.triu_indices(self.means.shape[1])
        return {
            "weights": self.weights.tolist(),
            "means": self.means.tolist(),
            "covariances": self.covariances[:, above[0], above[1]].tolist(),
            "noises": self.noises.tolist(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Posterior:
        """Read `to_dict` back. Raises KeyError, TypeError, ValueError."""
        weights, means, upper, noises = (
            np.array(data[name], dtype=np.float64)
            for name in ("weights", "means", "covariances", "noises")
        )
        points, size = means.shape
        a, b = np.triu_indices(size)
        covariances = np.zeros((points, size, size))
        covariances[:, a, b] = covariances[:, b, a] = upper
        return cls(weights, means, covariances, noises)


@dataclass(frozen=True)
class LeftOut:
    """Each row predicted by a fit to all the others: mean and sd, (n,) each."""

    mean: Floats
    sd: Floats


def solve(problem: Problem) -> tuple[Posterior, LeftOut]:
    """The posterior, and every row as the others predict it. Works with n = 0."""
    posterior, log_weights = _solve_grid(problem)
    return posterior.thinned(), _leave_one_out(problem, posterior, log_weights)


def _solve_grid(problem: Problem) -> tuple[Posterior, Floats]:
    """Every point of the grid, and the logarithm of its weight, (G,)."""
    rho, sigma = (axis.ravel() for axis in np.meshgrid(RHOS, SIGMAS))
    size = len(problem.prior_mean)
    common = list(range(size - problem.rivals))
    held = [common, *([*common, rival] for rival in range(len(common), size))]
    solved = [_solve_with(problem, on, rho, sigma) for on in held]
    means, covariances, log_evidence = zip(*solved, strict=True)
    prior = [1 - RIVALS, *[RIVALS / max(1, problem.rivals)] * problem.rivals]
    log_weight = _normalised(np.concatenate(log_evidence) + np.repeat(np.log(prior), len(rho)))
    # With many rows nearly all of the grid is out of the question, and no single row, left out,
    # brings it back; with few one outlier may be all that speaks against a small sigma.
    many = len(problem.y) >= _MANY_ROWS
    kept = log_weight > log_weight.max() - (_NEGLIGIBLE if many else np.inf)
    mean, covariance, sigma2 = (
        np.concatenate(of_each)[kept] for of_each in (means, covariances, [sigma**2] * len(held))
    )
    weight = np.exp(_normalised(log_weight[kept]))
    return Posterior(weight, mean, covariance, sigma2), log_weight[kept]


def _solve_with(
    problem: Problem, on: Sequence[int], rho: Floats, sigma: Floats
) -> tuple[Floats, Floats, Floats]:
    """Means (g, p), covariances (g, p, p) and log evidence (g,) at every (rho, sigma), the
    coordinates `on` alone being free."""
    sigma2 = sigma**2
    x = problem.x[:, on] / problem.noise_scale[:, None]
    residual = problem.y / problem.noise_scale - x @ problem.prior_mean[on]
    in_units = np.where(problem.shrunk[on], (rho * sigma)[:, None], 1.0)
    prior_sd = problem.prior_sd[on] * in_units  # (g, on)
    # In units of the prior's sd the posterior's precision is I + D X'X D / sigma^2, which is
    # well conditioned for every prior.
    gram = prior_sd[:, :, None] * (x.T @ x) * prior_sd[:, None, :] / sigma2[:, None, None]
    precision = np.eye(len(on)) + gram
    scaled = np.linalg.inv(precision)
    pull = prior_sd * (x.T @ residual) / sigma2[:, None]
    shift = np.einsum("gpq,gq->gp", scaled, pull)
    fit = residual @ residual / sigma2 - np.einsum("gp,gp->g", pull, shift)
    log_evidence = -0.5 * (fit + len(residual) * np.log(sigma2) + np.linalg.slogdet(precision)[1])
    log_prior = -0.5 * (np.log(sigma / SIGMA_CENTRE) / np.log(SIGMA_FACTOR)) ** 2
    mean = np.zeros((len(sigma2), len(problem.prior_mean)))  # what does not hold adds nothing
    mean[:, on] = problem.prior_mean[on] + prior_sd * shift
    covariance = np.zeros((*mean.shape, mean.shape[1]))
    covariance[:, np.array(on)[:, None], on] = prior_sd[:, :, None] * scaled * prior_sd[:, None, :]
    return mean, covariance, log_prior + log_evidence


def _leave_one_out(problem: Problem, grid: Posterior, log_weights: Floats) -> LeftOut:
    """Exact, without a single refit.

    At a fixed grid point leaving row i out turns its residual e into e / (1 - h), h the
    leverage, and the predictive variance into sigma^2 / (1 - h); the grid point's weight is
    divided by the density that the others gave to y_i.
    """
    scale = problem.noise_scale
    x = problem.x / scale[:, None]
    spread = _quadratic(x, grid.covariances)
    sigma2 = grid.noises[:, None]
    slack = 1 - np.minimum(spread / sigma2, 1 - 1e-9)  # (G, n)
    error = (problem.y / scale - grid.means @ x.T) / slack
    variance = sigma2 / slack
    log_density = -0.5 * (np.log(variance) + error**2 / variance)
    log_weight = log_weights[:, None] - log_density
    weight = np.exp(log_weight - log_weight.max(axis=0))  # (G, n)
    weight /= weight.sum(axis=0)
    mean_error = (weight * error).sum(axis=0)
    total = (weight * (variance + (error - mean_error) ** 2)).sum(axis=0)
    return LeftOut(problem.y - mean_error * scale, np.sqrt(total) * scale)


def _quadratic(x: Floats, matrices: Floats) -> Floats:
    """x_n' M_g x_n of rows (n, p) and symmetric matrices (G, p, p), (G, n): as one product of
    matrices, which takes a tenth of the time of doing it for each g."""
    a, b = np.triu_indices(x.shape[1])
    twice = np.where(a == b, 1.0, 2.0)
    return np.asarray(matrices[:, a, b] @ (twice * x[:, a] * x[:, b]).T)


def _normalised(log_weight: Floats) -> Floats:
    shifted = log_weight - log_weight.max(axis=0)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=0)))


def spearman(one: ArrayLike, other: ArrayLike) -> float | None:
    """Rank correlation, ties at their mean rank; None where either does not vary."""
    ranks = [_ranks(np.asarray(values, dtype=np.float64)) for values in (one, other)]
    if any(rank.size < 2 or np.ptp(rank) == 0 for rank in ranks):
        return None
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _ranks(values: Floats) -> Floats:
    below = (values[:, None] > values).sum(axis=1)
    equal = (values[:, None] == values).sum(axis=1)
    return np.asarray(below + (equal - 1) / 2, dtype=np.float64)
