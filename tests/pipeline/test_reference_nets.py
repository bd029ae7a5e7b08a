import os
import sys

import numpy as np
import pytest
import torch

from pipeline import data, reference_nets, store, training
from pipeline.batches import Images
from pipeline.dataset import DATASET_FILE
from pipeline.params import RetrainParams
from pipeline.reference_nets import Reference, train_all, train_one
from pipeline.training import TrainingDiverged, accuracy
from tests.pipeline.made_up import noise

RECIPE = RetrainParams(epochs=1, batch_size=4, lr=0.01, workers=1)
CNN = Reference("plain-cnn", 2)


@pytest.fixture
def root(tmp_path):
    (tmp_path / DATASET_FILE).parent.mkdir(parents=True)
    (tmp_path / DATASET_FILE).write_bytes(data.to_npz(noise()))
    return tmp_path


def test_a_reference_is_trained_on_what_members_are_trained_on(root, monkeypatch):
    seen = []
    real = training.train
    monkeypatch.setattr(
        training,
        "train",
        lambda net, images, *rest, **options: (
            seen.append(images) or real(net, images, *rest, **options)
        ),
    )
    (trained,) = train_all([CNN], RECIPE, root)
    assert [len(images) for images in seen] == [8 + 6]
    assert trained.reference == CNN
    assert trained.cpu_s > 0
    net = trained.network(noise())
    assert not net.training
    holdout = Images.part(noise(), np.arange(14, 20))
    assert trained.holdout_accuracy == accuracy(net, holdout)
    assert trained.test_accuracy == accuracy(net, Images.test(noise()))


def test_what_was_trained_is_not_trained_again(root, monkeypatch):
    before = train_one(CNN, RECIPE, "data", root)
    monkeypatch.setattr(training, "train", lambda *_, **__: pytest.fail("trained again"))
    again = train_one(CNN, RECIPE, "data", root)
    assert again.test_accuracy == before.test_accuracy
    for name, value in before.state.items():
        torch.testing.assert_close(again.state[name], value, rtol=0, atol=0)


def test_the_seed_decides_the_weights(root):
    first, other = (
        train_one(CNN, RECIPE.model_copy(update={"seed": n}), "d", root) for n in (0, 1)
    )
    store_files = list((root / store.STORE / "references").iterdir())
    assert len(store_files) == 2
    for path in store_files:
        path.unlink()
    again = train_one(CNN, RECIPE, "d", root)
    assert torch.equal(first.state["0.weight"], again.state["0.weight"])
    assert not torch.equal(first.state["0.weight"], other.state["0.weight"])


@pytest.mark.parametrize(
    ("reference", "recipe", "data_sha256"),
    [
        (Reference("resnet8", 2), RECIPE, "d"),
        (Reference("plain-cnn", 4), RECIPE, "d"),
        (CNN, RECIPE.model_copy(update={"epochs": 2}), "d"),
        (CNN, RECIPE.model_copy(update={"seed": 1}), "d"),
        (CNN, RECIPE, "other"),
    ],
)
def test_the_key_holds_what_the_result_depends_on(reference, recipe, data_sha256):
    assert reference.key(recipe, data_sha256) != CNN.key(RECIPE, "d")


def test_the_key_holds_nothing_else():
    more = RECIPE.model_copy(update={"workers": 7})
    assert CNN.key(more, "d") == CNN.key(RECIPE, "d")


def test_a_reference_whose_training_diverges_is_named(root):
    recipe = RECIPE.model_copy(update={"lr": 3e30, "schedule": "cosine"})
    with pytest.raises(TrainingDiverged, match=f"reference {CNN}: the training diverged"):
        train_one(CNN, recipe, "d", root)


@pytest.mark.skipif(sys.platform != "linux", reason="settings of glibc")
def test_memory_settings_are_for_the_processes_that_train(monkeypatch):
    monkeypatch.delenv("LD_PRELOAD", raising=False)
    monkeypatch.setattr(reference_nets.allocator.platform, "libc_ver", lambda: ("glibc", "2.36"))
    for name in reference_nets.allocator.SETTINGS:
        monkeypatch.delenv(name, raising=False)
    with reference_nets._memory_settings():
        assert os.environ.items() >= reference_nets.allocator.SETTINGS.items()
    assert not os.environ.keys() & reference_nets.allocator.SETTINGS.keys()
