"""The control's candidates: what is screened is the same as if every draw were built."""

from __future__ import annotations

from datetime import datetime, timezone

import numpy as np
import pytest

from edge.calibration import fit
from edge.table import Table, TableRow
from pipeline.extraction.arms import Looks
from pipeline.extraction.candidates import Found, Predictor, spread
from pipeline.extraction.uniform import uniform
from pipeline.search.objective import Costs
from pipeline.seeds import rng
from tests.pipeline.made_up import TARGET, small_benchmark, small_space

OPS = ("skip", "sep_k3", "conv_k3", "mbconv_k3_e2", "mbconv_k5_e2")
CHAIN = small_space(*OPS, widths=[4, [4, 8]], depths=[3, 3])
BRANCHING = small_benchmark("none", "skip", "relu_conv_k1", "relu_conv_k3", "avg_pool_k3")
LIMITS_MS = (1.0, 60.0)
COUNT = 128


class Counting(Predictor):
    """Counts the networks that were built."""

    built = 0

    def candidates(self, found, known=None):
        found = list(found)
        type(self).built += len(found)
        return super().candidates(found, known)


def predictor(space):
    """Blocks that take from a tenth of a millisecond to ten."""
    rows = {
        block.key: TableRow(*[0.1 * 100 ** (n / len(space.blocks))] * 3, 9, "clean", "2026-01-01")
        for n, block in enumerate(space.blocks)
    }
    now = datetime(2026, 1, 2, tzinfo=timezone.utc)
    return Counting(space, fit(Table(TARGET, 1.0, rows), [], now=now), 95)


def all_draws(of):
    """A candidate for every network of all draws."""
    draws = rng(0, "uniform", "test")
    columns = [draws.choice(np.flatnonzero(offered), 16 * COUNT) for offered in of.space.mask]
    rows = np.stack(columns, axis=1).tolist()
    return Predictor.candidates(of, [Found(tuple(row), "uniform") for row in rows])


@pytest.mark.parametrize(
    ("space", "most"), [(CHAIN, 0.5), (BRANCHING, 1.0)], ids=["chain", "branching"]
)
def test_what_is_screened_is_that_of_all_draws_and_few_of_these_are_built(space, most):
    """Where branches may be dead, sums are so far off that many are."""
    of = predictor(space)
    costs = Costs.of(space, of.calibration.fold(), "uniform")
    looks = Looks(None, screened=40, finalists=8, limits_ms=LIMITS_MS, bins=8)
    Counting.built = 0
    found = uniform(of, costs, looks, COUNT, 0, "test")
    assert Counting.built <= most * 16 * COUNT
    screened, wanted = (
        [c.choices for c in spread(some, 40, LIMITS_MS, 8)] for some in (found, all_draws(of))
    )
    assert screened == wanted


def test_a_small_space_is_reached_as_a_whole():
    space = small_space("skip", "sep_k3", "conv_k3")
    of = predictor(space)
    costs = Costs.of(space, of.calibration.fold(), "uniform")
    looks = Looks(None, screened=160, finalists=32, limits_ms=LIMITS_MS, bins=16)
    found = [c.choices for c in uniform(of, costs, looks, 64, 0, "test")]
    assert set(found) == {space.canonical((a, b)) for a in range(3) for b in range(3)}
    assert len(found) == len(set(found))


def test_draws_for_another_purpose_are_others():
    of = predictor(CHAIN)
    costs = Costs.of(CHAIN, of.calibration.fold(), "uniform")
    looks = Looks(None, screened=8, finalists=8, limits_ms=LIMITS_MS, bins=8)
    one, other = (
        {c.choices for c in uniform(of, costs, looks, COUNT, 0, purpose)}
        for purpose in ("search", "control")
    )
    assert one != other
