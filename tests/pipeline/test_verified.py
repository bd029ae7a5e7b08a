from datetime import datetime, timezone

import pytest

from edge import calibration
from edge.bench import Failure
from edge.family import Artifact, Member
from edge.record import Conditions, Measurement, Subject
from edge.spec import Architecture, BlockSpec, Row
from edge.table import Table, TableRow
from pipeline.verified import members_csv, merge, numbers, verify
from tests.pipeline.made_up import TARGET

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
BLOCK = BlockSpec("conv_k3", 4, 4, 8, 8)
TABLE = Table(TARGET, 1.0, {BLOCK.key: TableRow(0.5, 0.5, 0.5, 100, "clean", NOW.isoformat())})


def architecture(blocks):
    """`blocks` copies of the block: the table says 1 + blocks / 2 ms."""
    rows = tuple(Row(f"place {n}", BLOCK, searched=True) for n in range(blocks))
    return Architecture("toy", (4, 8, 8), 3, rows)


def member(name="m", blocks=1, budget_ms=None, holdout=0.5, test=0.4):
    return Member(
        name=name,
        architecture=architecture(blocks).to_dict(),
        holdout_accuracy=holdout,
        test_accuracy=test,
        macs=7,
        parameters=8,
        artifacts=(
            Artifact(path="m", sha256="0" * 64, size_bytes=9, format="onnx", precision="fp32"),
        ),
        budget_ms=budget_ms,
    )


def record(of, ms, verdict="clean", blocks=7, runs=100, reasons=(), role="member"):
    """Runs that all take `ms`, but for one in fifty that takes twice as long."""
    block = tuple(round((2 if n % 50 == 0 else 1) * ms * 1e6) for n in range(runs))
    subject = Subject(
        kind="network", name=of.name, sha256="0" * 64, role=role, architecture=of.architecture
    )
    return Measurement(
        subject=subject,
        target=TARGET,
        conditions=Conditions(wall_time=NOW.isoformat()),
        warmup_ns=(),
        samples_ns=(block,) * blocks,
        peak_memory_bytes=12,
        verdict=verdict,
        reasons=reasons,
    )


def calibrated(*records):
    networks = [(m.subject.read_architecture(), m) for m in records]
    return calibration.fit(TABLE, networks, now=NOW)


def verified(of, result, percentile=95, calibration=None):
    return verify(of, result, calibration or calibrated(), percentile)


def test_the_prediction_stands_beside_the_measurement():
    v = verified(member(blocks=2), record(member(blocks=2), 2.5))
    assert v.latency.predicted_ms == pytest.approx(1 + 2 * 0.5)
    assert v.latency.predicted_lo_ms < v.latency.predicted_ms < v.latency.predicted_hi_ms
    assert v.latency.median_ms == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("budget_ms", "percentile", "met"),
    [(None, 95, None), (2.1, 95, True), (1.9, 95, False), (2.1, 99, False), (4.1, 99, True)],
)
def test_a_budget_is_met_where_the_bound_of_its_percentile_is_within(budget_ms, percentile, met):
    one = member(budget_ms=budget_ms)
    v = verified(one, record(one, 2.0), percentile)
    assert v.member.budget_met is met
    assert (v.miss is None) == (met is not False)


def test_a_miss_says_what_is_proven():
    one = member(budget_ms=1.9)
    assert verified(one, record(one, 2.0)).miss == (
        "m misses its budget of 1.9 ms: p95 <= 2.000 ms is all that is proven"
    )


def test_a_budget_is_missed_where_too_few_runs_prove_nothing():
    one = member(budget_ms=100)
    v = verified(one, record(one, 2.0, blocks=3, runs=10))
    assert v.member.budget_met is False
    assert v.miss == ("m misses its budget of 100 ms: 30 runs bound no p95; raise verify.block_s")


def test_an_invalid_measurement_meets_no_budget_and_is_no_latency():
    one = member(budget_ms=100)
    v = verified(one, record(one, 2.0, "invalid", reasons=("the device throttled",)))
    assert v.member.budget_met is False
    assert "invalid" in v.miss
    assert v.latency is None
    assert v.doubt == "m: invalid: the device throttled"
    assert len(v.member.latencies) == 1  # it is kept, with its verdict


def test_a_suspect_measurement_counts_and_says_why_it_is_doubtful():
    one = member(budget_ms=100)
    v = verified(one, record(one, 2.0, "suspect", reasons=("runs vary by 11 %", "too few runs: 9")))
    assert v.member.budget_met is True
    assert v.doubt == "m: suspect: runs vary by 11 %; too few runs: 9"


@pytest.mark.parametrize("verdict", ["clean", "clean-unverified"])
def test_nothing_is_doubtful_about_a_usable_measurement(verdict):
    assert verified(member(), record(member(), 2.0, verdict)).doubt is None


def test_a_member_that_would_not_run_has_no_latency():
    one = member(budget_ms=100)
    v = verified(one, Failure(record(one, 1.0).subject, "crash", "SIGSEGV"))
    assert (v.latency, v.member.latencies, v.doubt) == (None, (), None)
    assert v.member.budget_met is False
    assert v.miss == "m misses its budget of 100 ms: it would not run"


LITERT = TARGET.model_copy(update={"runtime": "litert"})


def three():
    """Members of 1, 2 and 3 blocks, predicted to take 1.5, 2 and 2.5 ms; and one that fails."""
    small = member("small", 1, holdout=0.7, test=0.75, budget_ms=1.0)
    middle = member("middle", 2, holdout=0.8, test=0.72, budget_ms=9.0)
    large = member("large", 3, holdout=0.75, test=0.9)
    broken = member("broken", 4, holdout=0.99, test=0.99)
    return [
        verified(small, record(small, 1.25)),  # predicted 20 % too high
        verified(middle, record(middle, 2.5, "suspect")),  # 20 % too low
        verified(large, record(large, 2.0)),  # 25 % too high
        verified(broken, Failure(record(broken, 1.0).subject, "oom", "")),
    ]


def test_metrics_judge_predictions_and_name_best_and_fastest():
    found = numbers({TARGET: three()})
    counts = ["members", "failed", "doubtful", "budgets_met", "budgets_missed"]
    assert [found[name] for name in counts] == [4, 1, 1, 1, 1]
    assert [found["fastest_ms"], found["slowest_ms"]] == pytest.approx([1.25, 2.5])
    assert found["span"] == pytest.approx(2)
    assert found["predicted_members"] == 3
    assert found["prediction_error_percent"] == pytest.approx((20 + 20 + 25) / 3)
    assert found["prediction_spearman"] == pytest.approx(0.5)  # 1 - 6 (0 + 1 + 1) / (3 (9 - 1))
    assert (found["best_holdout_accuracy"], found["best_test_accuracy"]) == (0.8, 0.72)
    assert (found["fastest_holdout_accuracy"], found["fastest_test_accuracy"]) == (0.7, 0.75)


def test_a_network_that_the_calibration_knows_is_no_test_of_it():
    one = member(blocks=2)
    v = verified(one, record(one, 2.5), calibration=calibrated(record(one, 2.5)))
    assert not v.unseen
    found = numbers({TARGET: [v]})
    assert (found["predicted_members"], found["prediction_error_percent"]) == (0, None)


def test_metrics_of_nothing_measured_are_counts():
    broken = verified(member(), Failure(record(member(), 1.0).subject, "oom", ""))
    known = {
        name: number for name, number in numbers({TARGET: [broken]}).items() if number is not None
    }
    assert known == {
        "members": 1,
        "failed": 1,
        "rejected": 0,
        "doubtful": 0,
        "budgets_met": 0,
        "budgets_missed": 0,
        "predicted_members": 0,
    }


def test_a_rejected_file_has_no_record_and_meets_no_budget():
    v = verified(member(budget_ms=2.0), None)
    assert (v.latency, v.doubt, v.member.latencies) == (None, None, ())
    assert v.member.budget_met is False
    assert v.miss.endswith("its file was rejected; see export.max_drop_points")
    found = numbers({TARGET: [v]})
    assert (found["rejected"], found["failed"], found["budgets_missed"]) == (1, 0, 1)


def on(target, one, ms):
    """A member without a budget on a target that has no calibration."""
    result = record(one, ms).model_copy(update={"target": target})
    return verify(one.model_copy(update={"budget_ms": None}), result, None, 95)


def test_without_a_calibration_nothing_is_predicted():
    v = on(LITERT, member(), 2.0)
    assert (v.prediction, v.unseen, v.latency.predicted_ms) == (None, False, None)


def test_members_keep_their_latencies_on_all_targets_and_the_budgets_of_the_first():
    small, large = member("small", 1, budget_ms=1.0), member("large", 2, budget_ms=9.0)
    merged = merge(
        {
            TARGET: [verified(small, record(small, 1.25)), verified(large, record(large, 2.0))],
            LITERT: [on(LITERT, small, 0.5), on(LITERT, large, 3.0)],
        }
    )
    assert [one.name for one in merged] == ["small", "large"]
    assert [(one.budget_ms, one.budget_met) for one in merged] == [(1.0, False), (9.0, True)]
    assert [one.latency(TARGET).median_ms for one in merged] == pytest.approx([1.25, 2.0])
    assert [one.latency(LITERT).median_ms for one in merged] == pytest.approx([0.5, 3.0])


def test_metrics_of_further_targets_are_named_after_what_tells_them_apart():
    small, large = member("small", 1, budget_ms=1.0), member("large", 2, budget_ms=9.0)
    four = LITERT.model_copy(update={"threads": 4})
    found = numbers(
        {
            TARGET: [verified(small, record(small, 1.25)), verified(large, record(large, 2.0))],
            LITERT: [on(LITERT, small, 0.5), on(LITERT, large, 3.0)],
            four: [on(four, small, 0.25), on(four, large, 1.0)],
        }
    )
    assert (found["members"], found["budgets_met"], found["budgets_missed"]) == (2, 1, 1)
    assert (found["fastest_ms"], found["predicted_members"]) == (pytest.approx(1.25), 2)
    assert found["litert_1_threads_span"] == pytest.approx(6)
    assert found["litert_4_threads_slowest_ms"] == pytest.approx(1.0)
    assert found["litert_4_threads_failed"] == 0
    assert not [name for name in found if name.startswith("litert") and "predict" in name]
    assert numbers({TARGET: [], LITERT: []})["litert_failed"] == 0


def test_no_board_overwrites_the_metrics_of_another():
    small = member("small", 1)
    boards = [TARGET.model_copy(update={"device": f"board {n}"}) for n in (1, 2)]
    found = numbers({TARGET: [], **{one: [on(one, small, n)] for n, one in enumerate(boards, 1)}})
    assert found["onnxruntime_board_1_fastest_ms"] == pytest.approx(1.0)
    assert found["onnxruntime_board_2_fastest_ms"] == pytest.approx(2.0)


def test_the_plotted_table_has_a_row_per_measured_member_and_target():
    head, small, *others = members_csv([*three(), on(LITERT, member("m"), 2.0)]).splitlines()
    assert head == (
        "name,target,runtime,predicted_ms,measured_ms,lo_ms,hi_ms,p95_ms,"
        "holdout_accuracy,test_accuracy,size_bytes,macs,parameters"
    )
    assert small == f"small,{TARGET.id},onnxruntime,1.5,1.25,1.25,1.25,1.25,0.7,0.75,9,7,8"
    assert [row.split(",")[0] for row in others] == ["middle", "large", "m"]
    # It has no file for LiteRT, so that its size is unknown.
    assert others[-1] == f"m,{LITERT.id},litert,,2.0,2.0,2.0,2.0,0.5,0.4,,7,8"
