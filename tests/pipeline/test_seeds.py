"""Generators are functions of the seed and the purpose."""

from __future__ import annotations

import torch

from pipeline.seeds import generator, rng


def test_the_same_purpose_draws_the_same():
    assert torch.equal(
        torch.rand(3, generator=generator(1, "paths", 5)),
        torch.rand(3, generator=generator(1, "paths", 5)),
    )
    assert rng(1, "paths", 5).random() == rng(1, "paths", 5).random()


def test_another_seed_purpose_or_step_draws_something_else():
    others = [rng(1, "a", 1), rng(2, "a", 1), rng(1, "b", 1), rng(1, "a", 2), rng(1, "a")]
    assert len({draws.random() for draws in others}) == 5
