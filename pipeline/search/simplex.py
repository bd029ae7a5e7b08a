"""Where the search looks: points S of the simplex and prices κ of latency."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from edge.errors import EdgeError
from pipeline.params import SamplerParams
from pipeline.search.gumbel import gumbel_noise


class SimplexError(EdgeError, ValueError):
    """Shares that are no point of the simplex."""


def sample_points(
    sampler: SamplerParams, operations: Sequence[str], count: int, generator: torch.Generator
) -> Tensor:
    """`count` points (count, k) of the simplex.

    ``gumbel-softmax``: softmax((θ + Gumbel noise) / temperature) with a fixed θ (Jang et al.,
    2017); ``dirichlet``: symmetric. A share of the points are vertices, which neither
    distribution reaches and which users ask for.
    """
    k = len(operations)
    if sampler.kind == "gumbel-softmax":
        noise = gumbel_noise((count, k), generator)
        points = ((_theta(sampler.theta, operations) + noise) / sampler.temperature).softmax(1)
    else:
        concentration = torch.full((count, k), sampler.concentration)
        gammas = torch._standard_gamma(concentration, generator=generator).clamp_min(1e-30)
        points = gammas / gammas.sum(1, keepdim=True)
    at_vertex = torch.rand(count, generator=generator) < sampler.vertex_share
    vertices = torch.eye(k)[torch.randint(k, (count,), generator=generator)]
    return torch.where(at_vertex[:, None], vertices, points)


def sample_prices(
    kappa_range: tuple[float, float], count: int, generator: torch.Generator
) -> Tensor:
    """`count` prices (count,), log-uniform over the range; equal ends give that price."""
    low, high = map(math.log, kappa_range)
    return (low + (high - low) * torch.rand(count, generator=generator)).exp()


def grid(
    operations: int, kappa_range: tuple[float, float], count: int, seed: int
) -> tuple[Tensor, Tensor]:
    """A low-discrepancy set of points (count, k) and prices (count,).

    Scrambled Sobol numbers; the spacings of sorted uniforms would be order dependent, so
    exponentials are normalised: uniform on the simplex (Dirichlet(1)).
    """
    engine = torch.quasirandom.SobolEngine(operations + 1, scramble=True, seed=seed)  # type: ignore[no-untyped-call]
    numbers = engine.draw(count).clamp(1e-6, 1 - 1e-6)
    exponentials = -numbers[:, :-1].log()
    points = exponentials / exponentials.sum(1, keepdim=True)
    low, high = map(math.log, kappa_range)
    return points, (low + (high - low) * numbers[:, -1]).exp()


def named_point(shares: Mapping[str, float], operations: Sequence[str]) -> Tensor:
    """The point (k,) with the given shares; the operations not named share the rest equally.

    Raises SimplexError for an unknown operation, shares above one, or a rest for nobody.
    """
    unknown = sorted(set(shares) - set(operations))
    if unknown:
        raise SimplexError(f"no operation {unknown[0]!r} in this space: {', '.join(operations)}")
    rest = 1 - math.fsum(shares.values())
    others = [op for op in operations if op not in shares]
    if rest < -1e-9 or (not others and rest > 1e-9):
        raise SimplexError(f"shares {dict(shares)} do not sum to one")
    share = max(0.0, rest) / len(others) if others else 0.0
    return torch.tensor([shares.get(op, share) for op in operations])


def _theta(theta: float | Mapping[str, float], operations: Sequence[str]) -> Tensor:
    if isinstance(theta, Mapping):
        return torch.tensor([theta.get(op, 0.0) for op in operations])
    return torch.full((len(operations),), float(theta))
