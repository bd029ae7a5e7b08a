"""The records of a target, and the calibration that they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from edge.calibration import Calibration, fit
from edge.feedback.intake import FOLDER
from edge.networks import Accept, Measured, accepted, to_fit
from edge.observed import taken
from edge.record import iter_networks, read, read_all
from edge.table import Table

PROFILE = Path("results/profile")
RECORDS_NAME = "records.jsonl"


@dataclass(frozen=True)
class Evidence:
    """A target's table and the whole networks that were measured on it, all others left out."""

    table: Table
    session: Sequence[Measured]
    feedback: Sequence[Measured]

    @classmethod
    def read(cls, profile: Path = PROFILE, folder: Path = FOLDER) -> Evidence:
        """What the stage `profile` wrote and what came back. Raises TableError where there is no
        table, RecordError for a broken file."""
        table = Table.read(profile)
        return cls(
            table,
            list(iter_networks(read(profile / RECORDS_NAME))),
            list(iter_networks(read_all(folder))),
        )

    def calibrate(
        self, confidence: float = 0.9, half_life_days: float = 180, accept: Accept = "auto"
    ) -> Calibration:
        """The calibration that the stage `calibrate` makes of the same records."""
        networks = to_fit(self.session, self.feedback)
        ours = [m for _, m in networks if m.target == self.table.target]
        return fit(
            self.table,
            networks,
            confidence=confidence,
            half_life_days=half_life_days,
            now=max(map(taken, ours), default=datetime.now(timezone.utc)),
            accept=accepted(ours, accept),
        )
