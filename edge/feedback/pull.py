"""Records that a hub collected, filed like a report that was carried here.

How far was read lies in a small file beside the records. It saves work and decides nothing: a
record that is there already is not filed again. A hub whose database was replaced or restored
counts anew: it is known by its last record that was read, and all is read again where that is gone.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from edge.feedback.intake import FOLDER, Refusal, add
from edge.files import write_atomic
from edge.networks import JUDGES
from edge.record import WITHDRAWN, Subject, read_all, withdrawn

if TYPE_CHECKING:
    from edge.hub_api import Records

CURSOR = ".pulled.json"  # in the folder: URL of a hub -> the last of its records that was read


class Source(Protocol):
    """What a hub offers of this: see `edge.hub_client.Operator`."""

    @property
    def url(self) -> str: ...

    def records(self, after: int, limit: int = ...) -> Records: ...

    def excluded(self) -> Iterable[str]: ...


@dataclass(frozen=True)
class _Last:
    """The last record that was read of a hub: its arrival number and its id."""

    after: int
    record: str


@dataclass(frozen=True)
class Pulled:
    """What became of the records of a hub; `others` are those that a calibration has no use for,
    `withdrawn` were filed by an earlier call, and their device is trusted no more."""

    added: int
    known: int
    others: int
    withdrawn: int
    refused: tuple[Refusal, ...]  # their numbers count what was read by this call
    filed: tuple[Path, ...]


def pull(
    hub: Source, folder: Path = FOLDER, *, anew: bool = False, now: datetime | None = None
) -> Pulled:
    """File what has arrived at the hub since the last call, or `anew` all that it has, and withdraw
    what it has excluded meanwhile.

    What is filed stays so where the hub goes away meanwhile. Raises what the hub's client raises,
    and RecordError for a broken file in `folder`.
    """
    cursors = _read(folder)
    after = 0 if anew else _begin(hub, cursors.get(hub.url))
    added = known = others = seen = 0
    refused: list[Refusal] = []
    filed: list[Path] = []
    while (page := hub.records(after)).next is not None:
        networks = [record for record in page.records if _of_use(record.subject)]
        text = "".join(f"{record.to_json()}\n" for record in networks)
        with tempfile.TemporaryDirectory() as temporary:
            path = Path(temporary, "records.jsonl")
            path.write_text(text, encoding="utf-8")
            (intake,) = add([path], folder, now)
        added += intake.added
        known += intake.known
        others += len(page.records) - len(networks)
        refused += [Refusal(seen + one.line, one.reason) for one in intake.refused]
        filed += [intake.filed] if intake.filed else []
        seen += len(networks)
        after = page.next
        cursors[hub.url] = _Last(page.next, page.records[-1].id)
        _write(folder, cursors)
    gone = _withdraw(hub.excluded(), folder)
    return Pulled(added, known, others, gone, tuple(refused), tuple(filed))


def _begin(hub: Source, last: _Last | None) -> int:
    """The arrival number behind which there is something new."""
    if last is None:
        return 0
    found = hub.records(last.after - 1, limit=1).records
    return last.after if [record.id for record in found] == [last.record] else 0


def _withdraw(excluded: Iterable[str], folder: Path) -> int:
    """How many of the records in `folder` are `excluded` and were not withdrawn before."""
    gone = set(excluded)
    gone = gone and gone & {record.id for record in read_all(folder)}
    if gone:
        lines = sorted(gone | withdrawn(folder))
        write_atomic(folder / WITHDRAWN, "".join(f"{id_}\n" for id_ in lines))
    return len(gone)


def _of_use(subject: Subject) -> bool:
    """A network, but none by which a profile judges what is fitted on all others."""
    return subject.kind == "network" and subject.role not in JUDGES


def _read(folder: Path) -> dict[str, _Last]:
    """Where nothing sensible is remembered, all is read again."""
    try:
        found = json.loads((folder / CURSOR).read_text(encoding="utf-8"))
        return {url: _Last(int(one["after"]), str(one["record"])) for url, one in found.items()}
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _write(folder: Path, cursors: Mapping[str, _Last]) -> None:
    data = {url: asdict(last) for url, last in cursors.items()}
    write_atomic(folder / CURSOR, json.dumps(data, indent=1, sort_keys=True) + "\n")
