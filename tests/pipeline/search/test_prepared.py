"""The paths that are looked at before the first step."""

from __future__ import annotations

from itertools import product

import pytest
import torch

from models.spaces import mbconv
from pipeline.search.estimators.prepared import prepared_paths, spread_path
from pipeline.search.objective import Costs, expected_latency_ms, one_hot
from pipeline.seeds import rng


def space(depth, operations=("skip", "conv_k1", "conv_k3")):
    return mbconv(
        input_shape=(1, 4, 4), classes=2, operations=operations, stem_width=2, stem_stride=1,
        widths=[2], depths=[depth], head_width=2, act="relu",
    )  # fmt: skip


def costs_of(space):
    """A skip is free, the other operations cost 1 and 10."""
    latency = torch.tensor([0.0, 1.0, 10.0]).expand(len(space.decisions), 3)[..., None]
    stage = torch.zeros(len(space.decisions), dtype=torch.int64)
    return Costs(
        latency,
        torch.tensor(1.0),
        stage,
        torch.ones(latency.shape[:2]),
        torch.from_numpy(space.mask),
    )


def log_latencies(paths, costs):
    return [expected_latency_ms(one_hot(path, costs), costs).log() for path in paths.tolist()]


def test_spread_paths_reach_all_depths():
    deep = space(depth=4)
    depths = [sum(op != 0 for op in spread_path(deep, rng(0, "test", i))) for i in range(200)]
    counts = [depths.count(depth) for depth in range(5)]
    assert min(counts) >= 20  # a fifth each, were the draws exact


def test_spread_paths_of_a_space_without_skip_choose_among_all():
    plain = space(depth=2, operations=("conv_k1", "conv_k3", "conv_k5"))
    paths = {spread_path(plain, rng(0, "test", i)) for i in range(200)}
    assert paths == set(product(range(3), repeat=2))


def test_prepared_paths_lie_evenly_over_log_latency():
    deep = space(depth=6)
    costs = costs_of(deep)
    paths = prepared_paths(deep, costs, 60, seed=0)
    assert paths.shape == (60, 6)
    found = torch.stack(log_latencies(paths, costs)).sort().values
    thirds = torch.histc(found, 3, min=float(found[0]), max=float(found[-1])).tolist()
    assert min(thirds) >= 15  # twenty each, were latencies not few
    # random paths of these do not: most are slow
    drawn = torch.tensor([spread_path(deep, rng(0, "test", i)) for i in range(60)])
    of_drawn = torch.stack(log_latencies(drawn, costs))
    assert torch.histc(of_drawn, 3, min=float(found[0]), max=float(found[-1])).min() < 15


def test_prepared_paths_depend_on_the_seed_alone():
    deep = space(depth=3)
    one, again, other = (prepared_paths(deep, costs_of(deep), 8, seed) for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_no_path_is_no_path():
    assert prepared_paths(space(depth=2), costs_of(space(depth=2)), 0, seed=0).shape == (0, 2)


@pytest.mark.parametrize("count", [1, 2])
def test_a_few_paths_are_enough_for_an_end_each(count):
    deep = space(depth=3)
    assert len(prepared_paths(deep, costs_of(deep), count, seed=0)) == count
