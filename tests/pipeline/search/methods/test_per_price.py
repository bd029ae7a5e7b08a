"""Searches at several prices share the rounds."""

import pytest
import torch

from models.alpha import Tables
from pipeline.params import SearchParams
from pipeline.search.methods.per_price import PerPrice, prices_of
from tests.pipeline.made_up import small_space

SPACE = small_space("skip", "conv_k3")


class Some(PerPrice):
    """Seven rounds of three searches."""

    def __init__(self, in_sequence):
        self.in_sequence = in_sequence
        self.prices = [0.1, 1.0, 10.0]
        self.done = 0
        params = SearchParams(method="darts", joint_steps=7, searches=3)
        self.setting = type("Setting", (), {"params": params})()

    step = table = None  # nothing is learned

    def turns(self):
        for self.done in range(7):
            yield self.turn


def test_searches_take_turns_on_the_shared_weights():
    assert list(Some(in_sequence=False).turns()) == [
        *[(0, 0, 3), (1, 0, 2), (2, 0, 2)],
        *[(0, 1, 3), (1, 1, 2), (2, 1, 2)],
        (0, 2, 3),
    ]


def test_searches_with_weights_of_their_own_go_one_after_the_other():
    assert list(Some(in_sequence=True).turns()) == [
        *[(0, 0, 2), (0, 1, 2), (1, 0, 2), (1, 1, 2)],
        *[(2, 0, 3), (2, 1, 3), (2, 2, 3)],  # what is left over goes to the last
    ]


def test_prices_are_spread_evenly_in_their_logarithm():
    params = SearchParams(searches=3)
    assert prices_of(params, (0.1, 10.0)) == pytest.approx([0.1, 1.0, 10.0])
    assert prices_of(params, (0.5, 0.5)) == pytest.approx([0.5])
    one = params.model_copy(update={"searches": 1})
    assert prices_of(one, (0.1, 10.0)) == pytest.approx([1.0])


def test_alpha_is_read_into_tables_of_the_prices():
    alpha = PerPrice.blank(SPACE, SearchParams(searches=2), (0.1, 10.0))
    assert isinstance(alpha, Tables)
    assert alpha.prices.tolist() == pytest.approx([0.1, 10.0])
    assert alpha(torch.tensor([[0.5, 0.5]]), torch.tensor([1.0])).tolist() == [[[0.0, 0.0]] * 2]


def test_what_every_method_has_of_its_own_cannot_be_forgotten():
    with pytest.raises(TypeError, match=r"abstract.*step.*table"):
        PerPrice(None)
