import pytest

from experiments.folder import UnknownTask, all_tasks, named
from pipeline.calibrate import CALIBRATION_FILE, read_calibration


@pytest.fixture
def root(tmp_path):
    for name in ("cities", "fashion", "birds"):
        (tmp_path / "experiments" / name).mkdir(parents=True)
        (tmp_path / "experiments" / name / "params.yaml").touch()
    (tmp_path / "experiments/no-task").mkdir()
    return tmp_path


def test_the_default_task_comes_first(root):
    assert [task.name for task in all_tasks(root)] == ["fashion", "birds", "cities"]


def test_everything_of_a_task_lies_in_its_folder(root):
    task = named("birds", root)
    assert task.table == root / "experiments/birds/table"
    assert task.results == root / "experiments/birds/results"
    assert task.work == root / "experiments/.work/birds"


def test_an_unknown_task_is_told_the_others(root):
    with pytest.raises(UnknownTask, match=r"no-task/params\.yaml .*fashion, birds, cities"):
        named("no-task", root)


@pytest.mark.parametrize("name", ["fashion", "photos"])
def test_committed_tables_can_be_read_by_this_version(name):
    calibration = read_calibration(named(name).table / "calibrate" / CALIBRATION_FILE.name)
    assert calibration.n >= 10
