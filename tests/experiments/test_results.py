import math

import pytest

from experiments.hypervolume import Point
from experiments.results import by_arm, families, hypervolumes, regrets, shared_seeds
from tests.experiments.made_up import cell, settings, trained


def two_arms():
    """simplex: 0.9 from 1 ms on and 0.95 from 2 ms on; random: 0.9 from 1 ms on."""
    return families(
        [cell("simplex", 0, {1.0: "a", 2.0: "b"}), cell("random", 0, {1.0: "a", 2.0: "a"})],
        [trained("a", 0, 0.9), trained("b", 0, 0.95)],
        {"a": 1.0, "b": 2.0},
    )


def test_members_are_trained_with_the_seed_of_their_cell():
    found = families(
        [cell("simplex", 1, {1.0: "a"})],
        [trained("a", 0, 0.1), trained("a", 1, 0.9)],
        {"a": 3.0},
    )
    assert [f.by_budget for f in found] == [{1.0: Point(3.0, 0.9)}]


def test_a_cell_counts_when_all_its_members_are_trained_and_have_a_latency():
    cells = [cell("simplex", 0, {1.0: "a", 2.0: "b"})]
    networks, both = [trained("a", 0, 0.9), trained("b", 0, 0.9)], {"a": 1.0, "b": 2.0}
    assert families(cells, networks, {"a": 1.0}) == []
    assert families(cells, networks[:1], both) == []
    assert len(families(cells, networks, both)) == 1


def test_distinct_members_and_the_total_cost():
    simplex, random = two_arms()
    assert (simplex.distinct, random.distinct) == (2, 1)
    assert simplex.total_s == 17
    assert simplex.swaps == 2


def test_hypervolume_and_regret():
    found = two_arms()
    of = {arm: hypervolumes(some, settings()) for arm, some in by_arm(found).items()}
    # over log latency from 1 to 4 ms: half of it at 0.1 above the floor, half at 0.15 or 0.1
    assert of["simplex"] == {0: pytest.approx(0.125)}
    assert of["random"] == {0: pytest.approx(0.1)}
    assert regrets(found, settings()) == {"simplex": 0, "random": pytest.approx(0.2)}
    assert math.isclose(found[0].hypervolume(settings()), 0.125)


def with_accuracies(by_arm):
    """Families of one network of 1 ms, by the accuracy that each has per seed."""
    one = [(arm, seed, a) for arm, of in by_arm.items() for seed, a in enumerate(of)]
    cells = [cell(arm, seed, {1.0: f"{arm}{seed}"}) for arm, seed, _ in one]
    networks = [trained(f"{arm}{seed}", seed, a) for arm, seed, a in one]
    return families(cells, networks, {f"{arm}{seed}": 1.0 for arm, seed, _ in one})


def test_regret_is_of_the_seeds_that_all_arms_have():
    found = with_accuracies(
        {
            "simplex": [0.90, 0.85, 0.85],
            "control": [0.90, 0.85, 0.90],  # twice as good in a seed that random has not
            "random": [0.85, 0.84],
        }
    )
    assert shared_seeds(found) == [0, 1]
    # random has a half of the best of seed 0, and four fifths of that of seed 1
    assert regrets(found, settings()) == {
        "simplex": pytest.approx(0),
        "control": pytest.approx(0),
        "random": pytest.approx(0.35),
    }


def test_there_is_no_regret_where_no_seed_is_shared_or_nobody_has_anything():
    apart = families(
        [cell("simplex", 0, {1.0: "a"}), cell("random", 1, {1.0: "a"})],
        [trained("a", 0, 0.9), trained("a", 1, 0.9)],
        {"a": 1.0},
    )
    assert regrets(apart, settings()) == {}
    assert regrets([], settings()) == {}
    bad = with_accuracies({"simplex": [0.7], "random": [0.6]})  # both below the floor
    assert regrets(bad, settings()) == {"simplex": 0, "random": 0}
