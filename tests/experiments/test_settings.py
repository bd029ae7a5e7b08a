from pathlib import Path

import pytest
import yaml

from experiments import settings as module
from experiments.folder import all_tasks
from experiments.settings import SettingsError
from tests.experiments.made_up import settings

ROOT = Path(__file__).parents[2]


def test_a_cell_is_the_base_the_seed_the_budgets_and_what_its_arm_overrides():
    found = settings().params_of("random", 3, ROOT)
    assert (found.search.method, found.search.seed, found.retrain.seed) == ("random", 3, 3)
    assert found.extract.budgets_ms == (1.0, 2.0)
    assert (
        found.search.warmup_epochs == settings().params_of("simplex", 0, ROOT).search.warmup_epochs
    )


def test_a_control_searches_as_the_arm_whose_weights_it_reads():
    arms = {
        "simplex": {"seeds": 1, "overrides": {"search": {"joint_steps": 77}}},
        "control": {"seeds": 1, "supernet_of": "simplex"},
    }
    assert settings(arms=arms).params_of("control", 0, ROOT).search.joint_steps == 77


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"first": "nobody"}, "'nobody' is no arm"),
        ({"span_ms": (4.0, 1.0)}, "must ascend"),
        ({"references": {"widths": {"vgg": (4,)}}}, "no network 'vgg'; known: resnet8"),
        ({"arms": {"simplex": {"seeds": 1, "overrides": {"search": {"methd": "x"}}}}}, "methd"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_runs(tmp_path, changes, told):
    given = {**settings().model_dump(mode="json"), **changes}
    (tmp_path / "presets").symlink_to(ROOT / "presets")
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(given))
    with pytest.raises(SettingsError, match=told):
        module.load(Path("p.yaml"), tmp_path)


def test_committed_ablations_are_valid_and_warm_up_as_the_cells_do():
    (task,) = (task for task in all_tasks(ROOT) if (ROOT / task.ablations_file).exists())
    ablations = module.load_ablations(task.ablations_file, ROOT)
    protocol = module.load(task.protocol_file, ROOT)
    full = ablations.params_of(ablations.first, 0, ROOT)
    assert full.search == protocol.params_of(protocol.first, 0, ROOT).search


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"p\.yaml does not exist"):
        module.load(Path("p.yaml"), tmp_path)


@pytest.mark.parametrize("task", all_tasks(ROOT), ids=lambda task: task.name)
def test_committed_protocols_are_valid_and_judge_in_one_process(task):
    found = module.load(task.protocol_file, ROOT)
    assert found.params_of(found.first, 0, ROOT).extract.workers == 1  # CPU time is its process's
    assert found.arms["control"].supernet_of == found.first
