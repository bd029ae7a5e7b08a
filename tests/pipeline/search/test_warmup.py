import numpy as np
import pytest

from pipeline.params import SearchParams
from pipeline.search.warmup import WarmUpPaths, warmup_shares
from tests.pipeline.made_up import small_space

SPACE = small_space("skip", "sep_k3", "mbconv_k3_e3", "conv_k3", widths=[4, 8], depths=[2, 1])
ELASTIC = small_space("skip", "conv_k3", widths=[[4, 8, 12], 16], depths=[1, 1])


def paths(space, count, **params):
    found = WarmUpPaths(space, SearchParams(**params), "test")
    return np.array([found.at(step) for step in range(count)])


@pytest.mark.parametrize("skip", [0.0, 0.15, 1.0])
def test_the_share_of_skips_is_as_asked_and_the_rest_alike(skip):
    shares = warmup_shares(SPACE, skip)
    assert shares.tolist() == pytest.approx(np.array([[skip, *[(1 - skip) / 3] * 3]] * 3))


def test_without_a_skip_nothing_is_left_to_it():
    space = small_space("conv_k3", "sep_k3", depths=[1])
    assert warmup_shares(space, 0.4)[0].tolist() == pytest.approx([0.5, 0.5])


def test_a_set_of_weights_learns_by_the_square_root_of_how_many_share_it():
    """Four MBConvs have twice the share of one convolution, and half as much each."""
    shared = [f"mbconv_k{kernel}_e{expansion}" for kernel in (3, 5) for expansion in (2, 4)]
    space = small_space(*shared, "conv_k1", "conv_k3", depths=[1])
    assert warmup_shares(space, 0.15)[0].tolist() == pytest.approx([1 / 8] * 4 + [1 / 4] * 2)


def test_a_width_learns_in_proportion_to_its_channels():
    shares = warmup_shares(ELASTIC, 0.15)
    assert shares[:2].tolist() == pytest.approx(np.array([[0.15, 0.85, 0.0]] * 2))
    assert shares[2].tolist() == pytest.approx([1 / 6, 1 / 3, 1 / 2])


def test_paths_follow_the_shares():
    found = paths(SPACE, 2000, warmup_skip=0.4)
    counts = np.bincount(found.ravel(), minlength=4) / found.size
    assert counts.tolist() == pytest.approx([0.4, 0.2, 0.2, 0.2], abs=0.02)


def test_a_path_is_a_function_of_seed_purpose_and_step():
    one, again, other = (paths(SPACE, 20, seed=seed).tolist() for seed in (1, 1, 2))
    assert one == again != other
    elsewhere = WarmUpPaths(SPACE, SearchParams(seed=1), "other")
    assert [list(elsewhere.at(step)) for step in range(20)] != one


def test_paths_are_canonical():
    for path in paths(SPACE, 50, warmup_skip=0.6).tolist():
        assert tuple(path) == SPACE.canonical(path)
