import pytest

from edge.family import Latency, Member
from pipeline.comparison import Comparison, best, fastest, numbers
from tests.pipeline.made_up import TARGET


def member(name, holdout, test, ms=None, verdict="clean"):
    latency = Latency(
        target=TARGET,
        median_ms=ms or 1,
        lo_ms=ms or 1,
        hi_ms=ms or 1,
        n=1,
        verdict=verdict,
        measured_at="2026-01-01",
    )
    return Member(
        name=name,
        architecture={},
        holdout_accuracy=holdout,
        test_accuracy=test,
        macs=1,
        parameters=1,
        latencies=() if ms is None else (latency,),
    )


SMALL = member("small", 0.81, 0.80, 0.5)
LARGE = member("large", 0.92, 0.90, 2.0)
RESNET = member("resnet8", 0.90, 0.91, 4.0)
CNN = member("plain-cnn", 0.75, 0.76, 0.5)


def test_points_are_hundredths_of_the_images():
    comparison = Comparison(LARGE, RESNET, TARGET)
    assert comparison.holdout_points == pytest.approx(2)
    assert comparison.test_points == pytest.approx(-1)
    assert comparison.latency_ratio == 0.5
    assert str(comparison) == (
        "large against resnet8: -1.00 points on the test images (+2.00 on the hold-out), "
        "0.50 times the latency"
    )
    assert comparison.to_dict()["reference"] == "resnet8"


def test_the_hold_out_decides_what_is_best():
    lucky = member("lucky", 0.91, 0.99, 3.0)
    assert best([SMALL, LARGE, lucky]).name == "large"


def test_the_fastest_is_among_those_that_were_measured():
    unmeasured, invalid = member("new", 0.9, 0.9), member("hot", 0.9, 0.9, 0.1, "invalid")
    assert fastest([LARGE, SMALL, unmeasured, invalid], TARGET).name == "small"
    assert fastest([unmeasured, invalid], TARGET) is None
    assert fastest([SMALL], TARGET.model_copy(update={"threads": 2})) is None


def test_metrics_name_the_reference():
    found = numbers([Comparison(LARGE, RESNET, TARGET), Comparison(SMALL, CNN, TARGET)])
    assert found["resnet8_test_accuracy"] == 0.91
    assert found["resnet8_ms"] == 4.0
    assert found["over_resnet8_test_points"] == pytest.approx(-1)
    assert found["over_plain_cnn_holdout_points"] == pytest.approx(6)
    assert found["over_plain_cnn_latency_ratio"] == 1
    assert len(found) == 12
