import pytest

from experiments.ranking import RETRAINED, ranks


def scored(name, band, loss, macs):
    return {
        "architecture": name,
        "latency_ms": band,
        "predicted_ms": band,
        "macs": macs,
        "parameters": macs,
        "cross_entropy": loss,
        "quick_cross_entropy": -loss,
        "accuracy": 1 - loss,
    }


def trained(name, *accuracies):
    return [
        {"architecture": name, "seed": seed, "test_accuracy": accuracy}
        for seed, accuracy in enumerate(accuracies)
    ]


def test_scores_are_compared_with_the_mean_over_training_seeds():
    rows = [scored("a", 1, 0.4, 10), scored("b", 1, 0.3, 30), scored("c", 2, 0.1, 20)]
    rooms = [*trained("a", 0.6, 0.7), *trained("b", 0.8, 0.6), *trained("c", 0.9, 0.9)]
    found = {one.score: one for one in ranks([*rows, scored("untrained", 2, 0, 0)], rooms)}
    good = found["shared weights, cross-entropy"]
    assert (good.overall, good.within) == (1, 1)
    wrong = found["shared weights, cross-entropy, BatchNorm not re-estimated"]
    assert (wrong.overall, wrong.within) == (-1, -1)
    assert found["MACs"].overall == pytest.approx(1 / 3)  # b has more than c
    assert found["predicted latency"].within == 0  # a tie says nothing
    # seed 0 says a < b < c, seed 1 b < a < c
    assert found[RETRAINED].overall == pytest.approx(1 / 3)
    assert found[RETRAINED].within == -1


def test_without_a_second_seed_no_training_is_a_score_and_one_network_has_no_order():
    rows = [scored("a", 1, 0.4, 10), scored("b", 1, 0.3, 30)]
    assert RETRAINED not in {r.score for r in ranks(rows, [*trained("a", 0.6), *trained("b", 0.8)])}
    assert ranks(rows, trained("a", 0.6)) == []


def test_the_interval_is_wide_where_networks_of_a_latency_are_few_and_narrow_where_all_agree():
    names = [(f"{n}", 1 + n % 2) for n in range(12)]
    rows = [scored(name, band, 1 - int(name) / 20, 1) for name, band in names]
    agree = [row for name, _ in names for row in trained(name, int(name) / 20)]
    swapped = [row for name, _ in names for row in trained(name, (int(name) ^ 2) / 20)]
    sure, unsure = (ranks(rows, rooms)[0] for rooms in (agree, swapped))
    assert (sure.within, sure.within_interval) == (1, (1, 1))
    low, high = unsure.within_interval
    assert low < unsure.within < high
