import json
from pathlib import Path

import pytest

from experiments import cells, rows
from tests.experiments.made_up import settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def root(tmp_path):
    (tmp_path / "presets").symlink_to(ROOT / "presets")
    table = tmp_path / "experiments/table/calibrate"
    table.mkdir(parents=True)
    (table / "calibration.json").write_text("{}")
    return tmp_path


def test_seeds_come_in_the_outer_loop():
    assert list(cells.cells(settings())) == [
        *(("simplex", 0), ("control", 0), ("random", 0)),
        *(("simplex", 1), ("control", 1)),
    ]
    assert list(cells.cells(settings(), seeds=[1], arms=["control"])) == [("control", 1)]


def test_a_finished_cell_is_not_run_again(root, monkeypatch):
    ran = []
    monkeypatch.setattr(cells, "run_cell", lambda _, arm, seed, root: ran.append((arm, seed)) or {})
    cells.run(settings(), seeds=[0], arms=["simplex"], root=root)
    cells.run(settings(), seeds=[0], root=root)
    assert ran == [("simplex", 0), ("control", 0), ("random", 0)]
    found = rows.of(rows.CELLS, root)
    assert [(row["arm"], row["seed"]) for row in found] == ran
    assert len({row["key"] for row in found}) == 3


def test_another_setting_of_its_own_arm_is_another_cell(root):
    key = cells.key_of(settings(), "simplex", 0, root)
    assert cells.key_of(settings(), "simplex", 1, root) != key
    assert cells.key_of(settings(budgets_ms=(1.0, 3.0)), "simplex", 0, root) != key
    assert cells.key_of(settings(margin=0.02), "simplex", 0, root) == key  # judges, decides nothing


def test_a_control_reads_the_search_of_its_arm_and_is_charged_for_it(root, monkeypatch):
    ran = []

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
    found = cells.run_cell(settings(), "control", 1, root)
    assert ran == [
        ("simplex-1", "pipeline", "search"),
        ("control-1", "experiments.arm", "uniform", "family.json"),
    ]
    assert found == {
        "cpu_s_warm_up": 3.0,
        "cpu_s_joint": 2.0,
        "cpu_s_extract": 1.5,
        "members": [],
    }
    borrowed = root / "experiments/.work/control-1/results/search"
    assert borrowed.readlink() == root / "experiments/.work/simplex-1/results/search"
