from __future__ import annotations

import numpy as np
import pytest

from benchmarks.latency.splits import (
    BLOCKS,
    MACS,
    OPERATIONS,
    OURS,
    Networks,
    Predicted,
    Score,
    _coverage_se,
    _judge,
    study,
)
from edge.record import iter_networks
from edge.statistics import summarise
from tests.edge.feedback.made_up import OFFSET_MS, measured, network, table, world


def networks(factor: float = 1.0, noise: float = 0.0, n: int = 30) -> Networks:
    """Networks of which blocks tell all, `factor` slower than the table; MACs tell nothing, and
    sums of operations are twice too high."""
    rng = np.random.default_rng(0)
    records = []
    for record in world(0, n):
        ms = factor * record.samples_ns[0][0] / 1e6 * (1 + noise * rng.standard_normal())
        ops = [block.op for block in record.subject.read_architecture().searched_blocks]
        records.append(measured(ms, *ops))
    pairs = list(iter_networks(records))
    measured_ms = np.array([summarise(m.samples_ns).median_ms for _, m in pairs])
    return Networks(
        table=table(),
        pairs=pairs,
        macs=rng.uniform(1, 2, len(pairs)),
        repeat_ms=measured_ms * np.tile([1.02, 0.98], len(pairs) // 2),
        operations_ms=2 * measured_ms / factor,
    )


def scores(of: Networks, n: int, splits: int = 3) -> dict[str, Score]:
    return {score.method: score for score in study(of, n, splits, seed=0)}


def test_without_measured_networks_there_are_the_sums() -> None:
    found = scores(networks(factor=1.25), 0)
    assert found[BLOCKS].error_percent == pytest.approx(20)  # 1 / 1.25
    assert found[OURS].error_percent == pytest.approx(20)
    assert found[OPERATIONS].error_percent == pytest.approx(60)  # 2 / 1.25
    assert found[BLOCKS].within_10_percent == 0
    assert found[BLOCKS].splits == 1  # nothing is drawn
    assert found.keys() == {BLOCKS, OURS, OPERATIONS}  # no scale, and no line


def test_one_network_gives_the_scale() -> None:
    found = scores(networks(factor=1.25), 1)
    assert found[f"{BLOCKS} × scale"].error_percent == pytest.approx(0, abs=1e-3)
    assert found[f"{OPERATIONS} × scale"].error_percent == pytest.approx(0, abs=1e-3)
    assert found[BLOCKS].error_percent == pytest.approx(20)
    assert found[OURS].error_percent < 5
    assert found[f"{BLOCKS} × scale"].within_5_percent == 1


def test_macs_are_a_line_through_what_was_measured() -> None:
    exact = networks()
    measured_ms = exact.measured_ms
    linear = Networks(exact.table, exact.pairs, 10 * (measured_ms - 0.1), exact.repeat_ms)
    found = scores(linear, 5)
    assert found[MACS].error_percent == pytest.approx(0, abs=1e-6)
    assert found[MACS].spearman == pytest.approx(1)
    assert OPERATIONS not in found
    assert scores(linear, 1)[MACS].error_percent > 1  # one network gives no intercept


def test_the_calibration_is_judged_with_its_interval() -> None:
    found = scores(networks(factor=1.1, noise=0.03), 10, splits=20)
    assert found[OURS].coverage == pytest.approx(0.9, abs=0.1)
    assert found[BLOCKS].coverage is None
    assert found[OURS].error_percent < found[MACS].error_percent / 2


def test_the_error_of_the_coverage_is_that_over_networks() -> None:
    """Two splits of networks 0 to 3: 0 is always covered, 1 in one of two, 2 never; 3 is unseen."""
    low, high = np.zeros(2), np.full(2, 5.0)

    def predicted(covered: list[bool]) -> Predicted:
        return Predicted(np.ones(2), low, np.where(covered, high, 0.5))

    found = [
        (predicted([True, True]), np.array([0, 1])),
        (predicted([False, False]), np.array([1, 2])),
    ]
    wanted = np.std([1.0, 0.5, 0.0], ddof=1) / np.sqrt(3)
    assert _coverage_se(found, np.ones(4)) == pytest.approx(wanted)
    assert _coverage_se([(Predicted(np.ones(1)), np.array([0]))], np.ones(1)) is None


def test_too_few_networks_are_no_study() -> None:
    assert study(networks(n=14), 10, 3, seed=0) == []
    assert study(networks(n=16), 10, 3, seed=0) != []


def test_the_same_seed_gives_the_same_splits() -> None:
    of = networks(noise=0.05)
    assert scores(of, 3) == scores(of, 3)
    assert scores(of, 3) != {s.method: s for s in study(of, 3, 3, seed=1)}


def test_noise_is_what_measuring_again_differs_by() -> None:
    assert networks().noise_percent == pytest.approx(2.0)


def test_networks_that_all_take_as_long_have_no_rank() -> None:
    pairs = list(iter_networks([measured(OFFSET_MS)] * 8))
    assert pairs[0][0] == network()
    ones = np.ones(8)
    found = study(Networks(table(), pairs, ones, OFFSET_MS * ones), 0, 1, seed=0)
    assert {score.spearman for score in found} == {None}


def test_sums_that_tie_are_no_pairs_of_kendall() -> None:
    # two sums tie, all measured medians differ: 2 of 3 pairs, and 2 of 2 that are no tie
    predicted = Predicted(np.array([1.0, 1.0, 2.0]))
    *_, tau, _ = _judge(predicted, np.array([1.0, 2.0, 3.0]))
    assert tau == pytest.approx(2 / np.sqrt(2 * 3))
