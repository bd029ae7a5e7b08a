"""The store: keys, whole files, and one writer at a time."""

from __future__ import annotations

import multiprocessing

import pytest
import torch

from edge import locks
from pipeline import store


def test_equal_content_has_equal_keys():
    assert store.content_key({"a": 1, "b": [2]}) == store.content_key({"b": [2], "a": 1})
    assert store.content_key({"a": 1}) != store.content_key({"a": 2})


def test_tensors_and_plain_data_read_back(tmp_path):
    path = store.place("kind", "key", ".pt", tmp_path)
    assert store.load(path) is None
    store.save(path, {"x": torch.arange(3), "n": 2})
    found = store.load(path)
    assert found["n"] == 2
    assert found["x"].tolist() == [0, 1, 2]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x.pt"
    store.save(path, 1)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="space"):
        store.save(path, 2)
    assert store.load(path) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["x.pt"]


def test_who_takes_the_lock_cleans_up_after_those_that_were_killed(tmp_path):
    names = ("work/.key.pt.a1b2c3d4.tmp", "work/key.pt", "other/.key.pt.a1b2c3d4.tmp")
    leftover, kept, others = paths = [tmp_path / name for name in names]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    with store.locked("work", tmp_path):
        assert not leftover.exists()
    assert kept.exists()
    assert others.exists()  # a place of another lock


def _hold(root, held, release):
    with store.locked("work", root):
        held.set()
        release.wait(20)


def test_a_second_process_is_told_who_holds_the_lock(tmp_path):
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(tmp_path, held, release))
    other.start()
    try:
        assert held.wait(60)
        with (
            pytest.raises(locks.Locked, match=f"process {other.pid} "),
            store.locked("work", tmp_path),
        ):
            pass
    finally:
        release.set()
        other.join()
    with store.locked("work", tmp_path):  # free again
        pass
