import pytest

from pipeline import targets
from pipeline.params import Params
from pipeline.targets import StaleTargets, read_target, read_targets
from tests.pipeline.made_up import TARGET, checked

LITERT = TARGET.model_copy(update={"runtime": "litert"})
BOARD = TARGET.model_copy(update={"device": "board"})


def asking(*rows):
    return Params.model_validate({"targets": rows})


def test_what_was_checked_is_read_again(tmp_path, monkeypatch):
    params = checked(monkeypatch, tmp_path, BOARD, LITERT, devices=("pi", "local"))
    assert read_target(params, tmp_path) == BOARD
    assert read_targets(params, tmp_path) == [BOARD, LITERT]


@pytest.mark.parametrize(
    "row",
    [
        {"device": "local"},
        {"device": "another"},
        {"device": "pi", "runtime": "litert"},
        {"device": "pi", "precision": "int8"},
        {"device": "pi", "threads": 2},
    ],
)
def test_a_target_that_was_not_checked_is_refused(tmp_path, monkeypatch, row):
    checked(monkeypatch, tmp_path, BOARD, devices=("pi",))
    for read in (read_target, read_targets):
        with pytest.raises(StaleTargets, match="changed since they were checked: dvc repro check"):
            read(asking(row), tmp_path)


def test_a_further_target_is_about_all_of_them_but_not_about_the_first(tmp_path, monkeypatch):
    checked(monkeypatch, tmp_path, TARGET)
    params = asking({}, {"runtime": "litert"})
    assert read_target(params, tmp_path) == TARGET
    with pytest.raises(StaleTargets, match="dvc repro check"):
        read_targets(params, tmp_path)


def test_another_machine_than_the_checked_one_is_refused(tmp_path, monkeypatch):
    params = checked(monkeypatch, tmp_path, BOARD)
    monkeypatch.setattr(targets, "make_target", lambda *_: TARGET)
    for read in (read_target, read_targets):
        with pytest.raises(StaleTargets, match=r"board / (.|\n)*  d / (.|\n)*dvc repro check"):
            read(params, tmp_path)


@pytest.mark.parametrize("file", [targets.TARGET_FILE, targets.TARGETS_FILE, targets.ASKED_FILE])
def test_a_missing_file_says_which_stage_writes_it(tmp_path, monkeypatch, file):
    """The last one is missing where an earlier version has checked."""
    params = checked(monkeypatch, tmp_path, TARGET)
    (tmp_path / file).unlink()
    with pytest.raises(StaleTargets, match=rf"{file.name} is missing, .*dvc repro check"):
        read_target(params, tmp_path), read_targets(params, tmp_path)
