from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from experiments.evidence import seen
from models.alpha import Tables
from models.spaces import Space
from pipeline.extraction.arms import Looks, Scored
from pipeline.search.objective import Costs
from tests.pipeline.extraction.made_up import candidate
from tests.pipeline.made_up import small_space

SPACE: Space = small_space("skip", "conv_k3")
PRICES = (0.1, 10.0)


@pytest.fixture
def extraction():
    """α takes the convolution at the low price and skips at the high one, whatever S is."""
    alpha = Tables(SPACE.mask, operations=2, places=2, prices=PRICES)
    alpha.logits.copy_(torch.tensor([[[0.0, 5.0]] * 2, [[5.0, 0.0]] * 2]))
    latency_ms = torch.tensor([[[0.0], [1.0]]] * 2)
    costs = Costs(
        latency_ms, torch.tensor(0.5), torch.zeros(2, dtype=int), torch.ones(2, 2),
        torch.ones(2, 2, dtype=bool),
    )  # fmt: skip
    result = SimpleNamespace(alpha=alpha, kappa_range=PRICES)
    limits_ms = (1.0, 16.0)
    looks = Looks(None, screened=160, finalists=32, limits_ms=limits_ms, bins=16)
    return SimpleNamespace(
        space=SPACE, result=result, costs=costs, limits_ms=limits_ms, looks=looks
    )


def look(name, latency_ms, quick, careful):
    return replace(candidate(name, latency_ms, careful), screened_cross_entropy=quick)


def test_both_looks_at_both_sides(extraction):
    family = [look("a", 1.0, 0.6, 0.5), look("b", 8.1, 0.3, 0.2)]
    control = [look("c", 1.0, 0.5, 0.6), look("d", 3.9, 0.4, 0.4)]
    found = seen(Scored(family, family), Scored(control, control[:1]), extraction)
    (shared,) = found["bins"]  # of the sixteen from 1 to 16 ms, the first
    assert (shared["search"], shared["control"]) == (0.5, 0.6)
    assert shared["high_ms"] == pytest.approx(16 ** (1 / 16))
    (quick,) = found["quick_bins"]
    assert (quick["search"], quick["control"]) == (0.6, 0.5)
    # log 8.1 / log 16 is 0.754: the thirteenth bin
    assert found["judged"] == [[0, 0.6, 0.5], [12, 0.3, 0.2], [0, 0.5, 0.6]]


def test_what_alpha_says_without_an_image(extraction):
    family = [look("a", 1.0, 0.6, 0.5), look("b", 1.02, 0.5, 0.5), look("c", 4.0, 0.4, 0.5)]
    found = seen(Scored(family, []), Scored([], []), extraction)
    assert found["distinct_argmax"] == 2  # b is less than 3 % slower than a
    assert found["argmax_span"] == 4.0
    assert found["thrift"] < -0.8  # a higher price is a faster network
    assert found["steering"] == {"skip": 0.0, "conv_k3": 0.0}  # deaf to S
