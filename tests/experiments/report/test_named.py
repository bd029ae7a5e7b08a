import pytest

from experiments.report.named import named
from tests.experiments.made_up import compared, settings

ARMS = {
    "simplex": {"seeds": 2},
    "random": {"seeds": 2, "overrides": {"search": {"method": "random"}}},
    "darts": {"seeds": 1, "overrides": {"search": {"method": "darts"}}},
    "fbnet": {"seeds": 1, "overrides": {"search": {"method": "fbnet"}}},
}


def told(task, accuracies):
    return named(compared(task.root, accuracies, settings=settings(arms=ARMS)))


@pytest.mark.parametrize(
    ("simplex", "random", "least", "bar"),
    [
        (0.9, 0.85, "+0.0 %; 10.00 points of hypervolume, 8.25 on average", "met"),
        (0.9, 1.2, "+0.0 %; 10.00 points of hypervolume, 17.00 on average", "missed"),
        (0.85, 0.8, "-50.0 %; 5.00 points of hypervolume, 5.75 on average", "missed"),
    ],
)
def test_the_bar_is_about_the_worst_and_about_the_mean_of_all(task, simplex, random, least, bar):
    """Accuracies above a floor of 0.8, over the seed that all have."""
    arms = {"simplex": 2 * [simplex], "random": 2 * [random], "darts": [0.88], "fbnet": [0.9]}
    text = told(task, arms)
    assert "each of\ndarts, fbnet is above −1 %" in text
    assert f"Seeds 0: least against fbnet, {least} over all arms. Bar: {bar}." in text


def test_it_waits_for_every_seed_of_every_arm(task):
    text = told(task, {"simplex": [0.9], "random": 2 * [0.85], "darts": [0.88]})
    assert "Not known yet: seeds of simplex, fbnet are not finished." in text


def test_a_protocol_without_them_has_no_such_section(task):
    assert named(compared(task.root, {"simplex": 2 * [0.9]})) == ""
