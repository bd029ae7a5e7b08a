"""What each step runs, and where."""

import pytest

from experiments import latencies, networks, rank, references, room
from experiments.workspace import Workspace
from tests.experiments.made_up import cell, settings
from tests.pipeline.made_up import TARGET, small_space

PROTOCOL = settings(
    room={"latencies": 3, "networks": 5, "seeds": 2},
    references={"seeds": 2, "widths": {"resnet8": (4, 8)}},
)


@pytest.fixture
def ran(monkeypatch):
    """(workspace, store, module, arguments ..) of everything that ran."""
    seen = []

    def run(self, *module):
        store = (self.folder / ".edgefacet").readlink().name
        seen.append((self.folder.name, store, *module))

    monkeypatch.setattr(Workspace, "run", run)
    monkeypatch.setattr(Workspace, "fetch_data", lambda _: None)
    return seen


def test_networks_of_all_kinds_are_trained_in_one_store(task, ran):
    root = str(task.root.resolve())
    networks.run(PROTOCOL, task, workers=2)
    references.run(PROTOCOL, task, workers=2)
    room.run(PROTOCOL, task, workers=2)
    where = ("networks", "store")
    assert ran == [
        (*where, "experiments.networks", root, "fashion", "--workers=2"),
        (*where, "experiments.references", root, "fashion", "--workers=2"),
        (
            *(*where, "benchmarks.room", f"--out={task.results.resolve()}/room.jsonl"),
            *("--workers=2", "--latencies=3", "--networks=5", "--seeds=2"),
        ),
    ]


def test_members_and_references_are_measured_together(task, ran):
    latencies.run(PROTOCOL, task)
    root = str(task.root.resolve())
    assert ran == [("networks", "store", "experiments.latencies", root, "fashion")]


def test_the_rank_is_that_of_the_first_search(task, ran):
    rank.run(PROTOCOL, task)
    where = ("simplex-0", "store-0")
    assert ran == [
        (*where, "pipeline", "search"),
        (*where, "experiments.rank", str(task.root.resolve()), "fashion"),
    ]


def test_nothing_is_measured_on_another_target_than_was_searched_for():
    board = TARGET.model_copy(update={"device": "a board"})
    latencies.refuse_another(board, board)
    with pytest.raises(latencies.SessionError, match=r"searched for a board .* the step `table`"):
        latencies.refuse_another(TARGET, board)


def test_a_network_that_two_cells_chose_is_measured_once():
    space = small_space("skip", "conv_k3")
    keys = {choices: space.architecture(choices).key for choices in ((0, 1), (1, 1))}
    chosen = []
    for seed, choices in enumerate([(1, 1), (0, 1), (1, 1)]):
        row = cell("simplex", seed, {1.0: keys[choices]})
        row["members"][0]["choices"] = list(choices)
        chosen.append(row)
    found = latencies.chosen(chosen, space)
    assert [architecture.key for architecture in found] == sorted(keys.values())
