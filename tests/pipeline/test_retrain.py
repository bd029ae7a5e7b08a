"""Members are trained once, kept in the store, and come out the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.network import network
from models.spaces import mbconv
from pipeline import data as data_stage
from pipeline import dataset, members, params, retrain, store

SPACE = mbconv(
    input_shape=(1, 8, 8),
    classes=2,
    operations=("skip", "sep_k3", "conv_k3"),
    stem_width=4,
    stem_stride=2,
    widths=[4],
    depths=[2],
    head_width=8,
    act="relu",
)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with a tiny data set and two extracted members."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 120)
    x = (rng.integers(0, 60, (120, 8, 8, 1)) + 120 * y[:, None, None, None]).astype(np.uint8)
    parts = np.split(np.arange(120), [60, 90])
    made = dataset.Dataset(x, y, x[:20], y[:20], ("dark", "bright"), *parts)
    (tmp_path / "data").mkdir()
    (tmp_path / dataset.DATASET_FILE).write_bytes(data_stage.to_npz(made))
    members.write(members.ARCHITECTURES_FILE, [extracted("a", (1, 0)), extracted("b", (2, 2))])
    return params.Params(
        retrain=params.RetrainParams(epochs=4, batch_size=10, workers=1, lr=0.05, shift=0)
    )


def extracted(name, choices):
    return members.ExtractedMember(
        name=name,
        architecture=SPACE.architecture(choices).to_dict(),
        origin={"how": "argmax"},
        budget_ms=1.0,
        predicted_ms=0.5,
        predicted_lo_ms=0.4,
        predicted_hi_ms=0.6,
        predicted_tail_ms=0.9,
        shared_cross_entropy=0.5,
        shared_accuracy=0.8,
    )


def test_members_learn_and_their_weights_read_back(project):
    retrain.run(project)
    found = members.read_trained()
    assert [member.name for member in found] == ["a", "b"]
    for member in found:
        assert member.holdout_accuracy == member.test_accuracy == 1.0  # dark or bright
        net = network(member.read_architecture())
        net.load_state_dict(store.load(retrain.OUTPUT / member.weights))
    assert found[0].macs < found[1].macs


def test_a_finished_member_is_not_trained_again(project, monkeypatch):
    retrain.run(project)
    first = members.TRAINED_FILE.read_text()

    def never(task):
        raise AssertionError("trained again")

    monkeypatch.setattr(retrain, "train_task", never)
    retrain.run(project)
    assert members.TRAINED_FILE.read_text() == first


def test_what_matters_is_in_the_key_and_the_number_of_workers_is_not(project):
    def key(choices, **changes):
        recipe = project.retrain.model_copy(update=changes)
        return retrain.Task(SPACE.architecture(choices).to_dict(), recipe, "0" * 64).key

    assert key((1, 0)) == key((0, 1)) == key((1, 0), workers=7)
    assert len({key((1, 0)), key((2, 0)), key((1, 0), epochs=5), key((1, 0), seed=1)}) == 4


def test_two_trainings_are_equal(project):
    task = retrain.Task(SPACE.architecture((1, 2)).to_dict(), project.retrain, "0" * 64)
    retrain.train_task(task)
    first = store.load(task.path)["state"]
    task.path.unlink()
    retrain.train_task(task)
    second = store.load(task.path)["state"]
    assert all(torch.equal(first[name], second[name]) for name in first)
