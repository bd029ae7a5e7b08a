"""Points of the simplex and prices."""

from __future__ import annotations

import math

import pytest
import torch

from pipeline.params import SamplerParams
from pipeline.search.simplex import (
    SimplexError,
    grid,
    named_point,
    sample_points,
    sample_prices,
)

OPS = ("skip", "sep_k3", "conv_k3")


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", ["gumbel-softmax", "dirichlet"])
def test_points_lie_on_the_simplex(kind):
    points = sample_points(SamplerParams(kind=kind), OPS, 500, draws())
    assert (points >= 0).all()
    assert points.sum(1) == pytest.approx(torch.ones(500))


@pytest.mark.parametrize("kind", ["gumbel-softmax", "dirichlet"])
def test_the_same_generator_gives_the_same_points(kind):
    sampler = SamplerParams(kind=kind)
    assert torch.equal(
        sample_points(sampler, OPS, 9, draws(3)), sample_points(sampler, OPS, 9, draws(3))
    )


@pytest.mark.parametrize("kind", ["gumbel-softmax", "dirichlet"])
def test_the_share_of_vertices(kind):
    points = sample_points(SamplerParams(kind=kind, vertex_share=0.25), OPS, 4000, draws())
    at_vertex = (points.max(1).values == 1).float().mean().item()
    assert at_vertex == pytest.approx(0.25, abs=0.03)


def test_the_argmax_of_gumbel_softmax_is_categorical_in_softmax_theta():
    sampler = SamplerParams(theta={"skip": math.log(2.0)}, vertex_share=0.0)
    points = sample_points(sampler, OPS, 20_000, draws())
    first = (points.argmax(1) == 0).float().mean().item()
    assert first == pytest.approx(2 / (2 + 1 + 1), abs=0.02)


def test_the_dirichlet_of_one_is_uniform():
    sampler = SamplerParams(kind="dirichlet", vertex_share=0.0)
    points = sample_points(sampler, OPS, 20_000, draws())
    assert points.mean(0).tolist() == pytest.approx([1 / 3] * 3, abs=0.01)
    assert points[:, 0].var().item() == pytest.approx(1 / 18, abs=0.004)  # a(s-a)/(s²(s+1))


def test_prices_are_log_uniform():
    prices = sample_prices((0.01, 1.0), 20_000, draws())
    assert prices.min() >= 0.01
    assert prices.max() <= 1.0
    assert (prices < 0.1).float().mean().item() == pytest.approx(0.5, abs=0.02)


def test_equal_ends_are_one_price():
    assert sample_prices((0.3, 0.3), 4, draws()).tolist() == pytest.approx([0.3] * 4)


def test_the_grid_covers_the_simplex_and_the_prices():
    points, prices = grid(3, (0.01, 1.0), 1024, seed=0)
    assert points.sum(1) == pytest.approx(torch.ones(1024))
    assert points.mean(0).tolist() == pytest.approx([1 / 3] * 3, abs=0.01)
    assert (prices < 0.1).float().mean().item() == pytest.approx(0.5, abs=0.01)


def test_operations_not_named_share_the_rest():
    point = named_point({"conv_k3": 0.6}, OPS)
    assert point.tolist() == pytest.approx([0.2, 0.2, 0.6])


@pytest.mark.parametrize(
    "shares",
    [{"conv_k9": 0.5}, {"skip": 0.7, "sep_k3": 0.7}, {"skip": 0.1, "sep_k3": 0.1, "conv_k3": 0.1}],
)
def test_what_is_no_point_is_refused(shares):
    with pytest.raises(SimplexError):
        named_point(shares, OPS)
