from __future__ import annotations

import json
from dataclasses import replace

import pytest

from edge.calibration import Calibration
from edge.feedback.evidence import Evidence
from edge.feedback.prices import Price
from edge.feedback.status import coverage, quality, search_advice, standings
from edge.predictor import Fitted
from edge.record import Measurement, iter_networks
from tests.edge.feedback.made_up import NOW, TARGET, measured, table, world


def evidence(*feedback: Measurement) -> Evidence:
    session = list(iter_networks([measured(0.5, role="base"), *world(0, 4)]))
    return Evidence(table(), session, list(iter_networks(feedback)))


def fitted(*networks: tuple[float, float, float, float]) -> Calibration:
    """A calibration that found (raw, measured, left out, z) of these networks."""
    named = [Fitted(f"n{i}", f"k{i}", *numbers, weight=1.0) for i, numbers in enumerate(networks)]
    return replace(Evidence(table(), [], []).calibrate(), networks=tuple(named))


def test_errors_and_coverage_are_those_of_each_network_by_the_others() -> None:
    found = quality(fitted((1.1, 1.0, 1.02, 0.5), (1.6, 2.0, 1.96, -2.0), (1.0, 1.0, 1.0, 1.6)))
    assert found.table_error_percent == pytest.approx((10 + 20 + 0) / 3)
    assert found.left_out_error_percent == pytest.approx((2 + 2 + 0) / 3)
    assert found.coverage == pytest.approx(2 / 3)  # |z| up to 1.645 lies in a 90 % interval


def test_of_one_network_nobody_knows_how_well_it_is_predicted() -> None:
    calibration = fitted((1.1, 1.0, 1.02, 0.5))
    assert coverage(calibration) is None
    assert quality(calibration).left_out_error_percent is None


def test_records_are_counted_by_target_and_verdict() -> None:
    other = TARGET.model_copy(update={"device": "another board"})
    given = evidence(
        measured(0.7, "conv_k3", age_days=40),
        measured(0.8, "sep_k3", age_days=3, verdict="suspect"),
        measured(9.0, target=other, age_days=1),
    )
    ours, foreign = standings(given, given.calibrate(), NOW)
    assert (ours.target, ours.records, ours.age_days) == (TARGET, 2, pytest.approx(3))
    assert ours.verdicts == {"clean-unverified": 1, "suspect": 1}
    assert ours.quality is not None
    assert ours.quality.ignored == {"measured on another target": 1}  # the suspect one is needed
    assert (foreign.target, foreign.records, foreign.quality) == (other, 1, None)


def test_the_tables_own_target_is_told_of_before_anything_came_back() -> None:
    given = evidence()
    (ours,) = standings(given, given.calibrate(), NOW)
    assert (ours.records, ours.age_days) == (0, None)
    assert ours.quality is not None
    assert ours.quality.networks == 4


def test_a_search_is_advised_when_operations_cost_something_else() -> None:
    right, wrong = (
        evidence(*world(1, 40)),
        evidence(*world(1, 40, price={"sep_k3": 1.6})),
    )
    assert quality(right.calibrate()).advice == ()
    (advice,) = quality(wrong.calibrate()).advice
    assert "sep_k3 +" in advice
    assert "dvc exp run -S search.prices=calibrate" in advice


def test_the_advice_names_what_moved() -> None:
    moved = Price("sep_k3", 1.0, 1.0, moved=-0.2, doubt=0.1)
    within = Price("conv_k3", 1.0, 1.0, moved=0.16, doubt=0.2)
    assert "(sep_k3 -20%, relative to all others)" in str(search_advice([moved, within]))
    assert search_advice([within]) is None


def test_as_json() -> None:
    given = evidence(measured(0.7, "conv_k3"))
    (ours,) = standings(given, given.calibrate(), NOW)
    data = json.loads(json.dumps(ours.to_dict()))
    assert data["target"] == {"id": TARGET.id, **TARGET.model_dump()}
    assert data["quality"]["tails"]["95"]["n"] > 0
    assert {price["op"] for price in data["quality"]["prices"]} == {
        "conv_k3",
        "mbconv_k3_e3",
        "sep_k3",
    }
