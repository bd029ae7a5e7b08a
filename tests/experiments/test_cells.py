import json

import pytest

from benchmarks.rows import append
from experiments import cells, rows
from experiments.folder import TaskFolder
from tests.experiments.made_up import settings


def test_seeds_come_in_the_outer_loop(task):
    assert [cell[:2] for cell in cells.cells(settings(), task)] == [
        *(("simplex", 0), ("control", 0), ("random", 0)),
        *(("simplex", 1), ("control", 1)),
    ]
    (one,) = cells.cells(settings(), task, seeds=[1], arms=["control"])
    assert one == ("control", 1, cells.key_of(settings(), "control", 1, task))


def test_seeds_that_served_development_are_left_out(task):
    fresh = settings(first_seed=5)
    assert [cell[:2] for cell in cells.cells(fresh, task, arms=["simplex", "random"])] == [
        *(("simplex", 5), ("random", 5), ("simplex", 6)),
    ]
    assert not [*cells.cells(fresh, task, seeds=[1])]


def test_a_finished_cell_is_not_run_again(task, monkeypatch):
    ran = []
    monkeypatch.setattr(cells, "run_cell", lambda _, arm, seed, task: ran.append((arm, seed)) or {})
    cells.run(settings(), task, seeds=[0], arms=["simplex"])
    cells.run(settings(), task, seeds=[0])
    assert ran == [("simplex", 0), ("control", 0), ("random", 0)]
    found = rows.of(rows.CELLS, task)
    assert [(row["arm"], row["seed"]) for row in found] == ran
    assert len({row["key"] for row in found}) == 3


def test_rows_of_another_protocol_are_left_alone(task):
    for protocol in (settings(), settings(budgets_ms=(1.0, 3.0))):
        key = cells.key_of(protocol, "simplex", 0, task)
        append(task.results / rows.CELLS, {"key": key, "budgets_ms": protocol.budgets_ms})
    (row,) = cells.finished(rows.CELLS, settings(), task)
    assert row["budgets_ms"] == [1.0, 2.0]


def test_a_cell_that_was_made_twice_is_one_cell(task):
    key = cells.key_of(settings(), "simplex", 0, task)
    for made in (1, 2):
        append(task.results / rows.CELLS, {"key": key, "made": made})
    assert [row["made"] for row in cells.finished(rows.CELLS, settings(), task)] == [2]
    for name in ("a", "b", "a"):  # a rank has a row per network
        append(task.results / rows.RANK, {"key": key, "architecture": name})
    ranked = cells.finished(rows.RANK, settings(), task)
    assert [row["architecture"] for row in ranked] == ["a", "b"]


def test_another_setting_of_its_own_arm_is_another_cell(task):
    key = cells.key_of(settings(), "simplex", 0, task)
    assert cells.key_of(settings(), "simplex", 1, task) != key
    assert cells.key_of(settings(budgets_ms=(1.0, 3.0)), "simplex", 0, task) != key
    assert cells.key_of(settings(margin=0.02), "simplex", 0, task) == key  # judges, decides nothing


def test_what_a_method_does_not_read_makes_no_other_cell_of_it(task):
    base = task.root / "base.yaml"
    mine = settings(base=base.name)
    keys = []
    for rehearsal in (7, 8):
        base.write_text(f"search: {{hypernet: {{rehearsal: {rehearsal}}}}}\n")
        keys.append({arm: cells.key_of(mine, arm, 0, task) for arm in mine.arms})
    assert [arm for arm in mine.arms if keys[0][arm] == keys[1][arm]] == ["random"]


def test_a_key_is_of_contents_and_not_of_places(task, tmp_path):
    moved = TaskFolder("another", tmp_path)
    moved.table.parent.mkdir()
    task.table.rename(moved.table)
    base = "search: {seed: 7, method: simplex}\nextract: {workers: 1}\nretrain: {epochs: 4}\n"
    (tmp_path / "base.yaml").write_text(base)
    # as it was before tasks had folders: rows of then stay valid
    assert cells.key_of(settings(base="base.yaml"), "control", 0, moved) == "82d8e03c8281c3de"


@pytest.mark.parametrize(
    ("method", "key"),
    [
        ("simplex", "83c2ce225f69ed68"),
        ("additive", "41909e0a2ab74668"),
        ("random", "44c117cec8a63e47"),
        ("darts", "ece84109154e432d"),
        ("proxylessnas-r", "b1d64fcb6bb59635"),
        ("fbnet", "7944aa865d2adc5f"),
        ("evolution", "05ae205be4709b17"),
    ],
)
def test_committed_rows_keep_their_keys(task, method, key):
    """Whatever the section of the search says today of what its methods read."""
    (task.root / "base.yaml").write_text(
        "search: {strategy: auto, checkpoint_steps: 200, reg_weight: 0.5, reg_cost: uniform,\n"
        "  sampler: {kind: gumbel-softmax, vertex_share: 0.2}, hypernet: {kind: mlp, knots: 5},\n"
        "  estimator: reinforce-cv, reinforce: {paths: 4}, temperature: 0.005, searches: 6,\n"
        "  darts: {order: 1}, fbnet: {alpha: 0.2}, evolution: {images: 500}}\n"
    )
    arms = {"simplex": {"seeds": 1, "overrides": {"search": {"method": method}}}}
    mine = settings(base="base.yaml", arms=arms)
    assert cells.key_of(mine, "simplex", 0, task) == key


def test_a_control_reads_the_search_of_its_arm_and_is_charged_for_it(task, monkeypatch):
    ran = []

    def fetch_data(self):
        ran.append((self.folder.name, "data"))

    def run(self, *module):
        ran.append((self.folder.name, *module))
        if module == ("pipeline", "search"):
            metrics = self.folder / "results/metrics"
            metrics.mkdir(parents=True)
            seconds = {"cpu_s_warm_up": 3.04, "cpu_s_joint": 2.0, "kappa_min": 1}
            (metrics / "search.json").write_text(json.dumps(seconds))
        else:
            (self.folder / "family.json").write_text('{"cpu_s_extract": 1.5, "members": []}')

    monkeypatch.setattr("experiments.workspace.Workspace.run", run)
    monkeypatch.setattr("experiments.workspace.Workspace.fetch_data", fetch_data)
    found = cells.run_cell(settings(), "control", 1, task)
    assert ran == [
        ("simplex-1", "data"),
        ("simplex-1", "pipeline", "search"),
        ("control-1", "experiments.arm", "uniform", "family.json"),
    ]
    assert found == {
        "cpu_s_warm_up": 3.0,
        "cpu_s_joint": 2.0,
        "cpu_s_extract": 1.5,
        "members": [],
    }
    borrowed = task.work / "control-1/results/search"
    assert borrowed.readlink() == task.work / "simplex-1/results/search"
