"""The paths that are looked at before the first step."""

from __future__ import annotations

from itertools import product

import torch

from models.mbconv import mbconv
from pipeline.search.estimators.prepared import prepared_paths, spread_path
from pipeline.search.objective import Costs, expected_latency_ms, one_hot
from pipeline.seeds import rng


def space(depth, operations=("skip", "conv_k1", "conv_k3")):
    return mbconv(
        input_shape=(1, 4, 4), classes=2, operations=operations, stem_width=2, stem_stride=1,
        widths=[2], depths=[depth], head_width=2, act="relu",
    )  # fmt: skip


def costs_of(space):
    """A skip is free, the other operations cost 1 and 3, the fixed rows 10."""
    latency = torch.tensor([0.0, 1.0, 3.0]).expand(len(space.decisions), 3)[..., None]
    stage = torch.zeros(len(space.decisions), dtype=torch.int64)
    return Costs(
        latency,
        torch.tensor(10.0),
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
    deep = space(depth=8)
    costs = costs_of(deep)
    paths = prepared_paths(deep, costs, 24, seed=0)
    assert paths.shape == (24, 8)
    found = torch.stack(log_latencies(paths, costs)).sort().values
    ends = {"min": float(found[0]), "max": float(found[-1])}
    assert torch.histc(found, 3, **ends).min() >= 6
    # random paths do not: few are fast
    drawn = [deep.random(rng(0, "test", i)) for i in range(24)]
    of_drawn = torch.stack(log_latencies(torch.tensor(drawn), costs))
    assert torch.histc(of_drawn, 3, **ends).min() < 6


def test_prepared_paths_depend_on_the_seed_alone():
    deep = space(depth=3)
    one, again, other = (prepared_paths(deep, costs_of(deep), 8, seed) for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_prepared_paths_are_different_networks_even_where_there_are_few():
    shallow = space(depth=2)
    paths = [
        tuple(path) for path in prepared_paths(shallow, costs_of(shallow), 60, seed=0).tolist()
    ]
    assert len(paths) == len({shallow.canonical(path) for path in paths})
    # of nine paths, skip then conv is the same network as conv then skip: twice
    assert set(paths) == {shallow.canonical(path) for path in product(range(3), repeat=2)}
    assert len(paths) == 7


def test_two_paths_are_one_of_either_end():
    deep = space(depth=8)
    costs = costs_of(deep)
    fast, slow = log_latencies(prepared_paths(deep, costs, 2, seed=0), costs)
    every = torch.stack(log_latencies(prepared_paths(deep, costs, 24, seed=0), costs))
    assert fast < every.quantile(0.2)
    assert slow > every.quantile(0.8)


def test_prepared_paths_are_uniform_where_there_are_any():
    deep = space(depth=8)
    draws = rng(0, "additive")
    uniform = {deep.random(draws) for _ in range(16 * 24)}
    paths = prepared_paths(deep, costs_of(deep), 24, seed=0).tolist()
    assert sum(tuple(path) in uniform for path in paths) > 12  # half of all drawn, were none liked
