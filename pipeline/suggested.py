"""Measure the networks of a file on this machine, untrained: latency needs no training.

``python -m pipeline.suggested next.json --out report.jsonl`` follows `facet feedback suggest --out
next.json`. Not a stage: its report becomes an input of the pipeline by `facet feedback add`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from edge import bench
from edge.bench import Failure, Job, Protocol
from edge.errors import EdgeError
from edge.family import Format
from edge.feedback.candidates import of_file
from edge.files import sha256_of, write_atomic
from edge.record import Measurement
from pipeline import params, store
from pipeline.check import read_target
from pipeline.formats import format_of
from pipeline.params import Params
from pipeline.progress import Progress
from pipeline.roster import Network
from pipeline.untrained import build_files

KIND = "suggested"  # in the store


class SuggestedError(EdgeError, RuntimeError):
    """Networks that could not be measured."""


def run(
    params: Params,
    networks: Path,
    out: Path,
    root: Path = Path(),
    measure: Callable[..., list[Measurement | Failure]] = bench.measure,
) -> None:
    """Export the networks that the file lists, measure them as the profile does, write `out`.

    Finished blocks of runs outlive a kill. Raises CandidatesError for another file, SuggestedError
    where a network would not run; the others are written all the same.
    """
    found = [Network("anchor", str(c.name), c.architecture) for c in of_file(networks)]
    target, folder = read_target(root), root / store.STORE
    with store.locked(KIND, folder):
        journal = store.place(KIND, target.id, ".journal", folder)
        jobs = _jobs(found, format_of(target.runtime).name, params, folder)
        how = params.profile
        protocol = Protocol(warmup_s=how.warmup_s, blocks=how.blocks, block_s=how.block_s)
        with Progress("timing", len(jobs) * how.blocks) as progress:
            results = measure(
                jobs,
                target,
                protocol,
                seed=how.seed,
                journal=journal,
                progress=lambda done, _: progress.update(done),
            )
        records = [result for result in results if isinstance(result, Measurement)]
        write_atomic(out, "".join(m.to_json() + "\n" for m in records))
        journal.unlink(missing_ok=True)
    failures = [str(result) for result in results if isinstance(result, Failure)]
    if failures:
        raise SuggestedError("\n  ".join(["networks that would not run:", *failures]))


def _jobs(networks: Sequence[Network], kind: Format, params: Params, folder: Path) -> list[Job]:
    blocks = [network.blocks for network in networks]
    paths = build_files(blocks, kind, params.export, params.profile.workers, folder)
    pairs = zip(networks, paths, strict=True)
    return [Job(network.subject(sha256_of(path)), path) for network, path in pairs]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("networks", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("report.jsonl"),
    show_default=True,
    help="File of the records, which is replaced.",
)
def main(networks: Path, out: Path) -> None:
    """Measure the NETWORKS that a file lists, untrained, on the first target of params.yaml."""
    try:
        run(params.load(), networks, out)
    except EdgeError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"next: facet feedback add {out}")


if __name__ == "__main__":
    main(prog_name="python -m pipeline.suggested")
