import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import smoke


@pytest.fixture
def tree(tmp_path):
    """A small working tree of Git: one tracked, one new, one ignored, one deleted file."""
    root = tmp_path / "tree"
    files = {
        "dvc.yaml": "stages: {}",
        "dvc.lock": "of another run",
        "params.yaml": "size: full",
        "presets/smoke.yaml": "size: tiny",
        "gone.py": "",
        "results/family.json": "of another run",
        ".gitignore": "/data/\n",
        "data/raw/train.gz": "images",
        "data/big.npz": "big",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=root, check=True)
    (root / "gone.py").unlink()
    (root / "new.py").write_text("")
    return root


def test_the_working_tree_is_what_git_tracks_or_would(tree):
    assert [str(name) for name in smoke.working_tree(tree)] == [
        ".gitignore",
        "dvc.lock",
        "dvc.yaml",
        "new.py",
        "params.yaml",
        "presets/smoke.yaml",
        "results/family.json",
    ]


def test_the_copy_has_the_preset_and_the_downloads_and_no_lock(tree, tmp_path):
    into = tmp_path / "copy"
    smoke.prepare(into, tree)
    assert (into / "params.yaml").read_text() == "size: tiny"
    assert (into / "data/raw/train.gz").read_text() == "images"
    assert not (into / "data/big.npz").exists()
    assert not (into / "dvc.lock").exists()
    assert not (into / "results").exists()


def test_another_preset_may_be_run(tree, tmp_path):
    (tree / "presets/cells.yaml").write_text("size: of cells")
    smoke.prepare(tmp_path / "copy", tree, Path("presets/cells.yaml"))
    assert (tmp_path / "copy/params.yaml").read_text() == "size: of cells"


def test_an_old_copy_is_replaced(tree, tmp_path):
    into = tmp_path / "copy"
    smoke.prepare(into, tree)
    (into / "left.over").touch()
    smoke.prepare(into, tree)
    assert not (into / "left.over").exists()


def test_a_folder_that_is_no_copy_is_left_alone(tree, tmp_path):
    (tmp_path / "precious").touch()
    with pytest.raises(smoke.SmokeError, match="no copy made by this command"):
        smoke.prepare(tmp_path, tree)
    assert (tmp_path / "precious").exists()


def test_outside_git_it_says_so(tmp_path):
    with pytest.raises(smoke.SmokeError, match="no working tree of Git"):
        smoke.working_tree(tmp_path)


def test_the_command_runs_in_the_copy_with_this_python(tree, tmp_path):
    write = "import pathlib, shutil; pathlib.Path('which').write_text(shutil.which('python') or '')"
    into = smoke.run(tmp_path / "copy", tree, [sys.executable, "-c", write])
    assert (into / "which").read_text().startswith(str(smoke.Path(sys.executable).parent))


def test_a_failure_names_the_copy(tree, tmp_path):
    with pytest.raises(smoke.SmokeError, match=r"failed with 3; see .*copy"):
        smoke.run(tmp_path / "copy", tree, [sys.executable, "-c", "exit(3)"])


@pytest.mark.slow
def test_dvc_works_in_the_copy_without_git(tree, tmp_path):
    (tree / "dvc.yaml").write_text("stages: {hello: {cmd: echo hi > out, outs: [out]}}")
    into = smoke.run(tmp_path / "copy", tree)
    assert (into / "out").read_text() == "hi\n"
