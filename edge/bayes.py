"""Bayesian linear regression with unknown noise and shrinkage, in closed form.

    y = X w + e,   w ~ N(m0, diag(v0)),   e_i ~ N(0, (sigma s_i)^2)

with v0 = tau^2 for the shrunk coordinates. (tau, sigma) are AVERAGED over a grid posterior
rather than set to the grid's best point: with a handful of records the best point is often a
noise level close to zero, whose intervals are far too short. Averaging over the noise makes the
predictive distribution a scale mixture of Gaussians, which a Student-t matches in its first
four moments (Bishop, Pattern Recognition and Machine Learning, 2006, sections 2.3.7, 3.3, 3.5).
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# Whole networks scatter 1 % around a sum of blocks timed as differences of chains, 2-3 % around
# one of blocks timed alone (servers), 5-11 % on phones.
SIGMAS = np.geomspace(0.002, 0.3, 24)
SIGMA_CENTRE, SIGMA_FACTOR = 0.01, 2.5  # a log-normal prior: one sd is a factor of SIGMA_FACTOR
_MANY_ROWS, _NEGLIGIBLE = 200, 40.0  # nats below the best point of the grid
TAUS = np.geomspace(0.005, 1.0, 16)  # log-uniform; in units of the problem's tau scale


@dataclass(frozen=True)
class Problem:
    """Data and prior. n rows, p coordinates; `shrunk` says which share the variance tau^2."""

    x: Floats  # (n, p)
    y: Floats  # (n,)
    noise_scale: Floats  # (n,) noise sd in units of sigma
    prior_mean: Floats  # (p,)
    prior_sd: Floats  # (p,); ignored where shrunk
    shrunk: NDArray[np.bool_]  # (p,)
    tau_scale: float


@dataclass(frozen=True)
class Posterior:
    """Moments over the grid posterior: coordinates, and the mean and variance of sigma^2."""

    mean: Floats  # (p,)
    covariance: Floats  # (p, p)
    noise: float
    noise_variance: float

    def predict(self, x: Floats, noise_scale: Floats, confidence: float) -> tuple[Floats, Floats]:
        """Mean and half width of the central interval of each of the m rows of `x`, (m,) each."""
        variance, freedom = self._spread(x, noise_scale)
        quantile = t_quantile(0.5 + confidence / 2, freedom)
        return x @ self.mean, quantile * np.sqrt(variance * (freedom - 2) / freedom)

    def _spread(self, x: Floats, noise_scale: Floats) -> tuple[Floats, Floats]:
        variance = np.einsum("mp,pq,mq->m", x, self.covariance, x, optimize=True)
        variance = variance + self.noise * noise_scale**2
        # The excess kurtosis 3 var(V) / mean(V)^2 of a scale mixture is a Student-t's
        # 6 / (freedom - 4); the noise is the part of the variance V that is uncertain.
        doubt = self.noise_variance * (noise_scale**2 / variance) ** 2
        return variance, 4 + 2 / np.maximum(doubt, 1e-12)


@dataclass(frozen=True)
class LeftOut:
    """Each row predicted by a fit to all the others: mean and sd, (n,) each."""

    mean: Floats
    sd: Floats


@dataclass(frozen=True)
class _Grid:
    """Every point g of the (tau, sigma) grid, solved."""

    log_weight: Floats  # (G,) of the posterior, normalised
    sigma2: Floats  # (G,)
    mean: Floats  # (G, p)
    covariance: Floats  # (G, p, p)


def solve(problem: Problem) -> tuple[Posterior, LeftOut]:
    """The posterior, and every row as the others predict it. Works with n = 0."""
    grid = _solve_grid(problem)
    weight = np.exp(grid.log_weight)
    mean = weight @ grid.mean
    deviation = grid.mean - mean
    covariance = np.einsum("g,gpq->pq", weight, grid.covariance)
    covariance += np.einsum("g,gp,gq->pq", weight, deviation, deviation)
    noise = float(weight @ grid.sigma2)
    noise_variance = float(weight @ (grid.sigma2 - noise) ** 2)
    return Posterior(mean, covariance, noise, noise_variance), _leave_one_out(problem, grid)


def _solve_grid(problem: Problem) -> _Grid:
    tau, sigma = (axis.ravel() for axis in np.meshgrid(TAUS * problem.tau_scale, SIGMAS))
    sigma2 = sigma**2
    x = problem.x / problem.noise_scale[:, None]
    residual = problem.y / problem.noise_scale - x @ problem.prior_mean
    prior_sd = np.where(problem.shrunk, tau[:, None], problem.prior_sd)  # (G, p)
    # In units of the prior's sd the posterior's precision is I + D X'X D / sigma^2, which is
    # well conditioned for every tau.
    gram = prior_sd[:, :, None] * (x.T @ x) * prior_sd[:, None, :] / sigma2[:, None, None]
    precision = np.eye(x.shape[1]) + gram
    scaled = np.linalg.inv(precision)
    pull = prior_sd * (x.T @ residual) / sigma2[:, None]
    shift = np.einsum("gpq,gq->gp", scaled, pull)
    fit = residual @ residual / sigma2 - np.einsum("gp,gp->g", pull, shift)
    log_evidence = -0.5 * (fit + len(residual) * np.log(sigma2) + np.linalg.slogdet(precision)[1])
    log_prior = -0.5 * (np.log(sigma / SIGMA_CENTRE) / np.log(SIGMA_FACTOR)) ** 2
    covariance = prior_sd[:, :, None] * scaled * prior_sd[:, None, :]
    mean = problem.prior_mean + prior_sd * shift
    log_weight = _normalised(log_prior + log_evidence)
    # With many rows nearly all of the grid is out of the question, and no single row, left out,
    # brings it back; with few one outlier may be all that speaks against a small sigma.
    many = len(residual) >= _MANY_ROWS
    kept = log_weight > log_weight.max() - (_NEGLIGIBLE if many else np.inf)
    return _Grid(log_weight[kept], sigma2[kept], mean[kept], covariance[kept])


def _leave_one_out(problem: Problem, grid: _Grid) -> LeftOut:
    """Exact, without a single refit.

    At a fixed grid point leaving row i out turns its residual e into e / (1 - h), h the
    leverage, and the predictive variance into sigma^2 / (1 - h); the grid point's weight is
    divided by the density that the others gave to y_i.
    """
    scale = problem.noise_scale
    x = problem.x / scale[:, None]
    spread = _quadratic(x, grid.covariance)
    sigma2 = grid.sigma2[:, None]
    slack = 1 - np.minimum(spread / sigma2, 1 - 1e-9)  # (G, n)
    error = (problem.y / scale - grid.mean @ x.T) / slack
    variance = sigma2 / slack
    log_density = -0.5 * (np.log(variance) + error**2 / variance)
    log_weight = grid.log_weight[:, None] - log_density
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


def t_quantile(probability: float, freedom: ArrayLike) -> Floats:
    """Quantile of Student's t, to three digits for freedom >= 3.

    The expansion around the normal quantile in Abramowitz and Stegun, 26.7.5.
    """
    z = NormalDist().inv_cdf(probability)
    nu = np.asarray(freedom, dtype=np.float64)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return np.asarray(z + sum(term / nu ** (k + 1) for k, term in enumerate(terms)))


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
