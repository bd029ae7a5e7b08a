"""How well latency is predicted from n measured networks, averaged over random splits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.kendall import kendall
from edge import bayes
from edge.calibration import fit
from edge.networks import Measured
from edge.observed import taken
from edge.record import Measurement, Verdict
from edge.statistics import summarise
from edge.table import Table

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

SIZES = (0, 1, 3, 5, 10, 20, 40)
LEAST_TEST = 5  # networks that must be left to judge by
OURS, BLOCKS, OPERATIONS, MACS = "calibrated blocks", "blocks", "operations", "MACs"
_EVERY: tuple[Verdict, ...] = (
    "clean",
    "clean-unverified",
    "suspect",
)  # whatever disturbed them, all are judged


@dataclass(frozen=True)
class Networks:
    """m measured networks; every array is (m,). `operations_ms` is the sum of their operations,
    each measured as a model of its own, `repeat_ms` a second measurement."""

    table: Table
    pairs: Sequence[Measured]
    macs: Floats
    repeat_ms: Floats
    operations_ms: Floats | None = None

    @property
    def measured_ms(self) -> Floats:
        return np.array([summarise(m.samples_ns).median_ms for _, m in self.pairs])

    @property
    def noise_percent(self) -> float:
        """What measuring again differs by, on average: nothing can be predicted better."""
        return float(100 * np.abs(self.repeat_ms / self.measured_ms - 1).mean())


@dataclass(frozen=True)
class Score:
    """A method with n measured networks, averaged over `splits`: mean absolute error, shares
    within 5 and 10 %, rank correlations (Kendall's is tau-b), and the share inside the interval, if
    it gives one.
    `coverage_se` is the standard error of that share, from which it would differ on other networks
    of the same space: more splits of the same ones do not make it smaller."""

    method: str
    n: int
    splits: int
    error_percent: float
    within_5_percent: float
    within_10_percent: float
    spearman: float | None
    kendall: float
    coverage: float | None
    coverage_se: float | None = None


@dataclass(frozen=True)
class Predicted:
    """Medians in ms, (t,), and their interval where a method gives one."""

    mean_ms: Floats
    lo_ms: Floats | None = None
    hi_ms: Floats | None = None

    def covers(self, truth_ms: Floats) -> NDArray[np.bool_] | None:
        """Which medians lie in their interval; None without one."""
        if self.lo_ms is None or self.hi_ms is None:
            return None
        return (self.lo_ms <= truth_ms) & (truth_ms <= self.hi_ms)


Method = Callable[[Places, Places], "Predicted | None"]  # (fitted, judged) -> of the judged


def study(networks: Networks, n: int, splits: int, seed: int) -> list[Score]:
    """Every method with `n` networks. Empty where too few would be left to judge by."""
    total = len(networks.pairs)
    if total - n < LEAST_TEST:
        return []
    orders = [np.random.default_rng([seed, n, s]).permutation(total) for s in range(splits)]
    if n == 0:
        orders = orders[:1]  # nothing is drawn
    measured_ms = networks.measured_ms
    scores = []
    for name, predict in methods(networks).items():
        found = [(predict(order[:n], order[n:]), order[n:]) for order in orders]
        known = [(predicted, judged) for predicted, judged in found if predicted is not None]
        if known:
            scores.append(_average(name, n, known, measured_ms))
    return scores


def methods(networks: Networks) -> Mapping[str, Method]:
    """What is compared, by its name."""
    measured_ms = networks.measured_ms
    blocks_ms = np.array(
        [networks.table.sum_ms(architecture) for architecture, _ in networks.pairs]
    )
    found: dict[str, Method] = {
        OURS: partial(_calibrated, networks.table, thin(networks.pairs)),
        BLOCKS: partial(_sums, blocks_ms),
        f"{BLOCKS} × scale": partial(_scaled, blocks_ms, measured_ms),
        MACS: partial(_line, networks.macs, measured_ms),
    }
    if networks.operations_ms is not None:
        found[OPERATIONS] = partial(_sums, networks.operations_ms)
        found[f"{OPERATIONS} × scale"] = partial(_scaled, networks.operations_ms, measured_ms)
    return found


def thin(pairs: Sequence[Measured]) -> list[Measured]:
    """The same medians without the samples, which hundreds of fits would summarise again."""

    def median_alone(m: Measurement) -> Measurement:
        median_ns = round(1e6 * summarise(m.samples_ns).median_ms)
        return m.model_copy(update={"samples_ns": ((median_ns,),), "warmup_ns": ()})

    return [(architecture, median_alone(m)) for architecture, m in pairs]


def _calibrated(
    table: Table,
    pairs: Sequence[Measured],
    fitted: Places,
    judged: Places,
) -> Predicted:
    latest = max(taken(m) for _, m in pairs)
    calibration = fit(table, [pairs[i] for i in fitted], now=latest, accept=_EVERY)
    found = calibration.predict_many([pairs[i][0] for i in judged])
    mean, lo, hi = np.array([(p.mean_ms, p.lo_ms, p.hi_ms) for p in found]).T
    return Predicted(mean, lo, hi)


def _sums(sums_ms: Floats, _fitted: Places, judged: Places) -> Predicted:
    return Predicted(sums_ms[judged])


def _scaled(
    sums_ms: Floats, measured_ms: Floats, fitted: Places, judged: Places
) -> Predicted | None:
    """One factor: the mean ratio of the measured networks."""
    if len(fitted) == 0:
        return None
    return Predicted((measured_ms[fitted] / sums_ms[fitted]).mean() * sums_ms[judged])


def _line(macs: Floats, measured_ms: Floats, fitted: Places, judged: Places) -> Predicted | None:
    """y = a + b MACs by least squares of the relative error; from one network y = b MACs."""
    if len(fitted) == 0:
        return None
    x = macs[:, None] if len(fitted) == 1 else np.column_stack([np.ones_like(macs), macs])
    y = measured_ms[fitted]
    weights, *_ = np.linalg.lstsq(x[fitted] / y[:, None], np.ones_like(y), rcond=None)
    return Predicted(x[judged] @ weights)


def _judge(predicted: Predicted, truth_ms: Floats) -> tuple[float, ...]:
    """One split: the numbers of a `Score` in its order; NaN where there is none."""
    error = 100 * np.abs(predicted.mean_ms / truth_ms - 1)
    spearman = bayes.spearman(predicted.mean_ms, truth_ms)
    covered = predicted.covers(truth_ms)
    return (
        float(error.mean()),
        float((error <= 5).mean()),
        float((error <= 10).mean()),
        np.nan if spearman is None else spearman,
        kendall(predicted.mean_ms, truth_ms),
        np.nan if covered is None else float(covered.mean()),
    )


def _average(
    method: str, n: int, found: Sequence[tuple[Predicted, Places]], measured_ms: Floats
) -> Score:
    numbers = np.array([_judge(p, measured_ms[judged]) for p, judged in found])  # (splits, 6)
    error, within_5, within_10, tau = numbers[:, [0, 1, 2, 4]].mean(axis=0).tolist()
    spearman, coverage = (_mean_of_known(numbers[:, column]) for column in (3, 5))
    se = _coverage_se(found, measured_ms)
    return Score(method, n, len(found), error, within_5, within_10, spearman, tau, coverage, se)


def _coverage_se(found: Sequence[tuple[Predicted, Places]], measured_ms: Floats) -> float | None:
    """Of the mean over networks, each of which is covered in some share of its splits."""
    inside, seen = np.zeros(len(measured_ms)), np.zeros(len(measured_ms))
    for predicted, judged in found:
        covered = predicted.covers(measured_ms[judged])
        if covered is None:
            return None
        inside[judged] += covered
        seen[judged] += 1
    shares = inside[seen > 0] / seen[seen > 0]
    return float(shares.std(ddof=1) / np.sqrt(len(shares)))


def _mean_of_known(column: Floats) -> float | None:
    known = column[~np.isnan(column)]
    return float(known.mean()) if known.size else None
