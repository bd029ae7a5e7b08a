"""The table of a task: measured once, and again only where one says so."""

import pytest

from experiments import table
from experiments.workspace import StageError, Workspace
from tests.experiments.made_up import settings

CALIBRATION = "calibrate/calibration.json"


@pytest.fixture
def stages(monkeypatch):
    """The stages that ran; each writes two files of its name."""
    ran = []

    def run(self, *module):
        stage = module[-1]
        ran.append(stage)
        folder = self.folder / "results" / stage
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("calibration.json", "records.jsonl"):
            (folder / name).write_text(f"of run {len(ran)}")

    monkeypatch.setattr(Workspace, "run", run)
    return ran


def files(task):
    return sorted(str(f.relative_to(task.table)) for f in task.table.rglob("*") if f.is_file())


def test_a_table_that_is_there_stays_as_it_is(task, stages, capsys):
    table.run(settings(), task)
    assert stages == []
    assert files(task) == [CALIBRATION]
    assert (task.table / CALIBRATION).read_text() == "{}"
    assert "with --again it is measured" in capsys.readouterr().out


def test_again_replaces_all_of_it(task, stages):
    (task.table / "of-old").touch()
    table.run(settings(), task, again=True)
    assert stages == ["check", "data", "profile", "calibrate"]
    assert files(task) == [CALIBRATION, "profile/calibration.json"]
    assert (task.table / CALIBRATION).read_text() == "of run 4"


def test_a_stage_that_fails_leaves_the_old_table(task, monkeypatch):
    def fail(self, *module):
        raise StageError(module[-1])

    monkeypatch.setattr(Workspace, "run", fail)
    with pytest.raises(StageError):
        table.run(settings(), task, again=True)
    assert (task.table / CALIBRATION).read_text() == "{}"


def test_the_first_table_is_measured_without_being_asked_again(task, stages):
    (task.table / CALIBRATION).unlink()
    (task.table / "calibrate").rmdir()
    task.table.rmdir()
    table.run(settings(), task)
    assert files(task) == [CALIBRATION, "profile/calibration.json"]
