"""What `facet measure` answers, as `--json` prints it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from edge.commands.shared import target_dict

if TYPE_CHECKING:
    from edge.model_files import Model
    from edge.record import Measurement, Target
    from edge.session import Result


def report_dict(models: Sequence[Model], results: Sequence[Result]) -> dict[str, Any]:
    """The targets, and what became of every model on them."""
    from edge.bench import Failure

    measured, failed = [], []
    targets: dict[Target, None] = {}
    for model, result in zip(models, results, strict=True):
        if isinstance(result, Failure):
            failed.append({**_who(model), "kind": result.kind, "detail": result.detail})
        else:
            targets[result.target] = None
            measured.append({**_who(model), **_row(model, result)})
    return {"targets": list(map(target_dict, targets)), "measured": measured, "failed": failed}


def _who(model: Model) -> dict[str, Any]:
    return {"name": model.job.subject.name, "file": click.format_filename(model.job.path)}


def _row(model: Model, record: Measurement) -> dict[str, Any]:
    from edge.statistics import summarise

    return {
        "sha256": record.subject.sha256,
        "size_bytes": model.size_bytes,
        "target": record.target.id,
        **asdict(summarise(record.samples_ns)),
        "peak_memory_bytes": record.peak_memory_bytes,
        "verdict": record.verdict,
        "reasons": list(record.reasons),
        "record": record.id,
    }
