"""All rows of one task that belong to its protocol as it is now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from benchmarks.rows import Row
from edge.observed import USABLE
from experiments import results, rows
from experiments.cells import finished
from experiments.folder import TaskFolder
from experiments.handmade import Handmade, handmade
from experiments.results import Family, by_arm
from experiments.settings import Ablations, Settings, load, load_ablations
from pipeline.params import Params
from pipeline.training import essentials


@dataclass(frozen=True)
class Study:
    """What is known of a task, beside its protocol."""

    task: TaskFolder
    settings: Settings
    cells: Sequence[Row] = ()
    networks: Sequence[Row] = ()
    latencies: Sequence[Row] = ()
    room: Sequence[Row] = ()  # those of other spaces and recipes, too
    rank: Sequence[Row] = ()
    ablations: Ablations | None = None
    ablated: Sequence[Row] = ()
    foreign: int = 0  # rows of cells of another protocol

    @cached_property
    def measured_ms(self) -> dict[str, float]:
        """The median of every network that was measured."""
        return {row["architecture"]: row["median_ms"] for row in self.latencies}

    @cached_property
    def predicted_ms(self) -> dict[str, float]:
        """The median of every member of a cell, as its search went by."""
        members = [member for cell in self.cells for member in cell["members"]]
        return {member["architecture"]: member["predicted_ms"] for member in members}

    @cached_property
    def unmeasured(self) -> set[str]:
        """The members of cells that no latency is known of but a predicted one."""
        return self.predicted_ms.keys() - self.measured_ms.keys()

    @property
    def is_predicted(self) -> bool:
        """Whether the families have predicted latencies, because some member was not measured: half
        of each would compare nothing."""
        return bool(self.unmeasured)

    @cached_property
    def trained(self) -> set[tuple[str, int]]:
        """Every network that was trained, with its seed."""
        return {(row["architecture"], row["seed"]) for row in self.networks}

    @cached_property
    def suspect(self) -> int:
        """How many latencies are of measurements that nobody should rely on."""
        return sum(row["verdict"] not in USABLE for row in self.latencies)

    @property
    def kind_of_latency(self) -> str:
        return "predicted" if self.is_predicted else "measured"

    @cached_property
    def families(self) -> list[Family]:
        """The cells all of whose members are trained, at their measured or predicted latencies."""
        latency_ms = self.predicted_ms if self.is_predicted else self.measured_ms
        return results.families(self.cells, self.networks, latency_ms)

    @cached_property
    def by_arm(self) -> dict[str, list[Family]]:
        return by_arm(self.families)

    @cached_property
    def volumes(self) -> dict[str, dict[int, float]]:
        """Hypervolumes by arm and seed."""
        return {arm: results.hypervolumes(of, self.settings) for arm, of in self.by_arm.items()}

    @cached_property
    def first(self) -> list[Family]:
        """Those of the arm that all others are compared with."""
        return self.by_arm.get(self.settings.first, [])

    @cached_property
    def handmade(self) -> list[Handmade]:
        """The hand-designed networks that are trained and measured; none beside predictions."""
        return [] if self.is_predicted else handmade(self.networks, self.measured_ms)

    @cached_property
    def params(self) -> Params:
        """What the first arm has with the first seed."""
        return self.settings.params_of(self.settings.first, 0, self.task.root)

    @cached_property
    def own_room(self) -> list[Row]:
        """The rows of the room that are of this data, this space and this recipe."""
        about = {
            "data": self.params.data.title,
            "space": self.params.space.model_dump(mode="json"),
        }
        return [
            row
            for row in self.room
            if about.items() <= row.items() and is_trained_as(row, self.params)
        ]

    @property
    def is_empty(self) -> bool:
        return not (self.cells or self.networks or self.room or self.rank or self.ablated)


def read(task: TaskFolder) -> Study:
    """The study of a task. Raises SettingsError."""
    settings = load(task.protocol_file, task.root)
    ablations = None
    if (task.root / task.ablations_file).exists():
        ablations = load_ablations(task.ablations_file, task.root)
    params = settings.params_of(settings.first, 0, task.root)
    own = finished(rows.CELLS, settings, task)
    keys = {row["key"] for row in own}
    return Study(
        task=task,
        settings=settings,
        cells=own,
        networks=rows.latest(
            row for row in rows.of(rows.NETWORKS, task) if is_trained_as(row, params)
        ),
        latencies=rows.of(rows.LATENCIES, task),
        room=rows.of(rows.ROOM, task),
        rank=finished(rows.RANK, settings, task),
        ablations=ablations,
        ablated=finished(rows.ABLATIONS, ablations, task) if ablations else [],
        foreign=sum(row["key"] not in keys for row in rows.of(rows.CELLS, task)),
    )


def is_trained_as(row: Row, params: Params) -> bool:
    """Whether a row is of the recipe of `params`, whatever its seed; one that does not say its
    recipe is not."""
    recipe = row.get("recipe")
    wanted = {**essentials(params.retrain), "seed": 0}
    return recipe is not None and {**recipe, "seed": 0} == wanted
