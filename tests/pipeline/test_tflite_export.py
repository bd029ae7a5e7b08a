import numpy as np
import pytest
import torch
from ai_edge_litert import schema_py_generated as schema
from torch import nn
from torch.nn import functional as F

from edge.runtimes import get_runtime
from edge.spec import BlockSpec
from models.blocks import build
from pipeline.exporter import INPUT_NAME, ExportError
from pipeline.seeds import generator
from pipeline.tflite_export import export_tflite, pack, read_metadata, unpack
from pipeline.untrained import randomise

METADATA = {"labels": '["Hemd", "Schuh für Füße"]', "dataset": "fashion-mnist"}
SHAPE = (3, 8, 6)


@pytest.fixture(scope="module")
def net():
    """Strided and padded, so that layouts and borders matter; BatchNorm is in training mode."""
    layers = [nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4), nn.ReLU()]
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5)]
    return randomise(nn.Sequential(*layers), torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def path(net, tmp_path_factory):
    path = tmp_path_factory.mktemp("tflite") / "net.tflite"
    export_tflite(net, SHAPE, path, metadata=METADATA)
    return path


def test_it_computes_what_the_module_computes_of_an_image_with_channels_last(net, path):
    session = get_runtime("litert").load(path, threads=1)
    (name,), (image,) = session.feeds(0), session.feeds(0).values()
    assert (name, image.shape) == ("image", (1, 8, 6, 3))
    (found,) = session.run({"image": image})
    with torch.no_grad():
        wanted = nn.Sequential(*net).eval()(torch.from_numpy(image).permute(0, 3, 1, 2))
    net.train()
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
    assert session.provider == "XNNPACK"


def test_it_says_what_it_was_told_to_say(path):
    assert read_metadata(path) == METADATA


def test_the_same_module_gives_the_same_bytes(net, path, tmp_path):
    export_tflite(net, SHAPE, tmp_path / "again.tflite", metadata=METADATA)
    assert (tmp_path / "again.tflite").read_bytes() == path.read_bytes()


def test_the_module_is_not_changed(net, path):
    assert net.training
    assert all(p.requires_grad for p in net.parameters())


def test_weights_are_aligned_and_only_the_borders_have_names(path):
    content = path.read_bytes()
    model = schema.ModelT.InitFromPackedBuf(content)
    weights = [b.data.tobytes() for b in model.buffers if b.data is not None and b.data.size > 64]
    assert weights
    assert [content.index(data) % 16 for data in weights] == [0] * len(weights)
    (graph,) = model.subgraphs
    assert sorted(t.name for t in graph.tensors if t.name) == [b"image", b"logits"]


class Refused(nn.Module):
    def forward(self, x):
        raise ValueError("no such layer\nand pages of advice")


def test_what_cannot_be_exported_is_one_line(tmp_path):
    with pytest.raises(ExportError, match=r"litert-torch cannot export odd\.tflite: ") as caught:
        export_tflite(Refused(), SHAPE, tmp_path / "odd.tflite")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "odd.tflite").exists()


@pytest.mark.parametrize("size", [(7, 7), (8, 8), (7, 8), (1, 7), (1, 1)])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("operation", ["avg_pool_bn_k3", "max_pool_bn_k3"])
def test_a_pool_of_any_size_is_one_of_the_runtime(tmp_path, operation, stride, size):
    net = randomise(build(BlockSpec(operation, 4, 4, *size, stride)), generator(0, "pool")).eval()
    path = tmp_path / "pool.tflite"
    export_tflite(net, (4, *size), path)
    x = torch.randn(1, 4, *size, generator=generator(0, "image"))
    session = get_runtime("litert").load(path, threads=1)
    (found,) = session.run({INPUT_NAME: x.permute(0, 2, 3, 1).contiguous().numpy()})
    torch.testing.assert_close(torch.from_numpy(found), net(x).detach(), rtol=1e-5, atol=1e-5)


class Composite(nn.Module):
    """A mean that the converter leaves to whoever reads the file."""

    def forward(self, x):
        return F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)


def test_what_is_no_operation_of_tflite_is_named(tmp_path):
    with pytest.raises(ExportError, match=r"odd\.tflite: .* no operation of TFLite of aten\.avg_p"):
        export_tflite(Composite(), (1, 7, 7), tmp_path / "odd.tflite")


def test_a_file_of_somebody_else_says_nothing(root):
    assert read_metadata(root / "tests/edge/data/conv.tflite") == {}


def test_equal_arrays_are_written_once_and_read_everywhere(path):
    model = unpack(path.read_bytes())
    (graph,) = model.subgraphs
    zeros = np.zeros(1000, np.int64)
    for tensor in graph.tensors:
        tensor.quantization = schema.QuantizationParametersT(zeroPoint=zeros)
    content = pack(model)
    assert len(graph.tensors) > 3
    assert zeros.nbytes < len(content) - path.stat().st_size < 2 * zeros.nbytes
    read = [tensor.quantization.zeroPoint for tensor in unpack(content).subgraphs[0].tensors]
    assert len(read) == len(graph.tensors)
    assert all((one == zeros).all() and len(one) == 1000 for one in read)
