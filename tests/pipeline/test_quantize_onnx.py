import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper
from torch import nn

from edge.runtimes import get_runtime
from models.network import network
from pipeline.exporter import ExportError
from pipeline.onnx_export import export_onnx
from pipeline.quantize_onnx import quantize_onnx
from pipeline.untrained import randomise
from tests.pipeline.hand_quantised import hand_quantised
from tests.pipeline.made_up import small_benchmark, small_cells, small_space


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


def quantised(net, shape, folder):
    """(fp32 file, int8 file, calibration images) of the network."""
    images = [*np.random.default_rng(0).normal(size=(8, 1, *shape)).astype(np.float32)]
    export_onnx(net, shape, folder / "fp32.onnx")
    quantize_onnx(folder / "fp32.onnx", folder / "int8.onnx", images)
    return folder / "fp32.onnx", folder / "int8.onnx", images


def operations_run(path, folder):
    """The types of what ONNX Runtime makes of the file before it runs it."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(folder / "optimised.onnx")
    options.log_severity_level = 3  # it warns of files that are made for one machine
    onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return [node.op_type for node in onnx.load(folder / "optimised.onnx").graph.node]


INT8 = {"QLinearConv", "QLinearAdd", "QLinearConcat", "QLinearAveragePool", "QGemm"}
INT8 |= {"QLinearGlobalAveragePool", "NhwcMaxPool", "QuantizeLinear", "DequantizeLinear"}
MOVES = {"Transpose", "Reshape"}  # of int8 values


@pytest.mark.parametrize(
    ("space", "choices"),
    [
        (small_space("skip", "mbconv_k3_e3"), [1, 1]),
        (small_cells("avg_pool_bn_k3", "max_pool_bn_k3", input_shape=(1, 9, 9)), [0, 1] * 5),
        (small_benchmark("avg_pool_k3", "relu_conv_k3"), [0, 1] * 3),
    ],
)
def test_nothing_but_the_borders_is_computed_in_float(tmp_path, space, choices):
    net = network(space.architecture(choices[: len(space.decisions)]))
    randomise(net, torch.Generator().manual_seed(0)).eval()
    _, int8, _ = quantised(net, space.input_shape, tmp_path)
    assert set(operations_run(int8, tmp_path)) <= INT8 | MOVES


class Means(nn.Module):
    """Means over height and width, over one of them, and over both where they go."""

    def forward(self, x):
        both = x.mean((2, 3), keepdim=True).flatten(1)
        return both + x.mean(3, keepdim=True).mean((2, 3)) + x.mean((-1, -2))


def test_a_mean_over_the_whole_image_is_a_pool_and_no_other_is(tmp_path):
    fp32, int8, images = quantised(Means(), (2, 3, 3), tmp_path)
    kept = [node.op_type for node in onnx.load(fp32).graph.node].count("ReduceMean")
    operations = [node.op_type for node in onnx.load(int8).graph.node]
    assert operations.count("GlobalAveragePool") == 1
    assert operations.count("ReduceMean") == kept - 1
    near(fp32, int8, images, 0.05)


def near(fp32, int8, images, tolerance):
    before, after = (get_runtime("onnxruntime").load(path, 1) for path in (fp32, int8))
    for image in images:
        expected = before.run({"image": image})[0]
        np.testing.assert_allclose(after.run({"image": image})[0], expected, atol=tolerance)


def test_a_lone_batch_norm_is_a_depthwise_convolution_that_computes_the_same(tmp_path):
    """Channel 0 becomes 3 (x - 1) / 2 + 5, channel 1 -x / 4 and channel 2 the constant 7."""
    norm = nn.BatchNorm2d(3, eps=0.5)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([3.0, -1.0, 0.0]))
        norm.bias.copy_(torch.tensor([5.0, 0.0, 7.0]))
        norm.running_mean.copy_(torch.tensor([1.0, 0.0, 2.0]))
        norm.running_var.copy_(torch.tensor([3.5, 15.5, 0.5]))
    net = nn.Sequential(nn.MaxPool2d(1), norm, nn.MaxPool2d(1)).eval()
    fp32, int8, images = quantised(net, (3, 4, 4), tmp_path)
    assert "BatchNormalization" in [node.op_type for node in onnx.load(fp32).graph.node]
    (conv,) = [node for node in onnx.load(int8).graph.node if node.op_type == "Conv"]
    assert {one.name: one.i for one in conv.attribute}["group"] == 3
    near(fp32, int8, images, 0.1)
    graph = onnx.load(int8).graph
    assert {one.name for one in graph.initializer} <= {x for node in graph.node for x in node.input}
