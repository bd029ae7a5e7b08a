import pytest

from edge.family import Artifact, Member
from pipeline.export_summary import summarise, tell
from tests.pipeline.made_up import small_space


def artifact(path, precision, accuracy, size_bytes, status="ok"):
    return Artifact(
        path=path,
        sha256="0" * 64,
        size_bytes=size_bytes,
        format="onnx",
        precision=precision,
        holdout_accuracy=accuracy,
        status=status,
    )


MEMBER = Member(
    name="small",
    architecture=small_space("skip", "mbconv_k3_e3").architecture([1, 0]).to_dict(),
    holdout_accuracy=0.9,
    test_accuracy=0.9,
    macs=1,
    parameters=1,
    artifacts=(
        artifact("small.onnx", "fp32", 0.9, 1000),
        artifact("small.int8.onnx", "int8", 0.85, 300, "rejected"),
    ),
)


def test_what_is_rejected_is_counted():
    found = summarise([MEMBER])
    assert found["int8_onnx_rejected"] == 1
    assert found["int8_onnx_max_drop_points"] == pytest.approx(5.0)
    assert found["int8_onnx_max_size_ratio"] == pytest.approx(0.3)
    assert (found["smallest_bytes"], found["largest_bytes"]) == (300, 1000)


def test_what_is_rejected_is_said(capsys):
    tell([MEMBER])
    said = " ".join(capsys.readouterr().err.split())
    assert "small: rejected: the int8 file small.int8.onnx classifies 85.00 %" in said
