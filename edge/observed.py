"""Whole-network records made ready for a fit: one observation per architecture.

Everything here is a function of the SET of records: duplicates and order do not matter.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from edge.errors import EdgeError
from edge.record import Measurement, Verdict
from edge.spec import Architecture
from edge.table import Table, UnknownBlock

USABLE: tuple[Verdict, ...] = ("clean", "clean-unverified")
_SUSPECT_TRUST = 0.5  # where others are usable: twice the variance of measuring

# Of the variance around a sum of blocks, the share that measuring the same network again
# averages away; the rest is that the sum does not describe this network exactly. Two sessions of
# `make bench-latency` differ by 0.4 % on average where the sum is off by 0.8 %.
_REPEATABLE = 0.15


class HalfLifeError(EdgeError, ValueError):
    """A half-life that is not positive."""


@dataclass(frozen=True)
class Observation:
    """All records of one architecture: weighted mean of their medians, and the variance of
    that mean in units of a single fresh record's."""

    name: str
    architecture: Architecture
    measured_ms: float
    variance: float


@dataclass(frozen=True)
class Observed:
    """Observations by architecture key, the records behind them with their weights, and how
    many others were ignored for which reason."""

    observations: tuple[Observation, ...]
    records: tuple[tuple[Measurement, float], ...]
    ignored: Mapping[str, int]


def observe(
    table: Table,
    networks: Iterable[tuple[Architecture, Measurement]],
    *,
    half_life_days: float,
    now: datetime,
    accept: Collection[Verdict] = USABLE,
) -> Observed:
    """Sort out the records that belong to `table` and whose verdict is one of `accept`.

    A suspect record weighs less than the usable ones beside it. Raises HalfLifeError.
    """
    if half_life_days <= 0:
        raise HalfLifeError(f"half_life_days must be positive, not {half_life_days}")
    groups: dict[str, list[tuple[Architecture, Measurement]]] = defaultdict(list)
    ignored: Counter[str] = Counter()
    by_id = {m.id: (architecture, m) for architecture, m in networks}
    for _, (architecture, m) in sorted(by_id.items(), key=lambda item: item[0]):
        reason = _reason_to_ignore(table, architecture, m, accept)
        if reason is None:
            groups[architecture.key].append((architecture, m))
        else:
            ignored[reason] += 1

    # Where all are suspect a weight would not tell them apart, only make the noise that they
    # share look smaller than it is.
    suspect = _SUSPECT_TRUST if any(m.usable for g in groups.values() for _, m in g) else 1.0

    def weighed(architecture: Architecture, m: Measurement) -> _Weighed:
        fresh = float(0.5 ** (_age_days(m, now) / half_life_days))
        return _Weighed(architecture, m, fresh, 1.0 if m.usable else suspect)

    weighted = {key: [weighed(a, m) for a, m in groups[key]] for key in sorted(groups)}
    observations = tuple(_merge(group) for group in weighted.values())
    records = tuple((w.record, w.weight) for group in weighted.values() for w in group)
    return Observed(observations, records, dict(sorted(ignored.items())))


def _reason_to_ignore(
    table: Table, architecture: Architecture, m: Measurement, accept: Collection[Verdict]
) -> str | None:
    if m.target != table.target:
        return "measured on another target"
    if m.verdict not in accept:
        return f"verdict {m.verdict}"
    try:
        table.sum_ms(architecture)
    except UnknownBlock:
        return "holds a block that is not in the table"
    return None


@dataclass(frozen=True)
class _Weighed:
    """A record, how fresh it is, and how far its measuring is trusted, both 0..1."""

    architecture: Architecture
    record: Measurement
    fresh: float
    trust: float

    @property
    def weight(self) -> float:
        return self.fresh * self.trust


def _merge(group: Sequence[_Weighed]) -> Observation:
    """n equal records have 1/n of the repeatable variance; an old record counts as a part of one.

    n is Kish's effective sample size, (sum w)^2 / sum w^2. Less trust is more of the repeatable
    variance alone: how well a sum of blocks describes a network does not depend on it.
    """
    total = squares = of_fresh = weighted_ms = 0.0
    for one in group:
        weight = one.weight
        total += weight
        squares += weight * weight
        of_fresh += weight * one.fresh
        weighted_ms += weight * one.record.median_ms
    trust = squares / of_fresh
    freshness = of_fresh / total
    repeated = _REPEATABLE / (total**2 / squares * trust)
    first = group[0]
    return Observation(
        first.record.subject.name,
        first.architecture,
        weighted_ms / total,
        (1 - _REPEATABLE + repeated) / freshness,
    )


def taken(m: Measurement) -> datetime:
    """When a record was taken; a time without a zone is UTC."""
    return _utc(datetime.fromisoformat(m.conditions.wall_time.replace("Z", "+00:00")))


def _age_days(m: Measurement, now: datetime) -> float:
    return max(0.0, (_utc(now) - taken(m)).total_seconds() / 86_400)


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
