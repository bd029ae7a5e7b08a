"""`facet measure`: how long any model file takes on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge.commands.measure_report import report_dict
from edge.commands.measure_text import to_text
from edge.commands.shared import (
    EXIT_ERROR,
    EXIT_PARTLY,
    complete_runtime,
    json_option,
    positive,
    remark,
    tell,
)
from edge.errors import EdgeError

if TYPE_CHECKING:
    from edge.model_files import Model
    from edge.record import Measurement
    from edge.session import Result, Setting

_MAX_RUNS = 2000  # of a block: seven of them bound p99 well, in a record of 100 kB
_MEMORY_LIMIT_BYTES = 4 << 30
_FILE = click.Path(exists=True, path_type=Path)


class NotWritable(EdgeError, OSError):
    """The records have no place to go."""


@click.command("measure")
@click.argument("models", metavar="[MODEL]... | BUNDLE", nargs=-1, type=_FILE)
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
    help="What the weights of MODELs are stored in, for the record: fp32, int8, ...; of a family, "
    "the files to measure.  [default: unknown; of a family all]",
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
    help="Seconds that loading a model may take beyond its warm-up, or a block beyond --min-time.",
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
    help="Append the records, raw samples included, to this file of JSON lines.  "
    "[default: none; of a bundle report-ORDER.jsonl]",
)
@json_option
@click.pass_context
def measure(
    ctx: click.Context,
    models: tuple[Path, ...],
    family: Path | None,
    runtime: str | None,
    threads: int,
    precision: str | None,
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

    A bundle (a folder, .zip or .tar of `facet bundle create`) is measured as its order says, and
    leaves a report to bring back; a call that was killed goes on where it was.

    Exit codes: 0 all measured, 1 none or an error, 2 wrong usage, 4 some failed.
    """
    from edge.bench import Protocol
    from edge.commands.measure_bundle import bundle_among, measure_bundle
    from edge.session import Setting

    limit_bytes = _memory_limit_bytes(memory_limit_mib)
    bundle = bundle_among(ctx, models)
    if bundle is not None:
        report = measure_bundle(bundle, limit_bytes, out, _writing)
    else:
        protocol = Protocol(
            blocks=blocks,
            block_s=block_s,
            max_runs=_MAX_RUNS,
            timeout_s=timeout_s,
            memory_limit_bytes=limit_bytes,
        )
        found = _find(models, family, runtime, precision)
        _warn_of_threads(threads)
        report = report_dict(found, _measure(found, Setting(threads, protocol), out))
    tell(as_json, report, lambda: to_text(report))
    if report["failed"]:
        ctx.exit(EXIT_PARTLY if report["measured"] else EXIT_ERROR)


def _memory_limit_bytes(mib: int | None) -> int:
    """A model that wants it all must fail alone, before the kernel picks somebody to kill."""
    from edge.device import describe

    if mib is not None:
        return mib << 20
    return min(_MEMORY_LIMIT_BYTES, (describe().memory_bytes or _MEMORY_LIMIT_BYTES) * 3 // 4)


def _warn_of_threads(threads: int) -> None:
    from edge.device import describe

    cores = describe().cores
    if threads > cores:
        remark(f"--threads {threads}: this machine has {cores} cores, which they must share")


def _find(
    paths: Sequence[Path], family: Path | None, runtime: str | None, precision: str | None
) -> list[Model]:
    from edge.family import Family
    from edge.model_files import UNKNOWN_PRECISION, models_of_family, models_of_files

    if bool(paths) == (family is not None):
        raise click.UsageError("Name either model files or a --family, or a bundle.")
    if family is not None:
        return models_of_family(Family.load(family), runtime, precision)
    return models_of_files(paths, runtime, precision or UNKNOWN_PRECISION)


def _measure(models: Sequence[Model], setting: Setting, out: Path | None) -> list[Result]:
    from edge import record
    from edge.progress import Steps
    from edge.session import measure_models

    with Steps() as progress:
        if out is None:
            return measure_models(models, setting, progress=progress)
        with _writing(out):
            out.parent.mkdir(parents=True, exist_ok=True)
            out.open("ab").close()  # what cannot be written fails before the work, not after it
            record.read(out)  # nor is a file touched that holds anything else
        keep = partial(_append, out)
        return measure_models(models, setting, keep=keep, progress=progress)


def _append(out: Path, measurement: Measurement) -> None:
    from edge import record

    with _writing(out):
        record.append(out, measurement)


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    from edge.record import RecordError

    try:
        yield
    except (OSError, RecordError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise NotWritable(f"cannot write {out}: {why}: choose another --out") from error
