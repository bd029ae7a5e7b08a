"""Every preset fits the images that it is for: a step of training and a short retraining."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from models.network import network
from models.supernet import Supernet, single
from pipeline import cost, training
from pipeline.batches import Images
from pipeline.dataset import Dataset
from pipeline.params import load
from pipeline.sections.data import Outline
from pipeline.space import make_space

SHAPES = {  # (H, W, C)
    "cifar-10": (32, 32, 3),
    "cell": (28, 28, 1),
    "fixed-widths": (28, 28, 1),
    "images-96": (96, 96, 3),
    "nb201": (28, 28, 1),
    "smoke": (28, 28, 1),
}
MAPS = {  # pixels
    "cifar-10": [32, 16, 8, 4],
    "cell": [14, 7],
    "fixed-widths": [14, 7, 4],
    "images-96": [48, 24, 12, 6],
    "nb201": [14],
    "smoke": [14, 7],
}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """On tensors this small, threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=SHAPES)
def preset(request, root):
    """Its params, and noise in the shape of its images: the label is what channel is bright."""
    rng = np.random.default_rng(0)
    y = np.arange(24) % 3
    x = rng.integers(0, 100, (24, *SHAPES[request.param]), dtype=np.uint8)
    x[np.arange(24), ..., y % x.shape[-1]] += 100
    data = Dataset(x, y, x[:4], y[:4], tuple("abc"), *np.split(np.arange(24), [12, 20]))
    return request.param, load(root / f"presets/{request.param}.yaml"), data


def test_no_preset_is_forgotten(root):
    assert {path.stem for path in (root / "presets").glob("*.yaml")} == SHAPES.keys()


def test_stages_have_the_sizes_that_the_preset_names(preset):
    name, params, data = preset
    decisions = make_space(params.space, data.shape).decisions
    assert sorted({d.candidates[0].height for d in decisions}, reverse=True) == MAPS[name]


def test_a_step_along_a_path_moves_the_shared_weights(preset):
    _, params, data = preset
    space = make_space(params.space, data.shape)
    torch.manual_seed(0)
    net = Supernet(space)
    x, y = Images.part(data, data.weights[:4]).take(slice(None))
    stem = net.steps[0].sets[0].kernels[0]
    before = stem.clone()
    loss = F.cross_entropy(net(x, single(space.random(np.random.default_rng(0)))), y)
    loss.backward()
    training.sgd(net, lr=0.1, momentum=0.9, weight_decay=0.0).step()
    assert torch.isfinite(loss)
    assert not torch.equal(stem, before)


def test_an_epoch_of_retraining_ends_in_a_judged_network(preset, tmp_path):
    _, params, data = preset
    space = make_space(params.space, data.shape)
    architecture = space.architecture(space.random(np.random.default_rng(0)))
    recipe = params.retrain.model_copy(update={"epochs": 1, "batch_size": 8})
    found = training.train_and_judge(
        lambda: network(architecture), data, recipe, tmp_path / "unfinished.pt"
    )
    assert 0 <= found["holdout_accuracy"] <= 1
    assert all(torch.isfinite(value.float()).all() for value in found["state"].values())


@pytest.mark.parametrize(
    ("name", "data", "minutes"),
    [("cifar-10", Outline(50_000, 32, 32), 510), ("images-96", Outline(5_000, 96, 96), 300)],
)
def test_a_preset_says_what_it_costs(root, name, data, minutes):
    path = root / f"presets/{name}.yaml"
    assert f"Roughly {minutes} CPU minutes" in path.read_text()
    assert sum(cost.estimate(load(path), data).stages.values()) == pytest.approx(minutes, rel=0.25)
