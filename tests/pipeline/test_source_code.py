"""What code makes lies under another name when the code is another, and only then."""

import importlib
from pathlib import Path

import pytest
import yaml

from pipeline import reference_nets, retrain, store
from pipeline.params import Params, RetrainParams
from pipeline.search import stage
from pipeline.source_code import essence, made_by
from tests.pipeline.made_up import small_space

CODE = '''
"""A module."""
LIMIT = 3  # so many

def double(x):
    """Twice as much."""
    return (2 *
            x)

class Empty:
    """Nothing."""
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# so many", "# as many as that"),
        ("Twice as much.", "The double."),
        ("A module.", "The module."),
        ("Nothing.", "Nothing\n    at all."),
        ("(2 *\n            x)", "2 * x"),
    ],
)
def test_words_and_layout_make_nothing(old, new):
    assert CODE.replace(old, new) != CODE
    assert essence(CODE.replace(old, new)) == essence(CODE)


@pytest.mark.parametrize(("old", "new"), [("2", "3"), ("LIMIT", "MOST"), ("3", "'3'")])
def test_whatever_else_changes_is_other_code(old, new):
    assert essence(CODE.replace(old, new)) != essence(CODE)


@pytest.fixture
def digest(tmp_path, monkeypatch):
    """That of a package of two modules and of a function in one of them, read anew."""
    folder = tmp_path / "made_up_package"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "one.py").write_text(CODE)
    (folder / "other.py").write_text("X = 1\n")
    monkeypatch.syspath_prepend(tmp_path)

    def digest(whole, **changed):
        for name, text in changed.items():
            (folder / f"{name}.py").write_text(text)
        package = importlib.import_module("made_up_package")
        module = importlib.import_module("made_up_package.one")
        made_by.cache_clear()
        return made_by((package,) if whole else (module,))

    yield digest
    made_by.cache_clear()


def test_a_package_is_all_its_modules_and_a_module_itself_alone(digest):
    whole, alone = digest(True), digest(False)
    assert digest(True, other="X = 2\n") != whole
    assert digest(False) == alone
    assert digest(False, one=CODE.replace("2", "3")) != alone


def test_a_function_within_another_is_code_too():
    def one():
        return 1

    def two():
        return 2

    assert made_by((one,)) != made_by((two,))


def test_versions_of_packages_count():
    assert made_by((), ("torch",)) != made_by((), ("numpy",))


def test_a_member_of_other_blocks_is_another_file_and_the_same_row(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    architecture = small_space("conv_k3", "skip").architecture((0, 1)).to_dict()
    task = retrain.Task(architecture, RetrainParams(), "0" * 64)
    before = (task.key, task.path, task.unfinished)
    assert task.path.name.partition(".")[0] == task.unfinished.name.partition(".")[0]
    monkeypatch.setattr(retrain, "made_by", lambda code: ("another builder",))
    assert task.key == before[0]
    assert task.path != before[1]
    assert task.unfinished != before[2]


def test_rows_of_experiments_keep_their_keys(monkeypatch):
    """As they were before the code counted."""
    monkeypatch.setattr("torch.__version__", "2")
    architecture = small_space("conv_k3", "skip").architecture((0, 1)).to_dict()
    recipe = RetrainParams.model_validate({"seed": 3, "epochs": 5})
    assert retrain.Task(architecture, recipe, "0" * 64).key == "669b5abf48d44d56"
    assert reference_nets.Reference("resnet8", 4).key(recipe, "0" * 64) == "f38fe2545cc34e09"


def test_references_of_other_code_are_other_files(tmp_path, monkeypatch):
    monkeypatch.setattr(reference_nets.dataset, "load", lambda path: None)
    found = {"state": {}, "holdout_accuracy": 0.5, "test_accuracy": 0.5, "cpu_s": 1.0}
    monkeypatch.setattr(reference_nets, "_train", lambda *_: found)
    reference = reference_nets.Reference("resnet8", 4)
    for code in ("old", "new"):
        monkeypatch.setattr(reference_nets, "made_by", lambda _, code=code: (code,))
        reference_nets.train_one(reference, RetrainParams(), "d", tmp_path)
    assert len(list((tmp_path / store.STORE / "references").glob("*.pt"))) == 2


def test_a_search_by_other_code_is_another_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for file in ("data/dataset.npz", "results/profile/table.csv", "results/profile/table.json"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    paths = []
    for code in ("old", "new"):
        monkeypatch.setattr(stage, "made_by", lambda *_, code=code: (code,))
        paths += stage.checkpoints(Params())
    assert len(set(paths)) == 4


@pytest.mark.parametrize(("name", "code"), [("retrain", retrain.CODE), ("search", stage.CODE)])
def test_dvc_runs_a_stage_again_when_its_code_is_another(root, name, code):
    """What counts in the store counts in dvc.yaml, too."""
    stages = yaml.safe_load((root / "dvc.yaml").read_text())["stages"]
    deps = {root / dep for dep in stages[name]["deps"]}
    for source in code:
        file = getattr(source, "__file__", None) or source.__code__.co_filename
        path = Path(file).parent if hasattr(source, "__path__") else Path(file)
        assert path in deps, source
