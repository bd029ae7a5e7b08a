"""Quantiles of mixtures of Gaussians, many at once."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STEPS = 60  # of Newton; six are usual, and halving alone needs forty
_PRECISION = 1e-6  # of a mixture's standard deviation; the last step has squared it
_SERIES = (1.330274429, -1.821255978, 1.781477937, -0.356563782, 0.319381530)
_BEYOND = 9.0  # no quantile lies this many standard deviations outside of every component


def quantile(weights: Floats, means: Floats, sds: Floats, probability: float) -> Floats:
    """The quantile of each of m mixtures, (m,): `weights` (G,) sum to one, the others are (m, G).

    Newton's method from the quantile of the Gaussian with the same mean and variance, inside a
    bracket that is halved where a step would leave it. A mixture is left alone once it is found:
    a few stragglers take five times as many steps as the rest.
    """
    mean = means @ weights
    sd = np.sqrt((sds**2 + (means - mean[:, None]) ** 2) @ weights)
    below = (means - _BEYOND * sds).min(axis=1)
    above = (means + _BEYOND * sds).max(axis=1)
    x = mean + NormalDist().inv_cdf(probability) * sd
    found = x.copy()
    sought = np.arange(len(x))  # the rows of `found` that all other arrays are about
    for _ in range(_STEPS):
        z = (x[:, None] - means) / sds
        density = np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
        excess = _cdf(z, density) @ weights - probability
        below, above = np.where(excess < 0, x, below), np.where(excess < 0, above, x)
        wanted = x - excess / np.maximum((density / sds) @ weights, 1e-12 / sd)
        inside = (below < wanted) & (wanted < above)
        before, x = x, np.where(inside, wanted, (below + above) / 2)
        found[sought] = x
        left = np.abs(x - before) > _PRECISION * sd
        if not left.any():
            break
        if not left.all():
            sought, means, sds = sought[left], means[left], sds[left]
            x, below, above, sd = (numbers[left] for numbers in (x, below, above, sd))
    return found


def _cdf(z: Floats, density: Floats) -> Floats:
    """P(Z <= z) of a standard normal, to 1e-7: Abramowitz and Stegun, 26.2.17; `density` is that
    at z."""
    t = 1 / (1 + 0.2316419 * np.abs(z))
    series = np.zeros_like(z)
    for coefficient in _SERIES:
        series = t * (coefficient + series)
    beyond = density * series
    return np.where(z > 0, 1 - beyond, beyond)
