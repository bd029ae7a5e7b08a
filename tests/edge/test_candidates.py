from datetime import datetime, timedelta, timezone

import pytest

from edge.candidates import Candidate, candidates
from edge.record import Target
from tests.edge.test_pick import LARGE, SMALL, TARGET, family, filed, member

ON = Target.model_validate(TARGET)
NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)


def one(name: str, found: list[Candidate]) -> Candidate:
    (wanted,) = (c for c in found if c.member.name == name)
    return wanted


def test_a_measurement_stands_for_itself() -> None:
    small = one("small", candidates(family(SMALL), 95, ON, now=NOW))
    assert (small.bound_ms, small.evidence, small.reasons) == (1.2, "measured", ())
    assert (small.age_days, small.median_ms) == (1.0, 1.0)


def test_an_old_one_bounds_a_tenth_more() -> None:
    fresh, old = (
        one("small", candidates(family(SMALL), 95, ON, now=NOW + timedelta(days=days)))
        for days in (29, 29.5)
    )
    assert (fresh.age_days, fresh.evidence, fresh.bound_ms) == (30, "measured", 1.2)
    assert (old.evidence, old.reasons) == ("stale", ("measured 30 days ago: measure again",))
    assert old.bound_ms == pytest.approx(1.32)


def test_one_from_the_future_has_no_age_and_bounds_a_tenth_more() -> None:
    measured = NOW - timedelta(days=1)
    near, far = (
        one("small", candidates(family(SMALL), 95, ON, now=measured - timedelta(days=days)))
        for days in (1, 1.5)
    )
    assert (near.evidence, near.bound_ms) == ("measured", 1.2)
    assert (far.evidence, far.bound_ms) == ("stale", pytest.approx(1.32))
    assert far.reasons[0].startswith("measured in the future, 2026-01-01T00:00:00")


def test_so_does_one_that_there_is_a_doubt_about() -> None:
    (small,) = candidates(family(SMALL), 95, ON, doubt="a new runtime", now=NOW)
    assert (small.evidence, small.reasons) == ("stale", ("a new runtime",))
    assert small.bound_ms == pytest.approx(1.32)
    (unproven,) = candidates(family(member("m", 0.9, 1, None)), 95, ON, doubt="new", now=NOW)
    assert unproven.bound_ms is None


def test_an_invalid_one_leaves_the_prediction_with_the_longest_tail() -> None:
    known = {"predicted_ms": 1.9, "predicted_lo_ms": 1.8, "predicted_hi_ms": 2.0}
    noisy = member("noisy", 0.95, 7.0, 9.0, verdict="invalid", **known)
    found = one("noisy", candidates(family(SMALL, LARGE, noisy), 95, ON, now=NOW))
    assert (found.evidence, found.median_ms) == ("predicted", 1.9)
    assert found.bound_ms == pytest.approx(2.0 * 1.25)  # small has 1.2, large 1.25
    assert found.reasons == ("its measurement is invalid",)
    alone = candidates(family(noisy), 95, ON, now=NOW)
    assert [c.bound_ms for c in alone] == [None]  # nobody's tail is known


def test_rejected_files_and_other_targets_are_left_out() -> None:
    assert candidates(family(filed(SMALL, status="rejected")), 95, ON, now=NOW) == []
    other = ON.model_copy(update={"threads": 2})
    assert candidates(family(SMALL), 95, other, now=NOW) == []
