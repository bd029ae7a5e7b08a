"""Read the results, write the page."""

from __future__ import annotations

from pathlib import Path

import click

from edge.family import read_moment
from edge.files import write_atomic
from pipeline.params import Params
from pipeline.report import (
    accuracy,
    architectures,
    control,
    cost,
    members,
    precisions,
    prediction,
    steering,
    training,
)
from pipeline.report.page import Head, render
from pipeline.report.sources import Run, load

REPORT_FILE = Path("results/report.html")
SECTIONS = (
    *(accuracy.section, members.section, precisions.section, architectures.section),
    *(prediction.section, control.section, steering.section, training.section, cost.section),
)


def run(params: Params, root: Path = Path()) -> None:
    """Write results/report.html below `root`; the control's verdict is printed, too.

    Raises FamilyMissing where there is nothing to report yet.
    """
    found = load(params, root)
    write_atomic(root / REPORT_FILE, page(found))
    compared = control.found(found)
    if compared:
        click.echo(str(compared))
    click.echo(f"open {REPORT_FILE}")


def page(run: Run) -> str:
    """The whole page about a run."""
    return render(head(run), [section(run) for section in SECTIONS])


def head(run: Run) -> Head:
    """Title, verdict and facts. A control that tied is the first thing to be read."""
    compared = control.found(run)
    told = None if compared is None else str(compared)
    tied = compared is not None and compared.ties
    return Head(
        title=f"EdgeFacet: {run.manifest.dataset}",
        warning=told if tied else None,
        verdict=None if tied else told,
        facts=[
            ("Data set", f"{run.manifest.dataset}, {len(run.manifest.classes)} classes"),
            ("Measured", _moment(run.manifest.created)),
            ("Commit", run.commit or "unknown"),
            *(("Target", str(target)) for target in run.targets),
        ],
    )


def _moment(text: str | None) -> str:
    return "not yet" if text is None else f"{read_moment(text):%Y-%m-%d %H:%M %Z}"
