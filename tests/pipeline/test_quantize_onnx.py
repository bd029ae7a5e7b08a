import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from edge.runtimes import get_runtime
from pipeline.exporter import ExportError
from pipeline.onnx_export import export_onnx
from pipeline.quantize_onnx import quantize_onnx
from tests.pipeline.hand_quantised import hand_quantised


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """(fp32 file, int8 file, image)."""
    folder = tmp_path_factory.mktemp("onnx")
    net, image = hand_quantised()
    export_onnx(net, (1, 2, 2), folder / "fp32.onnx", metadata={"precision": "fp32"})
    quantize_onnx(folder / "fp32.onnx", folder / "int8.onnx", [image], {"precision": "int8"})
    return folder / "fp32.onnx", folder / "int8.onnx", image


def constants(path, operation):
    """(values, scale, zero point) of the inputs of every QuantizeLinear or DequantizeLinear: values
    are None of those that are computed."""
    graph = onnx.load(path).graph
    arrays = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    nodes = [node for node in graph.node if node.op_type == operation]
    return [[arrays.get(name) for name in node.input] for node in nodes]


def test_weights_have_seven_bits_and_a_scale_per_channel(files):
    weights = [of for of in constants(files[1], "DequantizeLinear") if of[0] is not None]
    (conv, scale, _), (linear, *_) = [of for of in weights if of[0].dtype == np.int8]
    np.testing.assert_allclose(scale, [0.5 / 64, 1.27 / 64], rtol=1e-6)
    assert conv.ravel().tolist() == [64, -64]
    assert np.abs(linear).max() == 64


def test_activations_are_unsigned_with_the_range_of_the_calibration_images(files):
    (_, image, zero), (_, relu, relu_zero) = constants(files[1], "QuantizeLinear")[:2]
    assert zero.dtype == np.uint8
    assert image == pytest.approx(5.1 / 255)
    assert relu == pytest.approx(4 / 255)
    assert zero == relu_zero == 0


def test_the_file_is_called_as_before_and_says_what_it_is_told(files):
    fp32, int8, image = files
    before, after = (get_runtime("onnxruntime").load(path, 1) for path in (fp32, int8))
    assert before.feeds(0)["image"].dtype == after.feeds(0)["image"].dtype == np.float32
    np.testing.assert_allclose(
        after.run({"image": image})[0], before.run({"image": image})[0], atol=9.155 / 255
    )
    model = onnx.load(int8)
    assert {one.key: one.value for one in model.metadata_props} == {"precision": "int8"}
    assert [(one.domain, one.version) for one in model.opset_import] == [("", 20)]


def test_the_same_file_and_images_give_the_same_bytes(files, tmp_path):
    fp32, int8, image = files
    quantize_onnx(fp32, tmp_path / "again.onnx", [image], {"precision": "int8"})
    assert (tmp_path / "again.onnx").read_bytes() == int8.read_bytes()


def test_what_cannot_be_quantised_is_an_export_error_and_writes_nothing(tmp_path):
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    with pytest.raises(ExportError, match=r"cannot quantise broken\.onnx: "):
        quantize_onnx(tmp_path / "broken.onnx", tmp_path / "int8.onnx", [])
    assert not (tmp_path / "int8.onnx").exists()
