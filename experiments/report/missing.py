"""The section about what no row says yet."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from benchmarks.rows import grouped
from experiments.cells import cells
from experiments.report.study import Study
from experiments.settings import Arms


def missing(study: Study) -> str:
    """What to run, and what would be known then; empty where nothing is missing."""
    lines = [*_lacking(study)]
    if study.foreign:
        lines.append(f"{study.foreign} cells are of another protocol, and left out here")
    body = "".join(f"- {line}.\n" for line in lines)
    return f"### What is missing\n\n{body}" if lines else ""


def _lacking(study: Study) -> Iterator[str]:
    command = "python -m experiments"
    if study.task.name != "fashion":
        command += f" --task {study.task.name}"
    if not study.task.table.exists():
        yield f"the latency table, and all that follows: `{command} table`"
        return
    cells_lack = _arms(study, study.settings, {(row["arm"], row["seed"]) for row in study.cells})
    if cells_lack:
        yield f"cells: {cells_lack}: `{command} cells`"
    settings, trained = study.settings, study.trained
    members = {(m["architecture"], row["seed"]) for row in study.cells for m in row["members"]}
    if members - trained:
        yield f"{len(members - trained)} of {len(members)} trainings: `{command} train`"
    wanted = settings.references.trainings
    if wanted - trained:
        lack, most = len(wanted - trained), len(wanted)
        yield f"{lack} of {most} trainings of hand-designed networks: `{command} references`"
    networks = {name for name, _ in members | wanted}
    untimed = networks - study.measured_ms.keys()
    if untimed:
        yield f"latencies of {len(untimed)} of {len(networks)} networks: `{command} measure`"
    of_room = settings.room.latencies * settings.room.networks
    in_room = {(row["architecture"], row["seed"]) for row in study.own_room}
    rooms = of_room * settings.room.seeds
    if len(in_room) < rooms:
        yield f"{rooms - len(in_room)} of {rooms} trainings of the room: `{command} room`"
    ranked = len({row["architecture"] for row in study.rank})
    if ranked < of_room:
        lack = of_room - ranked
        yield f"{lack} of {of_room} networks of the room in shared weights: `{command} rank`"
    if study.ablations is not None:
        ablated = {(row["arm"], row["seed"]) for row in study.ablated}
        if lack_arms := _arms(study, study.ablations, ablated):
            yield f"ablations: {lack_arms}: `{command} ablations`"


def _arms(study: Study, arms: Arms, done: Collection[tuple[str, int]]) -> str:
    """Arms with the seeds that they lack."""
    wanted = [(cell.arm, cell.seed) for cell in cells(arms, study.task)]
    lacking = grouped((one for one in wanted if one not in done), lambda one: one[0])
    return ", ".join(
        f"{arm} (seed {', '.join(str(seed) for _, seed in of)})" for arm, of in lacking.items()
    )
