"""Sessions by hand: a bundle goes to the board on a stick, and its report comes back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from edge import bundle, bundle_writer
from edge.errors import EdgeError
from edge.hub_access import HUB, TOKEN_FILE
from edge.report_file import ReportFile
from edge.session import Result
from pipeline.remote import collect
from pipeline.remote.errors import RemoteError
from pipeline.remote.session import Placed, Session

OUTBOX = Path("outbox")  # bundles for boards
INBOX = Path("inbox")  # reports of boards
USED = "used"  # in the inbox: reports that were taken


class ReportMissing(RemoteError):
    """Bundles wait to be carried to their boards; the message says where from and to."""


def results(
    placed: Sequence[Placed], root: Path, now: datetime | None = None
) -> list[list[Result]]:
    """For every session what its report in the inbox below `root` says.

    Raises ReportMissing after all bundles without a report were written, and RemoteError for a
    report that cannot be used.
    """
    waiting = [one for one in placed if not _report(one, root).path.exists()]
    if waiting:
        for one in waiting:
            _write(one, root, now or datetime.now(timezone.utc))
        raise ReportMissing(_what_to_do(waiting, root))
    return [_read(one, root) for one in placed]


def put_away(placed: Placed, root: Path) -> None:
    """Its report was taken: move it aside, and remove the bundle."""
    report = _report(placed, root)
    for path in (report.path, report.failures_path):
        if path.exists():
            (path.parent / USED).mkdir(exist_ok=True)
            path.replace(path.parent / USED / path.name)
    (root / bundle_path(placed.session)).unlink(missing_ok=True)


def bundle_path(session: Session) -> Path:
    """Where the bundle of a session lies: named after all that tells it from others of a stage."""
    target = session.target
    parts = [session.device, session.purpose, target.runtime]
    if target.precision != "fp32":
        parts.append(target.precision)
    if target.threads > 1:
        parts.append(f"{target.threads}-threads")
    return OUTBOX / f"{'-'.join(parts)}.zip"


def _report(placed: Placed, root: Path) -> ReportFile:
    return ReportFile.of(placed.order, root / INBOX)


def _read(placed: Placed, root: Path) -> list[Result]:
    report = _report(placed, root)
    where = INBOX / report.path.name
    try:
        listed = report.failures()
        if listed is not None and listed.order != placed.order.id:
            raise RemoteError(f"its failures are those of another order, {listed.order[:12]}")
        failures = listed.failures if listed else ()
        return collect.results(placed.session, report.records(), failures)
    except EdgeError as error:
        raise RemoteError(
            f"{where} cannot be used for {placed.what}: {error}\nwhat was ordered is in "
            f"{bundle_path(placed.session)}: facet measure it, and bring back all files that it "
            f"names; remove {where} to have the bundle written again"
        ) from error


def _write(placed: Placed, root: Path, now: datetime) -> None:
    path = root / bundle_path(placed.session)
    if not _holds(path, placed):
        bundle_writer.write(path, placed.order, placed.files, created=now)


def _holds(path: Path, placed: Placed) -> bool:
    try:
        return bundle.read(path).order.id == placed.order.id
    except (EdgeError, OSError):
        return False


def _what_to_do(waiting: Sequence[Placed], root: Path) -> str:
    several = len(waiting) > 1
    lines = [
        f"{'these bundles wait' if several else 'a bundle waits'} for a board, since {HUB} names "
        "no hub:"
    ]
    for placed in waiting:
        path = bundle_path(placed.session)
        name = _report(placed, root).path.name
        lines += [
            f"  {path}: carry it to {placed.session.device}; there: facet measure {path.name}",
            f"    and bring {name} back to {INBOX}/ (with {Path(name).stem}.failures.json, if it "
            "writes one)",
        ]
    lines += [
        "  a board without packages needs them on the stick; for Python 3.11 on 64-bit Arm:",
        f"  facet bundle create --order {bundle_path(waiting[0].session)} "
        "--fetch-wheels aarch64:3.11 --out stick.zip",
    ]
    lines += [f"  {text}" for text in _others(waiting, root)]
    lines.append(f"then: dvc repro goes on. With a hub, {HUB} and {TOKEN_FILE}, nothing is carried")
    return "\n".join(lines)


def _others(waiting: Sequence[Placed], root: Path) -> list[str]:
    """Reports that lie in the inbox and answer nothing that is waited for."""
    wanted = {_report(placed, root).path.name for placed in waiting}
    found = sorted(path.name for path in (root / INBOX).glob("report-*.jsonl"))
    return [
        f"{INBOX / name} was left out: it answers another order (models, protocol, round or board "
        "changed since)"
        for name in found
        if name not in wanted
    ]
