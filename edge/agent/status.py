"""What the agent says of itself: a small file in its folder, for `facet agent status`."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from edge.files import write_atomic
from edge.hub_api import DeviceWork


class Status(BaseModel):
    """`problem` is what stands in the way now; times are ISO 8601, UTC, by the board's clock."""

    model_config = ConfigDict(extra="ignore")  # of a newer version

    hub: str | None = None
    state: DeviceWork = "idle"
    problem: str | None = None
    quarantined: str | None = None  # by the hub, and why
    last_contact: str | None = None
    measured_orders: int = 0
    damaged_spool: str | None = None  # where the last one lies that failed its integrity check
    inbox_records: int = 0
    inbox_problems: int = 0
    inbox_last_problem: str | None = None

    @classmethod
    def read(cls, path: Path) -> Status:
        """What the file `path` says; nothing where there is none that can be read."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            return cls()

    def write(self, path: Path) -> None:
        """Replace the file where it says something else. Raises OSError."""
        if Status.read(path) != self:
            write_atomic(path, self.model_dump_json())
