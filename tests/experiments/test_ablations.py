import pytest

from benchmarks.rows import append
from experiments import ablations, cells, rows
from experiments.settings import Ablations
from experiments.workspace import Workspace

SETTINGS = Ablations.model_validate(
    {
        "base": "presets/smoke.yaml",
        "first": "full",
        "common": {"extract": {"screened": 7}},
        "arms": {
            "full": {"seeds": 2},
            "deaf": {"seeds": 1, "overrides": {"search": {"reg_weight": 0.0}}},
        },
    }
)


def test_what_all_have_in_common_comes_before_what_one_overrides(task):
    deaf = SETTINGS.params_of("deaf", 3, task.root)
    assert (deaf.extract.screened, deaf.search.reg_weight, deaf.search.seed) == (7, 0.0, 3)


def test_an_ablation_searches_beside_the_cells_of_its_seed(task, monkeypatch):
    ran = []

    def run(self, *module):
        ran.append((self.folder.name, self.folder.joinpath(".edgefacet").readlink().name, *module))

    monkeypatch.setattr(Workspace, "fetch_data", lambda _: None)
    monkeypatch.setattr(Workspace, "run", run)
    monkeypatch.setattr(Workspace, "found", lambda _, module, out: {"what": (module, out)})
    done = cells.key_of(SETTINGS, "full", 0, task)
    append(task.results / rows.ABLATIONS, {"key": done})
    ablations.run(SETTINGS, task)
    assert ran == [
        ("ablation-deaf-0", "store-0", "pipeline", "search"),
        ("ablation-full-1", "store-1", "pipeline", "search"),
    ]
    found = rows.of(rows.ABLATIONS, task)[1:]
    assert [(row["arm"], row["seed"]) for row in found] == [("deaf", 0), ("full", 1)]
    assert found[0]["what"] == ["experiments.evidence", "evidence.json"]


def test_an_arm_that_only_the_cells_have_is_no_ablation():
    with pytest.raises(ValueError, match="'simplex' is no arm; arms are full, deaf"):
        Ablations.model_validate({**SETTINGS.model_dump(), "first": "simplex"})
