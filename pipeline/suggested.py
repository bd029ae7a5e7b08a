"""Measure the networks of a file on this machine, untrained: latency needs no training.

``python -m pipeline.suggested next.json --out report.jsonl`` follows `facet feedback suggest --out
next.json`. Not a stage: its report becomes an input of the pipeline by `facet feedback add`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from edge.bench import Failure
from edge.errors import EdgeError
from edge.feedback.candidates import of_file
from edge.files import write_atomic
from edge.record import Measurement
from pipeline import params, store
from pipeline.measure import session, untrained_jobs
from pipeline.params import Params
from pipeline.remote import require_local
from pipeline.roster import Network
from pipeline.targets import read_target

KIND = "suggested"  # in the store


class SuggestedError(EdgeError, RuntimeError):
    """Networks that could not be measured."""


def run(
    params: Params,
    networks: Path,
    out: Path,
    root: Path = Path(),
    session: Callable[..., list[Measurement | Failure]] = session,
) -> None:
    """Export the networks that the file lists, measure them as the profile does, write `out`.

    Finished blocks of runs outlive a kill. Raises CandidatesError for another file, SuggestedError
    where a network would not run; the others are written all the same.
    """
    require_local(params.target, "pipeline.suggested")
    found = [Network("anchor", str(c.name), c.architecture) for c in of_file(networks)]
    target, folder = read_target(params, root), root / store.STORE
    with store.locked(KIND, folder):
        journal = store.place(KIND, target.id, ".journal", folder)
        jobs = untrained_jobs(found, target, params, folder)
        results = session(jobs, target, params.profile, journal)
        records = [result for result in results if isinstance(result, Measurement)]
        write_atomic(out, "".join(m.to_json() + "\n" for m in records))
        journal.unlink(missing_ok=True)
    failures = [str(result) for result in results if isinstance(result, Failure)]
    if failures:
        raise SuggestedError("\n  ".join(["networks that would not run:", *failures]))


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
