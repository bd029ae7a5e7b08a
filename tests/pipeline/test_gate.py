import pytest

from edge.family import Artifact
from pipeline import gate


def file(precision="fp32", holdout=None, kind="onnx"):
    return Artifact(
        path=f"m.{precision}.{kind}",
        sha256="0" * 64,
        size_bytes=1,
        format=kind,
        precision=precision,
        holdout_accuracy=holdout,
    )


FP32 = file(holdout=0.92)


@pytest.mark.parametrize(
    ("holdout", "status"),
    [(0.93, "ok"), (0.92, "ok"), (0.91, "ok"), (0.9099, "rejected"), (None, "rejected")],
)
def test_a_file_may_lose_so_many_points_and_no_more(holdout, status):
    assert gate.judge(file("int8", holdout), FP32, 1.0).status == status


def test_a_drop_is_in_points_and_negative_for_a_gain():
    assert gate.drop_points(file("int8", 0.90), FP32) == pytest.approx(2.0)
    assert gate.drop_points(file("int8", 0.95), FP32) == pytest.approx(-3.0)
    assert gate.drop_points(file("int8", 0.90), file()) is None


def test_a_file_is_compared_with_the_fp32_file_of_its_format():
    files = [file(kind="tflite"), file("int8"), FP32]
    assert gate.original_of(files[1], files) == FP32
    assert gate.original_of(files[1], files[:2]) is None


def test_a_verdict_has_the_figure():
    assert gate.verdict(file("int8", 0.90), FP32) == (
        "the int8 file m.int8.onnx classifies 90.00 % of the hold-out images correctly, "
        "2.00 points fewer than fp32"
    )
    assert gate.verdict(file("int8"), FP32).endswith("was not run on the hold-out images")
