"""Both looks at a candidate, against an independent computation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from models.network import network
from models.supernet import Supernet, single
from pipeline.batches import Images
from pipeline.dataset import Dataset
from pipeline.extraction.judge import Judge
from tests.pipeline.extraction.made_up import candidate
from tests.pipeline.made_up import small_space

SPACE = small_space("skip", "conv_k3", classes=2)


@pytest.fixture
def judge():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (80, 8, 8, 1)).astype(np.uint8)
    y = rng.integers(0, 2, 80)
    parts = np.split(np.arange(80), [40, 50])
    data = Dataset(x, y, x[:4], y[:4], ("a", "b"), *parts)
    torch.manual_seed(0)
    learned, holdout = Images.part(data, data.weights), Images.part(data, data.holdout)
    return Judge(Supernet(SPACE), learned, holdout, workers=1)


def choice(*indices):
    return replace(candidate("a network", 1.0), choices=indices)


def test_the_quick_look_uses_the_statistics_of_its_own_batch(judge):
    (seen,) = judge.screen([choice(1, 0)], "screen")
    x, y = judge.holdout.take(slice(None))
    judge.supernet.train()
    expected = F.cross_entropy(judge.supernet(x, single((1, 0))), y).item()
    assert seen.quick_cross_entropy == pytest.approx(expected, rel=1e-5)


def test_the_careful_look_uses_statistics_of_the_learned_images(judge):
    """One batch of learned images: running statistics are exactly that batch's."""
    (seen,) = judge.judge([choice(1, 0)], "judge")
    spec = SPACE.steps[0].block
    stem = judge.supernet.steps[0].shared(spec)
    x, y = judge.holdout.take(slice(None))
    judge.supernet.eval()
    logits = judge.supernet(x, single((1, 0)))
    assert seen.judged_cross_entropy == pytest.approx(F.cross_entropy(logits, y).item(), rel=1e-5)
    assert seen.accuracy == (logits.argmax(1) == y).float().mean().item()
    learned, _ = judge.learned.take(slice(None))
    mean = F.conv2d(learned, stem.kernels[0], stride=2, padding=1).mean((0, 2, 3))
    assert torch.allclose(stem.block(spec).last_norm.running_mean, mean, atol=1e-5)


def test_candidates_do_not_disturb_each_other(judge):
    alone = judge.judge([choice(1, 1)], "judge")[0].cross_entropy
    after = judge.judge([choice(0, 0), choice(1, 0), choice(1, 1)], "judge")[-1].cross_entropy
    assert after == alone


def test_a_path_has_the_parameters_of_its_network(judge):
    """What is judged is what is built: the same rows in the same order."""
    architecture = SPACE.architecture((1, 0))
    built = [p.shape for p in network(architecture).parameters()]
    steps = [
        step.shared(row.block)
        for step, row in zip(judge.supernet.steps, architecture.rows, strict=True)
    ]
    assert sorted(built) == sorted(p.shape for step in steps for p in step.parameters())
