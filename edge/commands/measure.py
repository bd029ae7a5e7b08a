"""`facet measure`: how long any model file takes on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge.commands.measure_text import to_text
from edge.commands.shared import (
    EXIT_ERROR,
    EXIT_PARTLY,
    complete_runtime,
    json_option,
    positive,
    target_dict,
    tell,
)
from edge.errors import EdgeError

if TYPE_CHECKING:
    from edge.model_files import Model
    from edge.record import Measurement, Target
    from edge.session import Result, Setting

_MAX_RUNS = 2000  # of a block: seven of them bound p99 well, in a record of 100 kB
_MEMORY_LIMIT_BYTES = 4 << 30
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class NotWritable(EdgeError, OSError):
    """The records have no place to go."""


@click.command("measure")
@click.argument("models", metavar="[MODEL]...", nargs=-1, type=_FILE)
@click.option(
    "--family",
    type=click.Path(path_type=Path),
    help="Measure the members of this family instead: its folder, or its JSON file.",
)
@click.option(
    "--runtime",
    shell_complete=complete_runtime,
    help="What runs the models.  [default: what reads files of their suffix]",
)
@click.option(
    "--threads", type=click.IntRange(1), default=1, show_default=True, help="Of the runtime."
)
@click.option(
    "--precision",
    default="unknown",
    show_default=True,
    help="What the weights of MODELs are stored in, for the record: fp32, int8, ...",
)
@click.option(
    "--blocks",
    type=click.IntRange(3),
    default=7,
    show_default=True,
    help="Blocks of runs per model, in random interleaved order; an interval takes five.",
)
@click.option(
    "--min-time",
    "block_s",
    type=float,
    default=1.0,
    show_default=True,
    callback=positive,
    help="Seconds that a block lasts, unless it reaches 2000 runs before.",
)
@click.option(
    "--timeout",
    "timeout_s",
    type=float,
    default=60.0,
    show_default=True,
    callback=positive,
    help="Seconds that loading a model with its warm-up, or a block, may take.",
)
@click.option(
    "--memory-limit",
    "memory_limit_mib",
    type=click.IntRange(64),
    help="MiB that all models of a session may take together.  "
    "[default: 4096, or three quarters of a smaller memory]",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Append the records, raw samples included, to this file of JSON lines.",
)
@json_option
@click.pass_context
def measure(
    ctx: click.Context,
    models: tuple[Path, ...],
    family: Path | None,
    runtime: str | None,
    threads: int,
    precision: str,
    blocks: int,
    block_s: float,
    timeout_s: float,
    memory_limit_mib: int | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Measure how long .onnx and .tflite files take here, ours or not.

    Inputs are made up from a model's own signature: dynamic dimensions are 1. Models run in a
    process apart; one that fails there is reported, and the others are measured.

    Exit codes: 0 all measured, 1 none or an error, 2 wrong usage, 4 some failed.
    """
    from edge.bench import Protocol
    from edge.session import Setting

    protocol = Protocol(
        blocks=blocks,
        block_s=block_s,
        max_runs=_MAX_RUNS,
        timeout_s=timeout_s,
        memory_limit_bytes=_memory_limit_bytes(memory_limit_mib),
    )
    found = _find(models, family, runtime, precision)
    report = _report(found, _measure(found, Setting(threads, protocol), out))
    tell(as_json, report, lambda: to_text(report))
    if report["failed"]:
        ctx.exit(EXIT_PARTLY if report["measured"] else EXIT_ERROR)


def _memory_limit_bytes(mib: int | None) -> int:
    """A model that wants it all must fail alone, before the kernel picks somebody to kill."""
    from edge.device import describe

    if mib is not None:
        return mib << 20
    return min(_MEMORY_LIMIT_BYTES, (describe().memory_bytes or _MEMORY_LIMIT_BYTES) * 3 // 4)


def _find(
    paths: Sequence[Path], family: Path | None, runtime: str | None, precision: str
) -> list[Model]:
    from edge.family import Family
    from edge.model_files import models_of_family, models_of_files

    if bool(paths) == (family is not None):
        raise click.UsageError("Name either model files or a --family.")
    if family is not None:
        return models_of_family(Family.load(family), runtime)
    return models_of_files(paths, runtime, precision)


def _measure(models: Sequence[Model], setting: Setting, out: Path | None) -> list[Result]:
    from edge.progress import Steps
    from edge.session import measure_models

    with Steps() as progress:
        if out is None:
            return measure_models(models, setting, progress=progress)
        with _writing(out):
            out.parent.mkdir(parents=True, exist_ok=True)
            out.open("ab").close()  # what cannot be written fails before the work, not after it
        keep = partial(_append, out)
        return measure_models(models, setting, keep=keep, progress=progress)


def _append(out: Path, measurement: Measurement) -> None:
    from edge import record

    with _writing(out):
        record.append(out, measurement)


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NotWritable(f"cannot write {out}: {error.strerror}: choose another --out") from error


def _report(models: Sequence[Model], results: Sequence[Result]) -> dict[str, Any]:
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
