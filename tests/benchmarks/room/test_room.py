import math

import pytest

from benchmarks.room.report import by_setting
from benchmarks.room.spread import room, rooms


def test_the_spread_is_that_of_the_means_and_the_noise_that_of_equals():
    # means 90 and 92 points; the variance between two seeds 0.02 and 0.08, half of it in a mean
    accuracies = {"a": [0.899, 0.901], "b": [0.918, 0.922]}
    found = room(0.5, accuracies, images=10_000)
    assert (found.best, found.worst, found.mean) == pytest.approx((92, 90, 91))
    assert found.spread == pytest.approx(math.sqrt(2))
    assert found.noise == pytest.approx(math.sqrt((0.01 + 0.04) / 2 + 1e4 * 0.91 * 0.09 / 10_000))
    assert found.ratio == pytest.approx(found.spread / found.noise)
    assert found.enough


def test_equal_networks_leave_no_room():
    found = room(0.5, {"a": [0.90, 0.91], "b": [0.91, 0.90]}, images=1000)
    assert found.spread == pytest.approx(0)
    assert not found.enough


def row(latency_ms, architecture, seed, accuracy):
    return {
        "data": "fashion-mnist",
        "space": {"name": "mbconv", "widths": [[4, 8]], "operations": ["skip", "conv_k3"]},
        "recipe": {"epochs": 3},
        "latency_ms": latency_ms,
        "architecture": architecture,
        "seed": seed,
        "test_accuracy": accuracy,
        "test_images": 10_000,
    }


def test_a_latency_counts_when_two_of_its_networks_are_complete():
    rows = [row(0.1, "a", 0, 0.9), row(0.1, "a", 1, 0.9), row(0.1, "b", 0, 0.8)]
    assert rooms(rows, 10_000) == []
    rows += [row(0.1, "b", 1, 0.8), row(0.2, "c", 0, 0.9)]
    (one,) = rooms(rows, 10_000)
    assert (one.latency_ms, one.networks) == (0.1, 2)
    assert one.spread == pytest.approx(10 / math.sqrt(2))


def test_settings_of_one_title_are_two_tables_named_by_what_differs():
    rows = [row(0.1, name, seed, 0.9) for name in "ab" for seed in (0, 1)]
    for one in rows:
        one["recipe"] = {"seed": one["seed"], "epochs": 3, "lr": 0.1}
    worse = [{**one, "test_accuracy": 0.8, "recipe": {**one["recipe"], "lr": 9.0}} for one in rows]
    others = [{**one, "space": {**one["space"], "act": "relu"}} for one in rows]
    text = by_setting([*rows, *worse])
    title = "### fashion-mnist, mbconv, widths [[4, 8]], 2 operations, 3 epochs"
    assert f"{title}, lr 0.1\n" in text
    assert f"{title}, lr 9.0\n" in text
    assert "| 100 | 2 | 90.00 | 90.00 | 90.00 |" in text
    assert "| 100 | 2 | 80.00 | 80.00 | 80.00 |" in text
    assert f"{title}, act None\n" in by_setting([*rows, *others])
    assert f"{title}, act relu\n" in by_setting([*rows, *others])


def test_settings_have_tables_of_their_own():
    rows = [row(0.1, name, seed, 0.9) for name in "ab" for seed in (0, 1)]
    others = [{**one, "recipe": {"epochs": 8}} for one in rows]
    text = by_setting([*rows, *others])
    assert "### fashion-mnist, mbconv, widths [[4, 8]], 2 operations, 3 epochs\n" in text
    assert "### fashion-mnist, mbconv, widths [[4, 8]], 2 operations, 8 epochs\n" in text
    # the noise of 90 % on 10,000 images: 0.3 points
    assert text.count("| 100 | 2 | 90.00 | 90.00 | 90.00 | 0.00 | 0.30 | 0.0 |") == 2
