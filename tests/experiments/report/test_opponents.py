import pytest

from experiments.handmade import Handmade, duel, handmade
from experiments.hypervolume import Point
from experiments.report.opponents import published, references
from tests.experiments.made_up import compared, settings, timed, trained


def network(name, ms, accuracy):
    return Handmade(name, Point(ms, accuracy), 1, 1, 1)


def test_accuracies_are_means_over_seeds_and_untimed_networks_are_left_out():
    rows = [
        trained("b", 0, 0.8, reference="cnn"),
        trained("b", 1, 0.9, reference="cnn"),
        trained("a", 0, 0.7, reference="cnn"),
        trained("untimed", 0, 0.7, reference="cnn"),
        trained("a member", 0, 0.7),
    ]
    found = handmade(rows, {"b": 2.0, "a": 1.0, "a member": 1.0})
    assert [(one.name, one.seeds) for one in found] == [("a", 1), ("b", 2)]
    assert found[1].point == Point(2.0, pytest.approx(0.85))


SLOW, FAST = network("slow", 4.0, 0.92), network("fast", 1.0, 0.90)


@pytest.mark.parametrize(
    ("member", "beats", "is_close"),
    [
        (Point(2.0, 0.91), True, False),  # better than what is no slower
        (Point(2.0, 0.90), False, False),  # only as good
        (Point(4.0, 0.919), False, False),  # close, but not at half the latency
        (Point(0.5, 0.5), True, False),  # nothing is as fast
        (Point(2.0, 0.918), True, True),
    ],
)
def test_a_member_beats_what_is_no_slower_or_is_close_at_half_the_latency(member, beats, is_close):
    found = duel(member, [FAST, SLOW])
    assert (found.beats, found.is_close) == (beats, is_close)
    assert found.holds == (beats or is_close)


def test_close_counts_where_a_faster_one_is_better():
    best = network("best", 8.0, 0.932)
    found = duel(Point(4.0, 0.93), [network("faster", 3.0, 0.931), best])
    assert (found.beats, found.is_close, found.holds) == (False, True, True)


def test_a_duel_per_budget(task):
    study = compared(
        task.root,
        {"simplex": [0.91, 0.89]},
        networks=[trained("resnet8-4", seed, 0.90, reference="resnet8") for seed in (0, 1)],
        latencies=[timed("resnet8-4", 0.5)],
    )
    text = references(study)
    assert "| resnet8-4 | 0.500 | 90.00 | 2 | 2.00 | 30 |" in text
    named = "resnet8-4: 90.00 at 0.500"
    assert f"| 1 | 90.00 at 1.000 | {named} | {named} | 1, 0 | 1 of 2 |" in text
    assert "The bar holds in all seeds at 0 of 2 budgets." in text
    assert references(compared(task.root, {"simplex": [0.9]})) == ""


def test_the_bar_waits_for_all_networks_and_seeds(task):
    asked = settings(references={"seeds": 1, "widths": {"resnet8": (4, 8)}})
    network = trained("resnet8-4", 0, 0.85, reference="resnet8")
    given = {"settings": asked, "networks": [network], "latencies": [timed("resnet8-4", 0.5)]}
    text = references(compared(task.root, {"simplex": [0.9]}, **given))
    assert "holds in all" not in text
    told = "No verdict yet: 1 of 2 trainings of hand-designed networks and 1 of 2 seeds of simplex"
    assert f"{told} are there." in text


def test_published_figures_stand_beside_ours_of_the_same_images(task):
    study = compared(task.root, {"simplex": [0.91, 0.89]}, settings=settings())
    text = published(study)  # the smoke preset is of Fashion-MNIST
    assert "| the source | 3 operations, S uniform | 82.5 | 38k |" in text
    assert "| simplex, here | 1 ms | 90.0 | 30k |" in text
    assert "71.0" not in text  # that is of CIFAR-10
