"""``python -m experiments.latencies ROOT`` in a folder with the data: measure all chosen networks.

All of them in one interleaved session, so that a drift of the machine is everybody's.
"""

from __future__ import annotations

from pathlib import Path

import click

from benchmarks.rows import as_lines
from edge.bench import Failure, Job, measure
from edge.errors import EdgeError
from edge.files import sha256_of, write_atomic
from edge.record import Subject
from edge.spec import Architecture
from edge.statistics import summarise
from experiments import rows
from models.network import layers_of
from pipeline import check, dataset, params
from pipeline.formats import format_of, precision_of
from pipeline.progress import Progress
from pipeline.space import make_space
from pipeline.untrained import build_files
from pipeline.verify import protocol


class SessionError(EdgeError, RuntimeError):
    """Networks that could not be measured."""


@click.command()
@click.argument("root", type=click.Path(path_type=Path, file_okay=False, exists=True))
def main(root: Path) -> None:
    """Measure every network of the cells below ROOT, anew; latency does not depend on weights."""
    base = params.load()
    space = make_space(base.space, dataset.load())
    members = [member for cell in rows.of(rows.CELLS, root) for member in cell["members"]]
    by_key = {m["architecture"]: space.architecture(tuple(m["choices"])) for m in members}
    networks = [by_key[key] for key in sorted(by_key)]
    target = check.describe(base.target)
    paths = build_files(
        [layers_of(architecture) for architecture in networks],
        format_of(target.runtime).name,
        base.export,
        workers=1,
        precision=precision_of(target),
    )
    jobs = [_job(architecture, path) for architecture, path in zip(networks, paths, strict=True)]
    how = protocol(base.verify)
    with Progress("timing", len(jobs) * how.blocks) as progress:
        results = measure(jobs, target, how, progress=lambda done, _: progress.update(done))
    found = []
    for architecture, result in zip(networks, results, strict=True):
        if isinstance(result, Failure):
            raise SessionError(str(result))
        seen = summarise(result.samples_ns)
        found.append(
            {
                "architecture": architecture.key,
                "target": target.model_dump(mode="json"),
                "median_ms": seen.median_ms,
                "lo_ms": seen.lo_ms,
                "hi_ms": seen.hi_ms,
                "p95_ms": seen.p95_ms,
                "verdict": result.verdict,
            }
        )
    write_atomic(root / rows.RESULTS / rows.LATENCIES, as_lines(found))


def _job(architecture: Architecture, path: Path) -> Job:
    subject = Subject(
        kind="network",
        name=architecture.key,
        sha256=sha256_of(path),
        role="member",
        architecture=architecture.to_dict(),
    )
    return Job(subject, path)


if __name__ == "__main__":
    main()
