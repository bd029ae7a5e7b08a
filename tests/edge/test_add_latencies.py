"""Records become latencies of the members that they are of."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from edge.add_latencies import add_latencies
from edge.manifest import Latency, Manifest
from edge.record import Measurement
from tests.edge import families
from tests.edge.measured import BOARD, NOW, record

PC = BOARD.model_copy(update={"device": "a workstation, 2 cores"})
LATER = (NOW + timedelta(days=1)).isoformat()


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Of small and large, neither of which was measured."""
    return families.family(tmp_path, ("onnx", "fp32"), ("onnx", "int8")).manifest


def latencies(manifest: Manifest, member: str = "small") -> list[tuple[str, float]]:
    """(device, median_ms) of a member."""
    found = manifest.member(member).latencies
    return [(of.target.device, round(of.median_ms, 3)) for of in found]


def small(ms: float, **changes: object) -> Measurement:
    return record("small-fp32.onnx", ms, **changes)  # type: ignore[arg-type]


def test_a_record_belongs_to_the_member_with_that_file(manifest: Manifest) -> None:
    outcome = add_latencies(manifest, [small(2.0)])
    assert latencies(outcome.manifest) == [(BOARD.device, 2.0)]
    assert latencies(outcome.manifest, "large") == []
    assert [added.member for added in outcome.added] == ["small"]
    assert outcome.manifest.created == NOW.isoformat()
    assert (outcome.known, outcome.refused) == (0, ())


def test_adding_again_changes_nothing(manifest: Manifest) -> None:
    once = add_latencies(manifest, [small(2.0)]).manifest
    again = add_latencies(once, [small(2.0)])
    assert again.manifest == once
    assert (again.added, again.known) == ((), 1)


def test_the_newest_of_a_target_counts_in_any_order(manifest: Manifest) -> None:
    old, new = small(2.0), small(3.0, when=LATER)
    for records in ([old, new], [new, old]):
        outcome = add_latencies(manifest, records)
        assert latencies(outcome.manifest) == [(BOARD.device, 3.0)]
        assert (len(outcome.added), outcome.known) == (1, 1)
    replaced = add_latencies(add_latencies(manifest, [old]).manifest, [new])
    assert latencies(replaced.manifest) == [(BOARD.device, 3.0)]
    assert replaced.added[0].old is not None
    assert add_latencies(replaced.manifest, [old]).known == 1


def test_other_targets_stay_and_so_does_what_was_predicted(manifest: Manifest) -> None:
    both = add_latencies(manifest, [small(2.0), small(1.0, target=PC)]).manifest
    predicted = [
        of.model_copy(update={"predicted_ms": 2.5, "predicted_lo_ms": 2.0, "predicted_hi_ms": 3.0})
        for of in both.member("small").latencies
    ]
    members = [m.model_copy(update={"latencies": tuple(predicted)}) for m in both.members[:1]]
    known = both.model_copy(update={"members": (*members, *both.members[1:])})
    found = add_latencies(known, [small(4.0, when=LATER)]).manifest
    order = [of.target.device for of in predicted]
    assert latencies(found) == [(name, 4.0 if name == BOARD.device else 1.0) for name in order]
    latency = found.member("small").latency(BOARD)
    assert isinstance(latency, Latency)
    assert (latency.predicted_ms, latency.predicted_hi_ms) == (2.5, 3.0)


def test_a_suspect_measurement_counts_and_replaces_an_invalid_one(manifest: Manifest) -> None:
    suspect = small(2.0, verdict="suspect", reasons=("runs vary by 11 %",))
    found = add_latencies(manifest, [suspect]).manifest
    (latency,) = found.member("small").latencies
    assert latency.verdict == "suspect"
    bad = latency.model_copy(update={"verdict": "invalid", "measured_at": LATER})
    member = found.members[0].model_copy(update={"latencies": (bad,)})
    worse = found.model_copy(update={"members": (member, *found.members[1:])})
    assert add_latencies(worse, [suspect]).manifest == found


def test_one_record_of_a_fast_clock_does_not_hold_its_place(manifest: Manifest) -> None:
    fast = small(2.0, when="2099-01-01T00:00:00+00:00")
    refused = add_latencies(manifest, [fast], now=NOW)
    assert (refused.manifest, refused.added) == (manifest, ())
    when = "measured in the future, 2099-01-01T00:00:00+00:00: set the device's clock"
    assert refused.refused[0].reason.startswith(when)
    assert add_latencies(manifest, [small(2.0, when=LATER)], now=NOW).refused == ()  # a time zone
    # A family that has it already, of an edgefacet that took it.
    held = add_latencies(manifest, [fast], now=NOW + timedelta(days=40_000)).manifest
    healed = add_latencies(held, [small(9.0), small(8.0, when=LATER)], now=NOW)
    assert latencies(healed.manifest) == [(BOARD.device, 8.0)]
    assert (len(healed.added), healed.known) == (1, 1)


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (small(2.0, verdict="invalid", reasons=("the device throttled",)), "the device throttled"),
        (record("stranger.onnx", 2.0), "no member has a file of that content"),
        (
            small(2.0, target=BOARD.model_copy(update={"precision": "unknown"})),
            "measured as unknown with onnxruntime, and its file is fp32 onnx: measure it with",
        ),
        (small(2.0, target=BOARD.model_copy(update={"precision": "int8"})), "its file is fp32"),
        (small(2.0, when="yesterday"), "'yesterday' is no moment"),
    ],
)
def test_what_no_member_takes_is_refused(
    manifest: Manifest, refused: Measurement, reason: str
) -> None:
    outcome = add_latencies(manifest, [refused])
    assert outcome.manifest == manifest
    assert reason in outcome.refused[0].reason


def test_a_rejected_file_gets_no_latency(manifest: Manifest) -> None:
    rejected = [
        m.model_copy(
            update={
                "artifacts": tuple(a.model_copy(update={"status": "rejected"}) for a in m.artifacts)
            }
        )
        for m in manifest.members
    ]
    outcome = add_latencies(manifest.model_copy(update={"members": tuple(rejected)}), [small(2.0)])
    assert "its file was rejected" in outcome.refused[0].reason
