"""What the records of every target are worth: their verdicts, and predicted against measured.

A view on the records, made anew each time: nothing of it is kept.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from edge.errors import EdgeError
from edge.hub.hub import Hub
from edge.hub.tables import StoredRecord, StoredTarget
from edge.observed import USABLE
from edge.predictor import Calibration, Fitted, Prediction
from edge.record import Subject, Target
from edge.spec import Architecture

_MOST_RECORDS = 2000  # of a target, the last ones: a page must not take for ever


class NoCalibration(EdgeError, ValueError):
    """A file that is no calibration."""


@dataclass(frozen=True)
class Compared:
    """A network: the median of its usable records beside what the calibration says, without this
    network where it was fitted on it."""

    name: str
    records: int
    measured_ms: float
    predicted: Prediction

    @property
    def error_percent(self) -> float:
        return 100 * (self.predicted.mean_ms / self.measured_ms - 1)

    @property
    def inside(self) -> bool:
        return self.predicted.lo_ms <= self.measured_ms <= self.predicted.hi_ms


@dataclass(frozen=True)
class Health:
    """Of one target. `networks` is None where no calibration of it was given; `foreign` counts
    networks with blocks that the table does not know."""

    target: Target
    records: int
    verdicts: Mapping[str, int]
    simulated: bool
    confidence: float | None = None
    networks: Sequence[Compared] | None = None
    foreign: int = 0

    @property
    def error_percent(self) -> float | None:
        """Mean absolute error; None where nothing was compared."""
        return mean(abs(n.error_percent) for n in self.networks) if self.networks else None

    @property
    def coverage(self) -> float | None:
        """The share of networks inside their interval; None where nothing was compared."""
        return mean(n.inside for n in self.networks) if self.networks else None


def read_calibration(path: Path) -> Calibration:
    """What the stage `calibrate` wrote. Raises NoCalibration."""
    try:
        return Calibration.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, AttributeError) as error:
        raise NoCalibration(f"{path} is not a calibration ({error}): run dvc repro") from error


def read_calibrations(paths: Iterable[Path]) -> tuple[list[Calibration], list[str]]:
    """Those that can be read now, and why the others cannot: DVC removes what it writes anew."""
    found, problems = [], []
    for path in paths:
        try:
            found.append(read_calibration(path))
        except NoCalibration as error:
            problems.append(str(error))
    return found, problems


def healths(hub: Hub, calibrations: Sequence[Calibration] = ()) -> list[Health]:
    """One for every target that has records; those of excluded devices do not count."""
    by_target = {calibration.table.target: calibration for calibration in calibrations}
    with hub.store.reading() as session:
        targets = session.scalars(select(StoredTarget).order_by(StoredTarget.id)).all()
        return [
            health
            for stored in targets
            if (health := _health(session, stored, by_target)) is not None
        ]


def _health(
    session: Session, stored: StoredTarget, calibrations: Mapping[Target, Calibration]
) -> Health | None:
    target = Target.model_validate_json(stored.content)
    of_target = (StoredRecord.target_id == stored.id, StoredRecord.excluded.is_(None))
    rows = session.execute(
        select(StoredRecord.verdict, StoredRecord.simulated, func.count())
        .where(*of_target)
        .group_by(StoredRecord.verdict, StoredRecord.simulated)
    ).all()
    if not rows:
        return None
    verdicts: dict[str, int] = defaultdict(int)
    for verdict, _, count in rows:
        verdicts[verdict] += count
    simulated = any(simulated for _, simulated, _ in rows)
    calibration = calibrations.get(target)
    if calibration is None:
        return Health(target, sum(verdicts.values()), verdicts, simulated)
    measured = session.execute(
        select(StoredRecord.subject, StoredRecord.median_ms)
        .where(*of_target, StoredRecord.verdict.in_(USABLE))
        .order_by(StoredRecord.arrival.desc())
        .limit(_MOST_RECORDS)
    )
    networks, foreign = _compare(measured.all(), calibration)
    return Health(
        target,
        sum(verdicts.values()),
        verdicts,
        simulated,
        calibration.confidence,
        networks,
        foreign,
    )


def _compare(
    measured: Sequence[tuple[str, float]], calibration: Calibration
) -> tuple[list[Compared], int]:
    """The networks, the fastest first, and how many cannot be predicted."""
    medians_ms: dict[str, list[float]] = defaultdict(list)
    names: dict[str, str] = {}
    foreign = 0
    compared = []
    fitted = {network.key: network for network in calibration.networks}
    for text, ms in measured:
        subject = Subject.model_validate_json(text)
        if subject.kind == "network" and subject.architecture is not None:
            key = json.dumps(subject.architecture, sort_keys=True)
            medians_ms[key].append(ms)
            names.setdefault(key, text)
    for key, several_ms in medians_ms.items():
        subject = Subject.model_validate_json(names[key])
        try:
            predicted = _predict(calibration, fitted, subject.read_architecture())
        except EdgeError:  # a block or an architecture that is not of the table
            foreign += 1
        else:
            ms = median(several_ms)
            compared.append(Compared(subject.name, len(several_ms), ms, predicted))
    return sorted(compared, key=lambda network: network.measured_ms), foreign


def _predict(
    calibration: Calibration, fitted: Mapping[str, Fitted], architecture: Architecture
) -> Prediction:
    """By all OTHER networks: what was fitted is close to its own fit, and proves nothing."""
    known = fitted.get(architecture.key)
    if known is None:
        return calibration.predict(architecture)
    return known.left_out(calibration.confidence, calibration.n - 1)
