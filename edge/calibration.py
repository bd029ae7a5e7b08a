"""Calibration: the table of blocks, corrected by whole networks measured on the same target.

One small Bayesian linear model at every number of records (`edge.bayes` solves it):

    L(a) = offset + sum of the table's blocks of architecture a
    y(a) = a0 + b L(a) + sum_k r_k (c_k(a) - mean c_k) + q s(a)

c_k counts operation k; skip is left out, because the counts of all operations sum to the depth
and would be collinear with a0. Noise sd sigma L; priors: b ~ N(1, 0.3^2), a0 ~ N(0, (rho sigma
offset)^2), r ~ N(0, (rho sigma median block)^2): one rho says how much worse the table's parts are
known than its sums. s counts the weights that a cache has lost (`edge.spill`), for at most one of
several sizes of it; each adds q ~ N(0.1 v, (0.1 v)^2), v what the median block takes per weight.
With no record at all this IS the table.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from edge import bayes, tail, weights
from edge.bayes import Floats
from edge.observed import USABLE, Observed, observe
from edge.predictor import (
    LEAST_MS,
    Calibration,
    CalibrationError,
    Fitted,
    Prediction,
    design,
    features,
)
from edge.record import Measurement, Verdict
from edge.spec import SKIP, Architecture, BlockSpec
from edge.spill import Spill
from edge.table import Table

__all__ = ["Calibration", "CalibrationError", "Fitted", "Prediction", "fit"]

_SPILL, _SPILL_SD = 0.1, 0.1  # of what a weight costs in a block: what one from afar adds
_SCALE_SD = 0.3  # boards of one kind differ by less, power modes are targets of their own
_OUTLIER_Z = 3.5  # z has the tails of a Student's t: at 3, one good network in sixty is an outlier
_OUTLIERS_FROM = 5  # with fewer networks nobody can say which of them is the odd one
_TRUSTED = 5  # networks: of five good ones chance alone makes the squares differ by a factor of two
_ROUNDS = 10  # of down-weighting outliers; two or three are enough


def fit(
    table: Table,
    networks: Sequence[tuple[Architecture, Measurement]],
    *,
    confidence: float = 0.9,
    half_life_days: float = 180,
    now: datetime,
    accept: Collection[Verdict] = USABLE,
) -> Calibration:
    """Calibrate `table` with measured `networks`, a function of the SET of records.

    Records of the table's own target with a verdict in `accept` count, the older the less and
    suspect ones less than usable ones; the others are counted in `Calibration.ignored`.
    Raises HalfLifeError.
    """
    observed = observe(table, networks, half_life_days=half_life_days, now=now, accept=accept)
    architectures = [seen.architecture for seen in observed.observations]
    ops = tuple(sorted({BlockSpec.from_key(key).op for key in table.rows} - {SKIP}))
    raw_ms, counts = features(table, ops, architectures)
    centre = counts.mean(axis=0) if architectures else np.zeros(len(ops))
    spill = Spill.over(architectures, table.rows)
    problem = _problem(table, observed, raw_ms, counts - centre, spill.columns(architectures))
    posterior, left_out, z, weight = _solve_robustly(problem)
    columns = [c.tolist() for c in (raw_ms, problem.y, left_out.mean, z, weight)]
    return Calibration(
        table=table,
        ops=ops,
        centre=centre,
        spill=spill,
        posterior=posterior,
        confidence=confidence,
        networks=tuple(
            Fitted(seen.name, seen.architecture.key, *numbers)
            for seen, *numbers in zip(observed.observations, *columns, strict=True)
        ),
        ignored=observed.ignored,
        tails={p: tail.tail_ratio(observed.records, p, confidence) for p in tail.PERCENTILES},
    )


def _problem(
    table: Table, observed: Observed, raw_ms: Floats, centred_counts: Floats, spilled: Floats
) -> bayes.Problem:
    measured_ms = np.array([seen.measured_ms for seen in observed.observations], np.float64)
    variance = np.array([seen.variance for seen in observed.observations], np.float64)
    blocks_ms = [row.latency_ms for row in table.rows.values()]
    block_ms = max(LEAST_MS, float(np.median(blocks_ms)) if blocks_ms else 0.0)
    offset_ms, weight_ms = max(LEAST_MS, table.offset_ms), _weight_ms(table)
    ops, knees = centred_counts.shape[1], spilled.shape[1]
    return bayes.Problem(
        x=design(raw_ms, centred_counts, spilled),
        y=measured_ms,
        noise_scale=raw_ms * np.sqrt(variance),
        prior_mean=np.array([0.0, 1.0, *[0.0] * ops, *[_SPILL * weight_ms] * knees]),
        prior_sd=np.array(
            [offset_ms, _SCALE_SD, *[block_ms] * ops, *[_SPILL_SD * weight_ms] * knees]
        ),
        shrunk=np.array([True, False, *[True] * ops, *[False] * knees]),
        rivals=knees,
    )


def _weight_ms(table: Table) -> float:
    """What the median block takes per weight."""
    counted = ((row.latency_ms, weights.of_block(key)) for key, row in table.rows.items())
    costs_ms = [ms / count for ms, count in counted if count]
    return float(np.median(costs_ms)) if costs_ms else 0.0


def _solve_robustly(
    problem: bayes.Problem,
) -> tuple[bayes.Posterior, bayes.LeftOut, Floats, Floats]:
    """Solve; networks that the OTHERS find too far away get more noise, until they are not.

    Returns z and the weight of each network besides. z is taken without that added noise, or
    an outlier would stop being one as soon as it is treated as one. Where z is on average larger
    than it should be, the model is too sure of itself, and all deviations grow by as much.
    """
    noise_factor = np.ones_like(problem.y)
    for _ in range(_ROUNDS):
        scale = problem.noise_scale * noise_factor
        posterior, left_out = bayes.solve(replace(problem, noise_scale=scale))
        extra = posterior.noise * (scale**2 - problem.noise_scale**2)
        sd = np.sqrt(np.maximum(left_out.sd**2 - extra, posterior.noise * problem.noise_scale**2))
        z = (problem.y - left_out.mean) / sd
        wanted = np.maximum(1.0, np.abs(z) / _OUTLIER_Z)
        if len(z) < _OUTLIERS_FROM or np.allclose(wanted, noise_factor, rtol=1e-3):
            break
        noise_factor = wanted
    weight = noise_factor**-2
    return posterior.widened(_doubt(z[weight == 1])), left_out, z, weight


def _doubt(z: Floats) -> float:
    """How many times further off than they should be networks are, on average, and no less than 1;
    as if a few more had been seen that are as far as they should be."""
    return max(1.0, float(np.sqrt((_TRUSTED + z @ z) / (_TRUSTED + len(z)))))
