"""`facet measure BUNDLE`: carry out the order in a bundle, and leave a report to bring back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge.command_line import given
from edge.commands.measure_report import report_dict

if TYPE_CHECKING:
    from edge.bundle import Bundle
    from edge.model_files import Model

_ORDERED = ("family", "runtime", "threads", "precision", "blocks", "block_s", "timeout_s")

Writing = Callable[[Path], AbstractContextManager[None]]


def bundle_among(ctx: click.Context, paths: Sequence[Path]) -> Path | None:
    """The one bundle that was named. Raises UsageError where something was named beside it."""
    from edge.bundle import is_bundle

    bundles = [path for path in paths if is_bundle(path)]
    if not bundles:
        return None
    if len(paths) > 1:
        raise click.UsageError("A bundle is measured alone: name one, and no other models.")
    if typed := given(ctx, *_ORDERED):
        raise click.UsageError(f"The order in the bundle settles {', '.join(typed)}: leave it out.")
    return bundles[0]


def measure_bundle(
    path: Path, memory_limit_bytes: int, out: Path | None, writing: Writing
) -> dict[str, Any]:
    """Measure all of it in one session. A call that was killed goes on where it was.

    Raises Locked where another call is at it: both would write the same journal.
    """
    from edge.bundle import read
    from edge.carry_out import carry_out, forget
    from edge.locks import locked
    from edge.progress import Steps
    from edge.report_file import ReportFile

    bundle = read(path)
    report = ReportFile(out) if out else ReportFile.of(bundle.order)
    with writing(report.path):
        report.prepare()
    with locked(report.lock, f"the order in {path}"):
        with bundle.models() as files, Steps() as progress:
            results = carry_out(
                bundle.order,
                files,
                memory_limit_bytes=memory_limit_bytes,
                journal=report.journal,
                progress=progress,
            )
        with writing(report.path):
            report.write(bundle.order, results)
        forget(report.journal)
    failed = report.failures_path if report.failures_path.exists() else None
    return {
        "order": bundle.order.id,
        "report": str(report.path),
        "failures": failed and str(failed),
        **report_dict(_models(bundle), results),
    }


def _models(bundle: Bundle) -> list[Model]:
    """As the answer shows them: by their names in the bundle, which is unpacked no longer."""
    from edge.bench import Job
    from edge.bundle import model_name
    from edge.model_files import Model

    order = bundle.order
    return [
        Model(
            Job(model.subject, Path(model_name(order, model.subject.sha256))),
            order.runtime,
            order.precision,
            model.size_bytes,
        )
        for model in order.models
    ]
