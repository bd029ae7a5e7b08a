from dataclasses import replace

import numpy as np
import onnx
import pytest

from edge.runtimes import get_runtime
from edge.spec import BlockSpec
from pipeline.formats import format_of
from pipeline.params import ExportParams
from pipeline.untrained import build_files, converted
from pipeline.untrained.converted import converted_path
from tests.pipeline.made_up import in_a_row

STEM = BlockSpec("conv_k3", 1, 4, 8, 8, stride=2)
BLOCK = BlockSpec("conv_k3", 4, 4, 4, 4)
MODELS = [in_a_row([BLOCK]), in_a_row([STEM, BLOCK]), in_a_row([BLOCK])]


def build(store, precision="int8"):
    return build_files(MODELS, "onnx", ExportParams(), 1, store, precision=precision)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store in which the models have been built as int8."""
    store = tmp_path_factory.mktemp("store")
    build(store)
    return store


def test_every_distinct_model_is_made_once_of_its_fp32_file(store, monkeypatch):
    monkeypatch.setattr(converted, "convert", lambda *_: pytest.fail("made again"))
    sources, paths = build(store, "fp32"), build(store)
    assert paths == [converted_path(source, "int8", store) for source in sources]
    assert paths[0] == paths[2] != paths[1]
    assert not set(paths) & set(sources)


def test_the_file_computes_in_int8_what_its_fp32_file_computes(store):
    source, path = (of[1] for of in (build(store, "fp32"), build(store)))
    operations = [node.op_type for node in onnx.load(path).graph.node]
    assert operations.count("QuantizeLinear") >= operations.count("Conv") == 2
    fp32, int8 = (get_runtime("onnxruntime").load(file, 1) for file in (source, path))
    feeds = fp32.feeds(0)
    expected, found = fp32.run(feeds)[0], int8.run(feeds)[0]
    assert np.abs(found - expected).max() < 0.1 * np.abs(expected).max()


def test_every_activation_has_a_range(store):
    """Else a scale would be zero, and the timed file one that no member is like."""
    graph = onnx.load(build(store)[1]).graph
    arrays = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    quantised = (node for node in graph.node if "quantize" in node.op_type.lower())
    scales = [arrays[node.input[1]].min() for node in quantised]
    assert len(scales) >= 4
    assert min(scales) > 1e-6


@pytest.mark.parametrize(
    ("runtime", "shape"), [("onnxruntime", (1, 4, 6, 5)), ("litert", (1, 6, 5, 4))]
)
def test_the_calibration_images_have_the_shape_of_the_first_block(runtime, shape, tmp_path):
    seen = []
    kind = replace(format_of(runtime), converters={"int8": lambda *of: seen.append(of)})
    converted.convert(kind, "int8", tmp_path / "a", tmp_path / "b", (4, 6, 5))
    ((source, path, images, metadata),) = seen
    assert (source, path, metadata) == (tmp_path / "a", tmp_path / "b", {})
    assert {image.shape for image in images} == {shape}
    assert len(images) == 8
