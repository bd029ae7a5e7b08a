"""A measured member: its latency beside the prediction, its bound beside the budget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from edge import bayes
from edge.bench import Failure
from edge.calibration import Calibration, Prediction
from edge.family import Latency, Member
from edge.files import csv_text
from edge.latencies import latency_of
from edge.record import Measurement, Target
from pipeline.target_names import short_name

COLUMNS = (
    *("name", "target", "runtime", "predicted_ms", "measured_ms", "lo_ms", "hi_ms", "p95_ms"),
    *("holdout_accuracy", "test_accuracy", "size_bytes", "macs", "parameters"),
)


@dataclass(frozen=True)
class Verified:
    """A member with its latency on one target, and what that target's calibration, where there is
    one, said before it was measured; `unseen` where it was fitted without this network. There is
    no record where its file was rejected, which is not measured."""

    member: Member
    record: Measurement | Failure | None
    prediction: Prediction | None
    unseen: bool
    percentile: int

    @property
    def latency(self) -> Latency | None:
        """None where the member would not run, or its measurement is invalid."""
        return next((last for last in self.member.latencies if last.verdict != "invalid"), None)

    @property
    def doubt(self) -> str | None:
        """Why the measurement is not one to rely on, if it is not."""
        if not isinstance(self.record, Measurement) or self.record.usable:
            return None
        return f"{self.member.name}: {self.record.verdict}: {'; '.join(self.record.reasons)}"

    @property
    def miss(self) -> str | None:
        """How the budget is missed, and what to do; None where it is met or there is none."""
        if self.member.budget_met is not False:
            return None
        what = f"{self.member.name} misses its budget of {self.member.budget_ms:g} ms"
        if self.record is None:
            return f"{what}: its file was rejected; see export.max_drop_points"
        if isinstance(self.record, Failure):
            return f"{what}: it would not run"
        if self.latency is None:
            return f"{what}: its measurement is invalid; measure again: dvc repro -sf verify"
        bound_ms = self.latency.bound_ms(self.percentile)
        if bound_ms is None:
            return (
                f"{what}: {self.latency.n} runs bound no p{self.percentile}; raise verify.block_s"
            )
        return f"{what}: p{self.percentile} <= {bound_ms:.3f} ms is all that is proven"


ByTarget: TypeAlias = Mapping[Target, Sequence[Verified]]  # the first target has the budgets


def verify(
    member: Member,
    record: Measurement | Failure | None,
    calibration: Calibration | None,
    percentile: int,
) -> Verified:
    """Put `record` into the member, and decide whether `percentile` is within its budget.

    Raises UnknownBlock where the calibration knows not all of its blocks.
    """
    architecture = member.read_architecture()
    prediction, unseen = None, False
    if calibration is not None:
        prediction = calibration.predict(architecture)
        unseen = architecture.key not in {network.key for network in calibration.networks}
    measurements = [record] if isinstance(record, Measurement) else []
    latencies = tuple(latency_of(one, prediction) for one in measurements)
    met = None
    if member.budget_ms is not None:
        met = any(_within(latency, member.budget_ms, percentile) for latency in latencies)
    measured = member.model_copy(update={"latencies": latencies, "budget_met": met})
    return Verified(measured, record, prediction, unseen, percentile)


def _within(latency: Latency, budget_ms: float, percentile: int) -> bool:
    bound_ms = latency.bound_ms(percentile)
    return latency.verdict != "invalid" and bound_ms is not None and bound_ms <= budget_ms


def merge(verified: ByTarget) -> tuple[Member, ...]:
    """The members, each with its latencies on all targets."""
    by_member = zip(*verified.values(), strict=True)
    return tuple(
        vs[0].member.model_copy(
            update={"latencies": tuple(last for v in vs for last in v.member.latencies)}
        )
        for vs in by_member
    )


def numbers(verified: ByTarget) -> dict[str, float | None]:
    """The metrics of the stage, with accuracies as shares; what belongs to a further target than
    the first is named after it."""
    first, *others = verified
    found = {
        "members": len(verified[first]),
        "budgets_met": sum(v.member.budget_met is True for v in verified[first]),
        "budgets_missed": sum(v.member.budget_met is False for v in verified[first]),
        **_of_target(verified[first]),
    }
    for target in others:
        name = short_name(target, list(verified))
        found |= {f"{name}_{key}": value for key, value in _of_target(verified[target]).items()}
    return found


def _of_target(verified: Sequence[Verified]) -> dict[str, float | None]:
    return {
        "failed": sum(isinstance(v.record, Failure) for v in verified),
        "rejected": sum(v.record is None for v in verified),
        "doubtful": sum(v.doubt is not None for v in verified),
        **_latencies(verified),
        **_predictions(verified),
        **_accuracies(verified),
    }


def _latencies(verified: Sequence[Verified]) -> dict[str, float | None]:
    medians = [v.latency.median_ms for v in verified if v.latency]
    if not medians:
        return {}
    fastest, slowest = min(medians), max(medians)
    return {"fastest_ms": fastest, "slowest_ms": slowest, "span": slowest / fastest}


def _predictions(verified: Sequence[Verified]) -> dict[str, float | None]:
    """Judged by the members that the calibration has not seen: of others it knows the answer."""
    if not any(v.prediction for v in verified):
        return {}
    judged = [(v.prediction, v.latency) for v in verified if v.unseen]
    pairs = [(p.mean_ms, latency.median_ms) for p, latency in judged if p and latency]
    errors = [abs(predicted / measured - 1) for predicted, measured in pairs]
    return {
        "predicted_members": len(pairs),
        "prediction_error_percent": 100 * sum(errors) / len(errors) if errors else None,
        "prediction_spearman": bayes.spearman([p for p, _ in pairs], [m for _, m in pairs]),
    }


def _accuracies(verified: Sequence[Verified]) -> dict[str, float | None]:
    """Of the best member, by the hold-out images, and of the fastest one."""
    measured = [(v.member.on(v.latency.target), v.latency) for v in verified if v.latency]
    if not measured:
        return {}
    best, _ = max(measured, key=lambda pair: pair[0].holdout_accuracy)
    fastest, _ = min(measured, key=lambda pair: pair[1].median_ms)
    return {
        "best_holdout_accuracy": best.holdout_accuracy,
        "best_test_accuracy": best.test_accuracy,
        "fastest_holdout_accuracy": fastest.holdout_accuracy,
        "fastest_test_accuracy": fastest.test_accuracy,
    }


def members_csv(verified: Iterable[Verified]) -> str:
    """A row per measured member and target, which is named by its id; `lo_ms` to `hi_ms` is the
    interval of the measured median."""
    rows = [_row(v.member, v.prediction, v.latency) for v in verified if v.latency]
    return csv_text(COLUMNS, rows)


def _row(member: Member, prediction: Prediction | None, latency: Latency) -> list[object]:
    artifact, member = member.artifact(latency.target), member.on(latency.target)
    predicted_ms = prediction.mean_ms if prediction else None
    times_ms = (predicted_ms, latency.median_ms, latency.lo_ms, latency.hi_ms, latency.p95_ms)
    return [
        *(member.name, latency.target.id, latency.target.runtime),
        *(None if ms is None else round(ms, 6) for ms in times_ms),  # to the nanosecond
        *(member.holdout_accuracy, member.test_accuracy),
        *(artifact.size_bytes if artifact else None, member.macs, member.parameters),
    ]
