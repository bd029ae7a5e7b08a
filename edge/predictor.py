"""A calibrated table: predictions with an interval, and the corrected table itself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np

from edge import bayes, tail
from edge.bayes import Floats
from edge.errors import EdgeError
from edge.spec import Architecture, BlockSpec
from edge.spill import Spill
from edge.table import Table
from edge.tail import TailRatio

# 1 had the moments of the posterior, 2 knees that were about weights alone.
FORMAT_VERSION = 3
LEAST_MS = 1e-6  # a nanosecond: no network costs less


class CalibrationError(EdgeError, ValueError):
    """A stored calibration that cannot be read."""


@dataclass(frozen=True)
class Prediction:
    """A latency and its interval; `n` measured networks stand behind it."""

    mean_ms: float
    lo_ms: float
    hi_ms: float
    n: int


@dataclass(frozen=True)
class Fitted:
    """A measured network: the table's sum, its measurement, and what the OTHER networks
    predict it to be. `z` is the distance of the two in standard deviations; `weight` is below
    1 where that was too far."""

    name: str
    key: str
    raw_ms: float
    measured_ms: float
    left_out_ms: float
    z: float
    weight: float

    @property
    def outlier(self) -> bool:
        return self.weight < 1

    @property
    def error_percent(self) -> float:
        return 100 * (self.left_out_ms - self.measured_ms) / self.measured_ms

    def left_out(self, confidence: float, n: int) -> Prediction:
        """What the `n` others predict, as an interval of a Gaussian with the deviation that `z`
        counts in."""
        sd_ms = (self.measured_ms - self.left_out_ms) / self.z if self.z else 0.0
        reach_ms = NormalDist().inv_cdf(0.5 + confidence / 2) * sd_ms
        lo_ms = max(0.0, self.left_out_ms - reach_ms)
        return Prediction(self.left_out_ms, lo_ms, self.left_out_ms + reach_ms, n)


@dataclass(frozen=True)
class Coefficients:
    """Posterior mean: intercept a0, scale b, a bias per occurrence of each operation, and what a
    weight beyond each possible size of the cache costs, which sums to q."""

    intercept_ms: float
    scale: float
    bias_ms: Mapping[str, float]
    spill_ms: Floats


@dataclass(frozen=True, eq=False)
class Calibration:
    """A table and the posterior of its correction; made by `edge.calibration.fit`."""

    table: Table
    ops: tuple[str, ...]
    centre: Floats  # (ops,) mean count of each operation in the measured networks
    spill: Spill
    posterior: bayes.Posterior  # of (a0, b, r_1 .. r_ops, q at every knee)
    confidence: float
    networks: tuple[Fitted, ...]
    ignored: Mapping[str, int]  # reason -> how many records
    tails: Mapping[int, TailRatio]  # percentile -> ratio

    @property
    def n(self) -> int:
        """How many different networks were measured."""
        return len(self.networks)

    @property
    def coefficients(self) -> Coefficients:
        intercept, scale, *others = map(float, self.posterior.mean)
        bias, spill = others[: len(self.ops)], others[len(self.ops) :]
        return Coefficients(
            intercept, scale, dict(zip(self.ops, bias, strict=True)), np.array(spill)
        )

    @property
    def outliers(self) -> tuple[Fitted, ...]:
        return tuple(network for network in self.networks if network.outlier)

    @property
    def left_out_error_percent(self) -> float | None:
        """Mean absolute error of predicting each network from the others; None below two."""
        if self.n < 2:
            return None
        return float(np.mean([abs(network.error_percent) for network in self.networks]))

    @property
    def spearman(self) -> float | None:
        """Rank correlation of the raw table sums with the measurements."""
        raw = [network.raw_ms for network in self.networks]
        return bayes.spearman(raw, [network.measured_ms for network in self.networks])

    @property
    def advice(self) -> str | None:
        """What to do when the table ranks networks wrongly.

        None while fewer than ten networks, or networks of nearly equal latency, prove nothing.
        """
        measured = [network.measured_ms for network in self.networks]
        if self.n < 10 or max(measured) < 2 * min(measured):
            return None
        if self.spearman is None or self.spearman >= 0.8:
            return None
        return (
            f"the table ranks the {self.n} measured networks with Spearman {self.spearman:.2f} "
            "(< 0.80): profile this target again"
        )

    def predict(self, architecture: Architecture) -> Prediction:
        """The median latency of `architecture`. Raises UnknownBlock."""
        return self.predict_many([architecture])[0]

    def predict_many(self, architectures: Sequence[Architecture]) -> list[Prediction]:
        """`predict` for many. Intervals come from the full covariance, noise included: they
        are meant to hold the median that a measurement would show."""
        x, raw_ms = self.rows(architectures)
        mean, lo, hi = self.posterior.predict(x, raw_ms, self.confidence)
        # Far from what was measured the line may go below zero, where no latency is.
        lo, hi = np.maximum(0.0, lo), np.maximum(LEAST_MS, hi)
        columns = (np.maximum(LEAST_MS, mean).tolist(), lo.tolist(), hi.tolist())
        return [Prediction(*row, n=self.n) for row in zip(*columns, strict=True)]

    def rows(self, architectures: Sequence[Architecture]) -> tuple[Floats, Floats]:
        """What the posterior predicts from, (n, p), and the table's sums, (n,). Raises
        UnknownBlock."""
        raw_ms, counts = features(self.table, self.ops, architectures)
        return design(raw_ms, counts - self.centre, self.spill.columns(architectures)), raw_ms

    def tail_ratio(self, percentile: int = 95) -> TailRatio:
        """Percentile (90, 95, 99) over median. Raises UnknownPercentile."""
        if percentile not in self.tails:
            raise tail.UnknownPercentile(percentile)
        return self.tails[percentile]

    def predict_tail(self, architecture: Architecture, percentile: int = 95) -> Prediction:
        """The latency at a percentile; `hi_ms` is the bound to hold against a budget.

        Raises UnknownBlock, UnknownPercentile.
        """
        return self.tail_of(self.predict(architecture), percentile)

    def tail_of(self, middle: Prediction, percentile: int = 95) -> Prediction:
        """The latency at a percentile where the median is `middle`.

        The errors of median and ratio are independent: they add in quadrature.
        Raises UnknownPercentile.
        """
        ratio = self.tail_ratio(percentile)
        mean = middle.mean_ms * ratio.ratio

        def reach(median_ms: float, bound: float) -> float:
            by_median = ratio.ratio * (median_ms - middle.mean_ms)
            return math.hypot(by_median, middle.mean_ms * (bound - ratio.ratio))

        lo = max(middle.lo_ms, mean - reach(middle.lo_ms, ratio.lo))
        return Prediction(mean, lo, mean + reach(middle.hi_ms, ratio.hi), self.n)

    def fold(self) -> Table:
        """The corrected table: block = b table + r_op, never negative; the rest is offset.

        Its sums are the means that `predict` gives, unless a block had to be clipped or weights
        leave a cache, which no sum can tell.
        """
        fit = self.coefficients

        def corrected(key: str, ms: float) -> float:
            return max(0.0, fit.scale * ms + fit.bias_ms.get(BlockSpec.from_key(key).op, 0.0))

        rows = {
            key: replace(
                row,
                latency_ms=corrected(key, row.latency_ms),
                lo_ms=corrected(key, row.lo_ms),
                hi_ms=corrected(key, row.hi_ms),
            )
            for key, row in self.table.rows.items()
        }
        centre_ms = float(self.posterior.mean[2 : 2 + len(self.ops)] @ self.centre)

        def offset(ms: float) -> float:
            return fit.intercept_ms + fit.scale * ms - centre_ms

        offsets_ms = {trunk: offset(ms) for trunk, ms in self.table.offsets_ms.items()}
        return Table(self.table.target, offset(self.table.offset_ms), rows, offsets_ms)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data, the table included; `from_dict` reads it back."""
        return {
            "version": FORMAT_VERSION,
            "table": self.table.to_dict(),
            "ops": list(self.ops),
            "centre": self.centre.tolist(),
            "knees": self.spill.knees.tolist(),
            "posterior": self.posterior.to_dict(),
            "confidence": self.confidence,
            "networks": [asdict(network) for network in self.networks],
            "ignored": dict(self.ignored),
            "tails": {str(percentile): asdict(ratio) for percentile, ratio in self.tails.items()},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Calibration:
        """Read `to_dict` back. Raises CalibrationError, or TableError for its table."""
        if data.get("version") != FORMAT_VERSION:
            raise CalibrationError(
                f"calibration format {data.get('version')!r} is not {FORMAT_VERSION}, the one "
                "this version of edgefacet reads: calibrate again"
            )
        try:
            return cls(
                table=Table.from_dict(data["table"]),
                ops=tuple(data["ops"]),
                centre=np.array(data["centre"], dtype=np.float64),
                spill=Spill(np.array(data["knees"], dtype=np.float64)),
                posterior=bayes.Posterior.from_dict(data["posterior"]),
                confidence=data["confidence"],
                networks=tuple(Fitted(**network) for network in data["networks"]),
                ignored=dict(data["ignored"]),
                tails={int(key): TailRatio(**ratio) for key, ratio in data["tails"].items()},
            )
        except (KeyError, TypeError, ValueError) as error:
            raise CalibrationError(f"not a calibration: {error!r}; calibrate again") from error


def features(
    table: Table, ops: Sequence[str], architectures: Sequence[Architecture]
) -> tuple[Floats, Floats]:
    """The table's sum (n,) and the count of each operation (n, ops)."""
    raw_ms = [max(LEAST_MS, table.sum_ms(a)) for a in architectures]
    counts = [[count[op] for op in ops] for count in (a.op_counts for a in architectures)]
    shape = (len(architectures), len(ops))
    return np.array(raw_ms, np.float64), np.array(counts, np.float64).reshape(shape)


def design(raw_ms: Floats, centred_counts: Floats, spilled: Floats) -> Floats:
    """Rows (1, L, c - mean c, s)."""
    return np.column_stack([np.ones_like(raw_ms), raw_ms, centred_counts, spilled])
