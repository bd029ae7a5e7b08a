import hashlib
import subprocess

import pytest

from edge import __version__
from pipeline.dataset import DATASET_FILE
from pipeline.provenance import commit, provenance


@pytest.fixture
def tree(tmp_path):
    """A working tree with one commit, of params.yaml and a metric."""
    (tmp_path / "params.yaml").write_text("a: 1\n")
    (tmp_path / "results").mkdir()
    (tmp_path / "results/metrics.json").write_text("{}")
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


def head(tree):
    command = ["git", "rev-parse", "--short=12", "HEAD"]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True).stdout.strip()


def test_a_clean_tree_is_its_commit(tree):
    assert commit(tree) == head(tree)


def test_what_a_run_writes_is_no_change(tree):
    (tree / "results/metrics.json").write_text('{"a": 1}')
    (tree / "results/new.json").touch()
    assert commit(tree) == head(tree)


def test_a_changed_source_is_said_to_be(tree):
    (tree / "params.yaml").write_text("a: 2\n")
    assert commit(tree) == f"{head(tree)}, with changes"


def test_without_git_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert commit(tmp_path) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit(tmp_path) is None


def test_parameters_and_data_are_named_by_their_content(tree):
    (tree / DATASET_FILE).parent.mkdir()
    (tree / DATASET_FILE).write_bytes(b"data")
    found = provenance(tree)
    assert found.params_sha256 == hashlib.sha256(b"a: 1\n").hexdigest()
    assert found.data_sha256 == hashlib.sha256(b"data").hexdigest()
    assert (found.commit, found.edgefacet) == (head(tree), __version__)


def test_what_is_not_there_is_left_out(tmp_path):
    found = provenance(tmp_path)
    assert (found.params_sha256, found.data_sha256) == (None, None)
