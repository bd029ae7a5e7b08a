from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import pick as picking
from edge.family import Manifest
from edge.pick import NoFit, PickError, Question, frontier, standing
from edge.record import Target

NOW = datetime(2026, 1, 31, tzinfo=timezone.utc)
pick = partial(picking.pick, now=NOW)
TARGET = {
    "device": "board",
    "runtime": "onnxruntime",
    "runtime_version": "1",
    "provider": "cpu",
    "precision": "fp32",
    "threads": 1,
}
ON = Target.model_validate(TARGET)


def member(
    name: str,
    accuracy: float,
    median_ms: float,
    p95_ms: float | None,
    *,
    size_bytes: int = 1000,
    **latency: Any,
) -> dict[str, Any]:
    fields = {
        "target": TARGET,
        "median_ms": median_ms,
        "lo_ms": median_ms,
        "hi_ms": median_ms,
        "p95_ms": p95_ms,
        "n": 500,
        "verdict": "clean",
        "measured_at": "2026-01-01T00:00:00Z",
    }
    artifact = {
        "path": f"{name}.onnx",
        "sha256": "0" * 64,
        "size_bytes": size_bytes,
        "format": "onnx",
        "precision": "fp32",
    }
    return {
        "name": name,
        "architecture": {},
        "holdout_accuracy": accuracy,
        "test_accuracy": 1 - accuracy,  # the wrong way round: it must not matter
        "macs": 1,
        "parameters": 1,
        "artifacts": [artifact],
        "latencies": [{**fields, **latency}],
    }


def family(*members: dict[str, Any]) -> Manifest:
    return Manifest.model_validate(
        {
            "created": "2026-01-01T00:00:00Z",
            "dataset": "d",
            "classes": ["a"],
            "input_shape": [1, 28, 28],
            "mean": [0],
            "std": [1],
            "members": members,
        }
    )


SMALL = member("small", 0.80, 1.0, 1.2)
MIDDLE = member("middle", 0.85, 2.0, 2.5)
LARGE = member("large", 0.90, 4.0, 5.0)
FAMILY = family(LARGE, SMALL, MIDDLE)


@pytest.mark.parametrize(
    ("budget_ms", "name"),
    [(1.2, "small"), (2.49, "small"), (2.5, "middle"), (4.5, "middle"), (99, "large")],
)
def test_the_most_accurate_whose_bound_fits(budget_ms: float, name: str) -> None:
    assert pick(FAMILY, budget_ms).name == name


def test_a_pick_explains_itself() -> None:
    found = pick(FAMILY, 3.0)
    assert (found.bound_ms, found.median_ms, found.n) == (2.5, 2.0, 500)
    assert found.margin_ms == pytest.approx(0.5)
    assert found.age_days == pytest.approx(30)
    assert found.runner_up == "small"
    assert found.measured
    assert str(found) == (
        "middle: p95 <= 2.500 ms, 0.500 ms below the budget of 3 ms; median 2.000 ms, "
        "500 runs measured 30 days ago; runner-up small"
    )
    assert found.to_dict()["artifact"] == "middle.onnx"


def test_an_old_measurement_is_marked_and_must_leave_more_room() -> None:
    fresh, stale = (pick(FAMILY, 3.0, now=NOW + timedelta(days=days)) for days in (0, 1))
    assert (fresh.age_days, stale.age_days) == (30, 31)
    assert (fresh.stale, stale.stale) == (False, True)
    assert (stale.name, stale.measured, stale.bound_ms) == ("middle", False, 2.75)
    assert "31 days ago (stale: measured 31 days ago: measure again);" in str(stale)
    assert stale.to_dict()["evidence"] == "stale"
    assert pick(FAMILY, 2.6).name == "middle"
    assert pick(FAMILY, 2.6, now=NOW + timedelta(days=1)).name == "small"


def test_a_fallback_that_there_is_not_is_refused() -> None:
    for budget_ms in (1.0, 100.0):
        with pytest.raises(PickError, match="no fallback 'fast': choose fastest, or none"):
            pick(FAMILY, budget_ms, fallback="fast")  # type: ignore[arg-type]


def test_a_fallback_is_the_fastest_and_says_so() -> None:
    found = pick(FAMILY, 1.0, fallback="fastest")
    assert (found.name, found.fallback, found.runner_up) == ("small", True, None)
    assert found.margin_ms == pytest.approx(-0.2)
    assert "0.200 ms above the budget of 1 ms" in str(found)
    assert not pick(FAMILY, 3.0, fallback="fastest").fallback
    with pytest.raises(NoFit, match="no member has a proven p99"):
        pick(FAMILY, 3.0, 99, fallback="fastest")


def test_a_higher_confidence_needs_a_bound_that_has_it() -> None:
    surer = member("surer", 0.82, 1.0, 1.2, bounds=[{"confidence": 0.99, "p95_ms": 1.3}])
    found = pick(family(LARGE, surer), 9.0, confidence=0.99)
    assert (found.name, found.bound_ms, found.confidence) == ("surer", 1.3, 0.99)
    assert pick(family(LARGE, surer), 9.0).name == "large"
    with pytest.raises(NoFit, match=r"proven p95 at 99%: bounds are kept .* to 95%; ask for 0\.95"):
        pick(FAMILY, 9.0, confidence=0.99)
    told = r"proven p95 at 99\.9%: bounds are kept for a confidence of up to 99%; ask for 0\.99 at"
    with pytest.raises(NoFit, match=told):
        pick(family(LARGE, surer), 9.0, confidence=0.999)
    few = member("few", 0.82, 1.0, None, bounds=[{"confidence": 0.99, "p95_ms": None}])
    with pytest.raises(NoFit, match=r"proven p95 at 99%: .* lower percentile or confidence"):
        pick(family(few), 9.0, confidence=0.99)
    with pytest.raises(PickError, match="confidence lies between 0 and 1, 95 does not"):
        pick(FAMILY, 9.0, confidence=95)


def test_a_device_ranks_its_runtimes_and_precisions_together() -> None:
    lite = member("lite", 0.99, 1.1, 1.3, target={**TARGET, "runtime": "litert"})
    other = member("other", 1.0, 1.0, 1.0, target={**TARGET, "device": "another"})
    mixed = family(SMALL, lite, other)
    found = pick(mixed, 2.0, device="board")
    assert (found.name, found.target.runtime, found.runner_up) == ("lite", "litert", "small")
    assert pick(mixed, 1.25, device="board").name == "small"


def test_a_doubt_about_a_target_makes_it_stale() -> None:
    (target,) = FAMILY.targets
    found = pick(FAMILY, 2.6, doubts={target: "a new runtime"})
    assert (found.name, found.reasons) == ("small", ("a new runtime",))


def test_which_budgets_buy_what() -> None:
    dear = member("dear", 0.84, 3.0, 3.5)  # less accurate than middle, and slower
    ranked = standing(family(LARGE, SMALL, MIDDLE, dear), Question(1.0), [ON], now=NOW)
    found = [(c.member.name, c.bound_ms) for c in frontier(ranked)]
    assert found == [("small", 1.2), ("middle", 2.5), ("large", 5.0)]


def test_alone_it_has_no_runner_up() -> None:
    found = pick(FAMILY, 2.0)
    assert found.runner_up is None
    assert "no other member fits" in str(found)


def test_ties_go_to_the_faster_then_to_the_smaller() -> None:
    slow, fast = member("slow", 0.8, 1.1, 1.2), member("fast", 0.8, 1.0, 1.3)
    assert pick(family(slow, fast), 2).name == "fast"
    fat = member("fat", 0.8, 1.0, 1.2, size_bytes=2000)
    slim = member("slim", 0.8, 1.0, 1.3, size_bytes=1000)
    assert pick(family(fat, slim), 2).name == "slim"


def test_nothing_fits_names_the_fastest_and_the_gap() -> None:
    with pytest.raises(NoFit, match=r"small, has 1\.200 ms, 0\.200 ms too much") as caught:
        pick(FAMILY, 1.0)
    assert caught.value.fastest == "small"
    assert caught.value.gap_ms == pytest.approx(0.2)
    assert isinstance(caught.value, LookupError)


def test_minimum_accuracy_narrows_the_choice() -> None:
    assert pick(FAMILY, 3.0, min_accuracy=0.85).name == "middle"
    with pytest.raises(NoFit, match=r"at least 0\.88.*large, has 5\.000 ms"):
        pick(FAMILY, 3.0, min_accuracy=0.88)


def test_where_none_is_accurate_enough_the_most_accurate_is_named() -> None:
    told = "there is no member with a hold-out accuracy of at least 0.99: the most accurate, large,"
    with pytest.raises(NoFit, match=f"{told} has 0.9$") as caught:
        pick(FAMILY, 99.0, min_accuracy=0.99, fallback="fastest")
    assert (caught.value.fastest, caught.value.gap_ms) == (None, None)
    with pytest.raises(NoFit, match="no member was measured there") as caught:
        pick(family(), 99.0)
    assert "\n  facet measure --family FOLDER --out report.jsonl\n" in str(caught.value)


def test_without_a_bound_nothing_is_proven() -> None:
    unproven = member("unproven", 0.99, 0.5, None)
    assert pick(family(unproven, SMALL), 2.0).name == "small"
    with pytest.raises(NoFit, match="no member has a proven p95: measure them with more runs") as e:
        pick(family(unproven), 2.0)
    assert (e.value.fastest, e.value.gap_ms) == (None, None)
    with pytest.raises(NoFit, match="proven p99"):
        pick(FAMILY, 99.0, percentile=99)


def test_an_invalid_measurement_proves_nothing() -> None:
    broken = member("broken", 0.99, 0.5, 0.6, verdict="invalid")
    assert pick(family(broken, SMALL), 2.0).name == "small"


def test_targets_are_never_ranked_together() -> None:
    int8 = member("int8", 0.99, 0.5, 0.6, target={**TARGET, "precision": "int8"})
    mixed = family(int8, SMALL)
    with pytest.raises(PickError, match=r"(?s)several targets.*(fp32.*int8|int8.*fp32)"):
        pick(mixed, 2.0)
    (fp32,) = (t for t in mixed.targets if t.precision == "fp32")
    assert pick(mixed, 2.0, target=fp32).name == "small"


def test_a_runtime_leaves_its_targets_only() -> None:
    lite = {**TARGET, "runtime": "litert"}
    slow = member("lite", 0.99, 1.1, 1.2, target=lite)
    fast = member("fast", 0.9, 0.5, 0.6, target={**lite, "threads": 2})
    mixed = family(SMALL, slow)
    found = pick(mixed, 2.0, runtime="litert")
    assert (found.name, found.latency.target.runtime) == ("lite", "litert")
    assert pick(mixed, 2.0, runtime="onnxruntime").name == "small"
    with pytest.raises(PickError, match="'tvm'; choose among: litert, onnxruntime"):
        pick(mixed, 2.0, runtime="tvm")
    with pytest.raises(PickError, match=r"(?s)several targets.*1 thread.*2 thread"):
        pick(
            family(SMALL, slow, fast),
            2.0,
            runtime="litert",
        )
    with pytest.raises(PickError, match="is one of litert, not of onnxruntime"):
        pick(mixed, 2.0, target=found.latency.target, runtime="onnxruntime")


def test_the_file_of_a_pick_is_the_one_that_was_measured() -> None:
    lite = {**TARGET, "runtime": "litert"}
    both = member("both", 0.9, 1.0, 1.2)
    (onnx,), (latency,) = both["artifacts"], both["latencies"]
    both["artifacts"] = [onnx, {**onnx, "path": "both.tflite", "format": "tflite"}]
    both["latencies"] = [latency, {**latency, "target": lite}]
    for runtime, path in (("onnxruntime", "both.onnx"), ("litert", "both.tflite")):
        artifact = pick(family(both), 2.0, runtime=runtime).artifact
        assert artifact is not None
        assert artifact.path == path


@pytest.mark.parametrize("budget_ms", [0, -1, float("nan")])
def test_a_budget_is_positive(budget_ms: float) -> None:
    with pytest.raises(PickError, match="must be positive"):
        pick(FAMILY, budget_ms)


def test_unknown_percentile() -> None:
    with pytest.raises(PickError, match="choose 90, 95 or 99"):
        pick(FAMILY, 1.0, percentile=50)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0.1, 9)), min_size=1, max_size=8),
    st.floats(0.1, 9),
)
def test_no_member_that_fits_is_more_accurate(
    members: list[tuple[float, float]], budget_ms: float
) -> None:
    made = family(*(member(f"m{i}", a, ms, ms) for i, (a, ms) in enumerate(members)))
    fitting = [accuracy for accuracy, ms in members if ms <= budget_ms]
    if fitting:
        found = pick(made, budget_ms)
        assert found.member.holdout_accuracy == max(fitting)
        assert found.bound_ms <= budget_ms
    else:
        with pytest.raises(NoFit) as caught:
            pick(made, budget_ms)
        assert caught.value.gap_ms == pytest.approx(min(ms for _, ms in members) - budget_ms)


def filed(member: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """`member` with another file."""
    (artifact,) = member["artifacts"]
    return {**member, "artifacts": [{**artifact, **changes}]}


def test_the_accuracy_of_the_file_ranks_not_that_of_the_trained_network() -> None:
    worse = filed(MIDDLE, holdout_accuracy=0.79)  # than 0.80, although it was trained to 0.85
    chosen = pick(family(SMALL, worse), 3.0)
    assert chosen.name == "small"
    with pytest.raises(NoFit):
        pick(family(worse), 3.0, min_accuracy=0.8)


def test_a_rejected_file_is_never_picked() -> None:
    rejected = filed(MIDDLE, status="rejected", holdout_accuracy=0.84)
    assert pick(family(SMALL, rejected), 3.0).name == "small"
    with pytest.raises(NoFit):
        pick(family(rejected), 3.0)
