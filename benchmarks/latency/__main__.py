"""`make bench-latency`: how well the latency of whole networks is predicted on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from benchmarks.latency import kept, report
from benchmarks.latency.measured import Session, measure
from benchmarks.latency.report import LENIENCE
from benchmarks.latency.splits import SIZES, Networks, Score, study
from benchmarks.rows import Row, as_lines, read
from edge.errors import EdgeError
from edge.files import write_atomic
from edge.text import fill
from models.mbconv import mbconv
from models.spaces import Space
from pipeline import check, params
from pipeline.params import ProfileParams, TargetParams
from pipeline.store import content_key

WORK = Path("build/bench/latency")  # models and journals: megabytes
QUICK = Path("build/bench/latency-quick")
RESULTS = Path("benchmarks/results")  # small: networks without samples, rows and drawings
ROWS = "latency.jsonl"
INPUT_SHAPE, CLASSES = (1, 28, 28), 10  # of Fashion-MNIST


@dataclass(frozen=True)
class Options:
    """How much is measured, and averaged over how many splits."""

    space: Space
    profile: ProfileParams
    splits: int
    work: Path
    results: Path


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--runtime", "runtimes", multiple=True, type=click.Choice(sorted(LENIENCE)))
@click.option("--networks", type=click.IntRange(8), default=80, show_default=True)
@click.option("--splits", type=click.IntRange(1), default=200, show_default=True)
@click.option("--block-s", type=click.FloatRange(0.001), default=0.1, show_default=True)
@click.option("--again", is_flag=True, help="Measure nothing: score what was measured last.")
@click.option("--quick", is_flag=True, help="A small space and few runs: does it work at all?")
def main(
    runtimes: Sequence[str], networks: int, splits: int, block_s: float, again: bool, quick: bool
) -> None:
    """Measure blocks and random networks, and predict each network from n others.

    Compares the calibrated table with sums of blocks, sums of single operations, and a fit on
    MACs. Nothing else should run meanwhile. Finished blocks of runs and finished rows are kept: a
    killed benchmark goes on; remove build/bench/latency to measure anew. What it measured is kept
    beside the rows, which --again makes anew after a change of a method.
    """
    options = _quick() if quick else _full(networks, splits, block_s)
    for runtime in runtimes or sorted(LENIENCE, reverse=True):
        try:
            (score_again if again else run)(runtime, options)
        except EdgeError as error:
            raise click.ClickException(str(error)) from error


def run(runtime: str, options: Options) -> list[Score]:
    """Measure on one runtime, and say what was found."""
    target = check.describe(TargetParams.model_validate({"runtime": runtime}))
    session = measure(options.space, target, options.profile, params.load().export, options.work)
    kept.write(session.networks, _folder(runtime, options))
    scores = _tell(kept.load(_folder(runtime, options)), runtime, options)
    click.echo(fill(_cost(session)))
    return scores


def score_again(runtime: str, options: Options) -> list[Score]:
    """Score the networks that were measured last, and say what was found."""
    networks = kept.load(_folder(runtime, options))
    path, key = options.results / ROWS, _key(networks, options)
    write_atomic(path, as_lines(row for row in read(path) if row["key"] != key))
    return _tell(networks, runtime, options)


def _folder(runtime: str, options: Options) -> Path:
    return options.results / f"latency-{runtime}"


def _tell(networks: Networks, runtime: str, options: Options) -> list[Score]:
    scores = _scores(networks, options)
    noise = networks.noise_percent
    title = f"{networks.table.target}, {len(networks.pairs)} networks"
    click.echo(fill(title))
    click.echo(report.as_text(scores))
    click.echo(f"Measuring again differs by {noise:.2f} %.")
    for line in report.bars(scores, noise, LENIENCE[runtime]):
        click.echo(line)
    report.draw(scores, noise, title, options.results / f"latency-{runtime}.svg")
    return scores


def _cost(session: Session) -> str:
    return (
        f"Models ran {session.table_s:.0f} s for the table of {len(session.networks.table.rows)} "
        f"blocks, {session.networks_s:.0f} s as networks."
    )


def _scores(networks: Networks, options: Options) -> list[Score]:
    """The rows of these networks: those that the file holds, and the others in place of what it
    holds of the runtime from another session."""
    path, key = options.results / ROWS, _key(networks, options)
    runtime = networks.table.target.runtime
    rows = [row for row in read(path) if row["key"] == key or row["target"]["runtime"] != runtime]
    done = [Score(**row["score"]) for row in rows if row["key"] == key]
    for n in SIZES:
        if n not in {score.n for score in done}:
            new = study(networks, n, options.splits, options.profile.seed)
            done += new
            rows += [_row(key, networks, score) for score in new]
            write_atomic(path, as_lines(rows))
    return done


def _key(networks: Networks, options: Options) -> str:
    ids = sorted(m.id for _, m in networks.pairs)
    return content_key(ids, networks.table.to_dict(), options.splits)


def _row(key: str, networks: Networks, score: Score) -> Row:
    return {
        "key": key,
        "target": networks.table.target.model_dump(mode="json"),
        "networks": len(networks.pairs),
        "noise_percent": networks.noise_percent,
        "score": asdict(score),
    }


def _full(networks: int, splits: int, block_s: float) -> Options:
    of_space = params.load().space.model_dump(exclude={"name"})
    space = mbconv(input_shape=INPUT_SHAPE, classes=CLASSES, **of_space)
    return Options(space, _profile(networks, 13, block_s), splits, WORK, RESULTS)


def _quick() -> Options:
    space = mbconv(
        input_shape=(1, 8, 8), classes=CLASSES, stem_width=4, stem_stride=2, widths=[4], depths=[4],
        head_width=8, act="relu", operations=["skip", "sep_k3", "conv_k3"],
    )  # fmt: skip
    return Options(space, _profile(8, 3, 0.005), 5, QUICK, QUICK)


def _profile(networks: int, blocks: int, block_s: float) -> ProfileParams:
    return ProfileParams(anchors=networks, heldout=0, blocks=blocks, block_s=block_s)


if __name__ == "__main__":
    main()
