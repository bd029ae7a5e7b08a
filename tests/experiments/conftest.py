from pathlib import Path

import pytest

from experiments.folder import TaskFolder

ROOT = Path(__file__).parents[2]


@pytest.fixture
def task(tmp_path):
    (tmp_path / "presets").symlink_to(ROOT / "presets")
    task = TaskFolder("fashion", tmp_path)
    (task.table / "calibrate").mkdir(parents=True)
    (task.table / "calibrate/calibration.json").write_text("{}")
    return task
