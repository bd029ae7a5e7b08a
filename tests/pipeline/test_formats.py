import numpy as np
import pytest
import torch

from edge.family import FORMATS
from edge.runtimes import get_runtime
from pipeline import formats
from pipeline.batches import Images
from pipeline.exporter import ExportError
from pipeline.formats import files_of, format_named, format_of, precision_of
from pipeline.params import TargetParams
from pipeline.sections.target import PRECISIONS
from tests.pipeline.made_up import TARGET


def test_each_format_is_exported_once_in_the_order_of_the_targets():
    targets = [("litert", 1), ("onnxruntime", 1), ("litert", 4)]
    wanted = files_of(
        (TargetParams(runtime=runtime, threads=n) for runtime, n in targets), ["fp32"]
    )
    assert [(kind.name, of) for kind, of in wanted] == [("tflite", ["fp32"]), ("onnx", ["fp32"])]


@pytest.mark.parametrize(
    ("precisions", "onnx", "tflite"),
    [
        (["fp32"], ["fp32", "int8"], ["fp32"]),  # int8: a target names it
        (["int8", "fp32"], ["fp32", "int8"], ["fp32", "int8"]),
        (["fp32", "fp16"], ["fp32", "int8"], ["fp32", "fp16"]),  # which ONNX files do not have
    ],
)
def test_a_format_has_the_precisions_that_are_asked_for_fp32_first(precisions, onnx, tflite):
    targets = [TargetParams(precision="int8"), TargetParams(runtime="litert")]
    assert [of for _, of in files_of(targets, precisions)] == [onnx, tflite]


@pytest.mark.parametrize(("precision", "name"), [("fp32", "a.1.onnx"), ("int8", "a.1.int8.onnx")])
def test_a_file_is_named_by_its_precision_unless_it_is_fp32(precision, name):
    assert format_named("onnx").file_name("a.1", precision) == name


def test_a_target_says_what_its_files_are_stored_in():
    fp16 = TARGET.model_copy(update={"precision": "fp16"})
    assert precision_of(TARGET) == "fp32"
    assert precision_of(fp16.model_copy(update={"runtime": "litert"})) == "fp16"
    with pytest.raises(ExportError, match="no fp16 files for onnxruntime: name another"):
        precision_of(fp16)


@pytest.mark.parametrize("runtime", FORMATS)
def test_a_format_is_named_by_the_suffix_that_its_runtime_reads(runtime):
    kind = format_of(runtime)
    assert f".{kind.name}" == get_runtime(runtime).suffix
    assert kind.runtime == runtime


@pytest.mark.parametrize("runtime", FORMATS)
def test_every_precision_is_written_or_made(runtime):
    assert set(PRECISIONS[runtime]) == {"fp32", *format_of(runtime).converters}


def test_the_shape_of_the_input_follows_the_layout():
    assert format_of("onnxruntime").shape((3, 32, 24)) == (1, 3, 32, 24)
    assert format_of("litert").shape((3, 32, 24)) == (1, 32, 24, 3)


class Echo:
    """A runtime, and its session: the logits are the pixels of the image, in its layout."""

    def load(self, _path, threads):
        assert threads == 1
        return self

    def run(self, feeds):
        return [feeds["image"].reshape(1, -1)]


@pytest.mark.parametrize(
    ("runtime", "order"), [("onnxruntime", [0, 1, 2, 3]), ("litert", [0, 2, 1, 3])]
)
def test_every_image_is_fed_in_the_layout_of_the_file(monkeypatch, tmp_path, runtime, order):
    monkeypatch.setattr(formats, "get_runtime", lambda name: Echo())
    pixels = torch.tensor([[0, 51, 102, 153], [51, 51, 51, 51]], dtype=torch.uint8)
    images = Images(
        pixels.reshape(2, 2, 1, 2),  # two channels of one row of two pixels
        torch.zeros(2, dtype=torch.long),
        torch.zeros(1, 2, 1, 1),
        torch.ones(1, 2, 1, 1),
    )
    logits = format_of(runtime).logits(tmp_path, images)
    wanted = np.array([[0, 0.2, 0.4, 0.6], [0.2, 0.2, 0.2, 0.2]], np.float32)[:, order]
    np.testing.assert_allclose(logits, wanted, rtol=1e-6)
