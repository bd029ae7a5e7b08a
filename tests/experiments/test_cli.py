import yaml
from click.testing import CliRunner

from experiments.__main__ import main
from tests.experiments.made_up import settings

BASE = "presets/smoke.yaml"


def run(root, monkeypatch, *arguments):
    monkeypatch.chdir(root)
    return CliRunner().invoke(main, arguments)


def with_own_data(root, smoke):
    """A task whose images nobody can fetch."""
    folder = root / "experiments/photos"
    folder.mkdir(parents=True)
    data = {**smoke["data"], "name": "npz", "path": "data/own.npz"}
    (folder / "base.yaml").write_text(yaml.safe_dump({**smoke, "data": data}))
    protocol = settings(base="experiments/photos/base.yaml").model_dump(mode="json")
    (folder / "params.yaml").write_text(yaml.safe_dump(protocol))


def test_a_step_is_left_out_where_the_users_images_are_not_there(tmp_path, monkeypatch, request):
    smoke = yaml.safe_load((request.config.rootpath / BASE).read_text())
    with_own_data(tmp_path, smoke)
    for step in ("table", "cells", "train", "measure"):
        done = run(tmp_path, monkeypatch, "--task", "photos", step)
        assert done.exit_code == 0
        assert "skipped: data/own.npz does not exist" in done.output
    assert not (tmp_path / "experiments/.work").exists()


def test_an_unknown_task_is_an_error(tmp_path, monkeypatch):
    done = run(tmp_path, monkeypatch, "--task", "nothing", "page")
    assert done.exit_code == 1
    assert "experiments/nothing/params.yaml does not exist" in done.output
