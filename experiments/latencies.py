"""``python -m experiments.latencies ROOT TASK`` in a folder with the data: measure what the cells
chose, and hand-designed networks.

All of them in one interleaved session, so that a drift of the machine is everybody's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from benchmarks.rows import Row, as_lines
from edge.bench import Failure, Job, measure
from edge.errors import EdgeError
from edge.files import sha256_of, write_atomic
from edge.record import Measurement, Subject, Target
from edge.spec import Architecture
from edge.statistics import summarise
from edge.table import Table
from experiments import rows
from experiments.cells import finished
from experiments.folder import TaskFolder
from experiments.settings import Settings, load
from experiments.workspace import for_networks
from models.network import layers_of
from models.spaces import Space
from pipeline import check, dataset, params, store
from pipeline.dataset import Dataset
from pipeline.formats import format_of, precision_of
from pipeline.params import Params
from pipeline.progress import Progress
from pipeline.reference_nets import Reference
from pipeline.space import make_space
from pipeline.untrained import build_files
from pipeline.untrained.module import write_file
from pipeline.verify import protocol

JOURNAL = store.STORE / "latencies.journal"


class SessionError(EdgeError, RuntimeError):
    """Networks that could not be measured."""


def run(settings: Settings, task: TaskFolder) -> None:
    """Measure all networks of the cells, and the references of the protocol."""
    for_networks(settings, task).run(__name__, *task.arguments)


@click.command()
@click.argument("root", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.argument("task")
def main(root: Path, task: str) -> None:
    """Measure every network of the cells of TASK below ROOT and the references, anew; latency does
    not depend on weights. A killed session goes on."""
    folder, base, data = TaskFolder(task, root), params.load(), dataset.load()
    settings = load(folder.protocol_file, root)
    cells = finished(rows.CELLS, settings, folder)
    networks = chosen(cells, make_space(base.space, data.shape))
    references = settings.references.networks
    target = check.describe(base.target)
    refuse_another(target, Table.read(folder.table / "calibrate").target)
    jobs = [*_jobs_of(networks, base), *_jobs_of_references(references, base, data)]
    how = protocol(base.verify)
    with Progress("timing", len(jobs) * how.blocks) as progress:
        results = measure(
            jobs, target, how, journal=JOURNAL, progress=lambda done, _: progress.update(done)
        )
    write_atomic(folder.results / rows.LATENCIES, as_lines(map(_row, results)))
    JOURNAL.unlink(missing_ok=True)


def refuse_another(target: Target, searched_for: Target) -> None:
    """Raises SessionError where this is not the target that the cells searched for."""
    if target != searched_for:
        raise SessionError(
            f"the cells searched for {searched_for}; this is {target}: measure there, or make all "
            "anew for this one, beginning with the step `table` and its --again"
        )


def chosen(cells: Iterable[Row], space: Space) -> list[Architecture]:
    """Every network of the cells, once."""
    members = [member for cell in cells for member in cell["members"]]
    by_key = {m["architecture"]: space.architecture(tuple(m["choices"])) for m in members}
    return [by_key[key] for key in sorted(by_key)]


def _jobs_of(networks: Sequence[Architecture], base: Params) -> list[Job]:
    target = check.describe(base.target)
    paths = build_files(
        [layers_of(architecture) for architecture in networks],
        format_of(target.runtime).name,
        base.export,
        workers=1,
        precision=precision_of(target),
    )
    return [
        Job(
            Subject(
                kind="network",
                name=architecture.key,
                sha256=sha256_of(path),
                role="member",
                architecture=architecture.to_dict(),
            ),
            path,
        )
        for architecture, path in zip(networks, paths, strict=True)
    ]


def _jobs_of_references(references: Sequence[Reference], base: Params, data: Dataset) -> list[Job]:
    target = check.describe(base.target)
    kind, precision = format_of(target.runtime), precision_of(target)
    jobs = []
    for reference in references:
        path = store.place("references", str(reference), f".{kind.name}")
        write_file(reference.build(data), kind, precision, data.input_shape, path, base.export)
        name, sha256 = str(reference), sha256_of(path)
        jobs.append(Job(Subject(kind="file", name=name, sha256=sha256, role="reference"), path))
    return jobs


def _row(result: Measurement | Failure) -> Row:
    if isinstance(result, Failure):
        raise SessionError(str(result))
    seen = summarise(result.samples_ns)
    return {
        "architecture": result.subject.name,
        "target": result.target.model_dump(mode="json"),
        "median_ms": seen.median_ms,
        "lo_ms": seen.lo_ms,
        "hi_ms": seen.hi_ms,
        "p95_ms": seen.p95_ms,
        "verdict": result.verdict,
    }


if __name__ == "__main__":
    main()
