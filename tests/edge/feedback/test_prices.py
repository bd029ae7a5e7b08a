from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge.calibration import Calibration, fit
from edge.feedback.prices import prices
from edge.record import iter_networks
from edge.table import Table
from tests.edge.feedback.made_up import COST_MS, NOW, one_gaussian, table, world

OPS = tuple(sorted(COST_MS))  # conv_k3 0.20 ms, mbconv_k3_e3 0.10, sep_k3 0.05


def calibration(scale: float, *bias_ms: float, sd_ms: float = 0.0) -> Calibration:
    """A posterior as if found; `sd_ms` is that of each bias."""
    covariance = np.diag([0.0, 0.0, *[sd_ms**2] * len(OPS)])
    posterior = one_gaussian(np.array([0.0, scale, *bias_ms]), covariance)
    return replace(fit(table(), [], now=NOW), posterior=posterior)


def test_a_slower_device_moves_no_price() -> None:
    assert [price.moved for price in prices(calibration(1.5, 0, 0, 0))] == [0.0, 0.0, 0.0]


def test_one_dearer_operation_moves_against_the_others() -> None:
    *others, conv = prices(calibration(1.0, 0.07, 0, 0))
    assert (conv.op, conv.table_ms) == ("conv_k3", pytest.approx(0.20))
    assert conv.calibrated_ms == pytest.approx(0.27)
    # All together cost 0.42 instead of 0.35: 1.2 times as much.
    assert conv.moved == pytest.approx(1.35 / 1.2 - 1)
    assert [price.moved for price in others] == pytest.approx([1 / 1.2 - 1] * 2)
    assert [price.worth_a_search for price in (*others, conv)] == [True, True, False]


def test_the_doubt_is_that_of_the_ratio() -> None:
    found = {price.op: price for price in prices(calibration(1.0, 0, 0, 0, sd_ms=0.01))}
    # d moved = r_k / t_k - (r_1 + r_2 + r_3) / 0.35, every r with an sd of 0.01
    a, b = 1 / 0.05 - 1 / 0.35, 1 / 0.35
    sd = 0.01 * (a**2 + 2 * b**2) ** 0.5
    assert found["sep_k3"].doubt == pytest.approx(1.6449 * sd, rel=1e-4)
    assert found["conv_k3"].doubt < found["mbconv_k3_e3"].doubt < found["sep_k3"].doubt


def test_a_move_within_its_doubt_is_not_worth_a_search() -> None:
    assert any(p.worth_a_search for p in prices(calibration(1.0, 0.0, 0.0, 0.02)))
    assert not any(p.worth_a_search for p in prices(calibration(1.0, 0.0, 0.0, 0.02, sd_ms=0.05)))


def test_it_is_found_in_measured_networks() -> None:
    records = world(0, 40, price={"sep_k3": 1.6})
    first, *_ = prices(fit(table(), list(iter_networks(records)), now=NOW))
    assert first.op == "sep_k3"
    # 1.6 times 0.05 is 0.03 more of 0.35.
    assert first.moved == pytest.approx(1.6 / (0.38 / 0.35) - 1, abs=0.03)
    assert first.worth_a_search


def test_an_empty_table_has_no_prices() -> None:
    empty = Table(table().target, 1.0, {})
    assert prices(fit(empty, [], now=NOW)) == []
