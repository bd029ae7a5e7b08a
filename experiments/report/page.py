"""The whole page: the verdict of every task first, then task by task."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean

from benchmarks.room.report import by_setting
from benchmarks.rows import Row
from benchmarks.rows import read as read_rows
from edge.files import write_atomic
from experiments import source
from experiments.folder import all_tasks
from experiments.report import (
    ablated,
    family,
    methods,
    missing,
    named,
    opponents,
    space,
    study,
)
from experiments.report.drawing import draw_fronts, draw_networks
from experiments.report.points import points
from experiments.report.study import Study
from experiments.results import by_arm

PAGE = Path("docs/results.md")
FIGURES = Path("docs/figures")
ELSEWHERE = Path("benchmarks/results/room.jsonl")  # `make bench-room`: other spaces

_HEAD = """# Results: methods of search on equal ground

Written by `python -m experiments page` from the rows in `experiments/TASK/results/`. What is
compared, on what and how it is judged was committed before the rows of the arms;
[experiments/README.md](../experiments/README.md) has it, and what was changed after which others.
"""
_TITLES = {
    "fashion": "Fashion-MNIST",
    "photos": "photos: CIFAR-10 images re-encoded as JPEG, 16k/4k subset",
}


def write(root: Path = Path()) -> None:
    """Write the page and its figures from all rows below `root`. Raises SettingsError."""
    studies = [study.read(task) for task in all_tasks(root)]
    for one in studies:
        if one.families:
            draw_fronts(one, root / _figure(one, "fronts"))
        if one.own_room:
            draw_networks(one, root / _figure(one, "networks"))
    elsewhere = read_rows(root / ELSEWHERE)
    write_atomic(root / PAGE, page(studies, elsewhere, _at_points(root)))


def _at_points(root: Path) -> str:
    rows = read_rows(root / source.ROWS)
    return points(rows, source.protocol_key(root / source.PROTOCOL)) if rows else ""


def page(studies: Sequence[Study], elsewhere: Sequence[Row] = (), at_points: str = "") -> str:
    """All tasks that have rows; `elsewhere` are rows of the room of other spaces, `at_points` the
    section about the source's experiment."""
    told = [one for one in studies if not one.is_empty]
    if not told and not at_points:
        return f"{_HEAD}\nNo cell is finished yet: `make experiments`.\n"
    verdicts = "\n".join(f"**{one.task.name}: {methods.verdict(one)}**\n" for one in told)
    parts = [verdicts, _HEAD, *(_of_task(one) for one in told)]
    if at_points:
        parts.append(at_points)
    if elsewhere:
        parts.append(f"## Room of other spaces: `make bench-room`\n\n{by_setting(elsewhere)}")
    if untold := [one.task.name for one in studies if one.is_empty]:
        parts.append(f"Tasks without a row yet: {', '.join(untold)}.\n")
    return "\n".join(parts)


def _of_task(one: Study) -> str:
    sections = [f"## {_TITLES.get(one.task.name, one.task.name)}\n", _ground(one)]
    if one.families:
        sections += [
            f"![Fronts, and hypervolume against cost]({_link(one, 'fronts')})\n",
            methods.hypervolume(one),
            named.named(one),
            methods.budgets(one),
            methods.costs(one),
        ]
    sections += [family.alpha(one), opponents.references(one), space.room(one)]
    if one.own_room:
        sections.append(f"![Networks of equal latency]({_link(one, 'networks')})\n")
    sections += [
        space.rank(one),
        ablated.ablations(one),
        opponents.published(one),
        missing.missing(one),
    ]
    return "\n".join(section for section in sections if section)


def _ground(one: Study) -> str:
    """The machine, the seeds, and how much of a difference is noise."""
    text = "\n".join(_sentences(one))
    return f"{text}\n" if text else ""


def _sentences(one: Study) -> Iterator[str]:
    if one.is_predicted:
        yield (
            "**All latencies of the arms are predictions** of the calibrated table: "
            f"{len(one.unmeasured)} of {len(one.predicted_ms)} members are not measured yet."
        )
    elif one.latencies:
        target = one.latencies[0]["target"]
        yield (
            f"Machine: {target['device']}; {target['runtime']} {target['runtime_version']}, "
            f"{target['precision']}, {target['threads']} thread."
        )
    if (versions := len({tuple(row.get("made_by", ())) for row in one.cells})) > 1:
        yield f"Cells are of {versions} versions of the code or of PyTorch."
    if one.families:
        counts = [f"{arm} {len(of)}" for arm, of in by_arm(one.families).items()]
        yield f"Finished seeds: {', '.join(counts)}."
    if noise := [*_noises(one)]:
        yield f"Noise: {'; '.join(noise)}."
    if known := one.settings.known_before.strip():
        yield f"Known before these rows: {known}"


def _noises(one: Study) -> Iterator[str]:
    if one.own_room:
        share = mean(row["test_accuracy"] for row in one.own_room)
        counted = 100 * math.sqrt(share * (1 - share) / one.own_room[0]["test_images"])
        yield f"the standard error of a test accuracy is {counted:.2f} points"
    known = [row for row in one.latencies if row["lo_ms"] is not None]
    if known and not one.is_predicted:
        half = mean((row["hi_ms"] - row["lo_ms"]) / 2 / row["median_ms"] for row in known)
        yield (
            f"a median latency has an interval of ± {100 * half:.1f} % on average, and "
            f"{one.suspect} of {len(one.latencies)} measurements are suspect, as beside other work"
        )


def _figure(one: Study, kind: str) -> Path:
    return FIGURES / f"experiments-{one.task.name}-{kind}.svg"


def _link(one: Study, kind: str) -> str:
    return _figure(one, kind).relative_to(PAGE.parent).as_posix()
