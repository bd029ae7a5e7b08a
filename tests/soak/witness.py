"""What a board made, written down beside its spool: who says that nothing was lost must know it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge.agent.items import Item
from edge.agent.spool import Spool
from edge.record import Measurement
from edge.thin import thin

Step = Literal["adding", "added"]


def serial(record: Measurement) -> str:
    """Which measurement it is, thinned or not: what `board` numbered, or an application named."""
    return str(record.warmup_ns[0]) if record.warmup_ns else record.subject.name


@dataclass(frozen=True)
class Seen:
    """A measurement on its way into the spool, and the ids that its record may have."""

    step: Step
    serial: str
    ids: tuple[str, str]  # as it was made; thinned

    def line(self) -> str:
        return " ".join((self.step, self.serial, *self.ids)) + "\n"


class WitnessedSpool(Spool):
    """A spool whose additions are written to a file before and after; a kill leaves both as the
    kernel has them."""

    def __init__(self, path: Path, cap_bytes: int) -> None:
        super().__init__(path, cap_bytes)
        self._witness = os.open(witness_of(path), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def close(self) -> None:
        super().close()
        os.close(self._witness)

    def add(self, items: Iterable[Item]) -> None:
        items = list(items)
        records = [item.record() for item in items if item.kind == "record"]
        told = [(serial(record), (record.id, thin(record).id)) for record in records]
        self._tell(Seen("adding", *one) for one in told)
        super().add(items)
        self._tell(Seen("added", *one) for one in told)

    def _tell(self, seen: Iterable[Seen]) -> None:
        os.write(self._witness, "".join(one.line() for one in seen).encode())


def witness_of(spool: Path) -> Path:
    """The file beside `spool`."""
    return spool.with_name("witness.txt")


def read_witness(path: Path) -> Iterator[Seen]:
    """All that was seen, oldest first; nothing where nothing was ever added."""
    if path.exists():
        for line in path.read_text().splitlines():
            step, number, *ids = line.split(" ")
            assert step == "adding" or step == "added"
            yield Seen("added" if step == "added" else "adding", number, (ids[0], ids[1]))
