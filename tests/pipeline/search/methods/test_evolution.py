"""Ageing, tournaments and limits of evolution."""

import numpy as np
import pytest
import torch

from pipeline.search.methods.evolution import Population, limits_ms, mutated, random_within
from pipeline.search.objective import Costs
from pipeline.search.prices import latency_ms
from tests.pipeline.made_up import small_space

SPACE = small_space("skip", "sep_k3", "conv_k3", depths=[3])
COSTS = Costs(  # 1 ms, and 0, 1 or 3 per place
    latency_ms=torch.tensor([[0.0, 1.0, 3.0]] * 3)[..., None],
    offset_ms=torch.tensor(1.0),
    stage=torch.zeros(3, dtype=torch.int64),
    reg=torch.ones(3, 3),
    mask=torch.ones(3, 3, dtype=torch.bool),
)


def draws(seed=0):
    return np.random.default_rng(seed)


def test_the_oldest_goes_even_if_it_is_the_best():
    population = Population(size=2, tournament=2)
    for choices, accuracy in [((0, 0, 0), 0.9), ((1, 1, 1), 0.5), ((2, 2, 2), 0.4)]:
        population.add(choices, accuracy)
    assert population.alive == [((1, 1, 1), 0.5), ((2, 2, 2), 0.4)]
    assert population.best == ((0, 0, 0), 0.9)
    assert population.parent(draws()) == (1, 1, 1)  # among all that live


def test_a_tournament_is_won_by_the_best_of_those_that_take_part():
    population = Population(size=3, tournament=2)
    for number in range(3):
        population.add((number, 0, 0), 0.1 * number)
    winners = [population.parent(draws(seed))[0] for seed in range(300)]
    # of the pairs 01, 02 and 12 two are won by 2, and one by 1; 0 never wins
    assert [winners.count(number) for number in range(3)] == pytest.approx([0, 100, 200], abs=25)
    assert winners.count(0) == 0


def test_limits_fall_as_prices_rise_evenly_in_log_latency():
    """From 10 ms (three dense blocks) to 1 ms: two limits between are 10^(2/3) and 10^(1/3)."""
    assert limits_ms(SPACE, COSTS, 2) == pytest.approx([10 ** (2 / 3), 10 ** (1 / 3)])


@pytest.mark.parametrize(("limit", "different"), [(1.0, 1), (2.5, 2), (4.5, 5), (10.0, 14)])
def test_a_random_network_keeps_the_limit(limit, different):
    """Skips go last: 3^3 paths are 1 + 2 + 4 + 8 networks, of which 15 are within 10 ms."""
    found = [random_within(SPACE, COSTS, limit, draws(seed)) for seed in range(200)]
    assert max(latency_ms(choices, COSTS) for choices in found) <= limit
    assert len(set(found)) >= different


def test_a_mutation_changes_one_decision_and_keeps_the_limit():
    parent = (1, 1, 0)  # 3 ms; one dense block instead would be 5, another skip 2, one more 4
    children = {mutated(parent, SPACE, COSTS, 4.0, draws(seed)) for seed in range(60)}
    assert children == {(1, 0, 0), (1, 1, 1)}


def test_where_nothing_keeps_the_limit_the_parent_goes_on():
    assert mutated((0, 0, 0), SPACE, COSTS, 1.0, draws()) == (0, 0, 0)
