import logging
import warnings

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from edge.spec import BlockSpec
from models.blocks import build
from models.network import chain
from pipeline.onnx_export import ExportError, export_onnx
from pipeline.untrained import randomise

SHAPE = (4, 6, 6)


@pytest.fixture(scope="module")
def module():
    """Two blocks in training mode, with every kind of layer that the exporter must fold."""
    block = BlockSpec("mbconv_k5_e3", 4, 4, 6, 6)
    return randomise(chain(block, 2), torch.Generator().manual_seed(0)).train()


@pytest.fixture(scope="module")
def exported(module, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "deep" / "model.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        export_onnx(module, SHAPE, path, metadata={"b": "2", "a": "1"})
    return path


def test_it_computes_what_the_module_computes_in_eval_mode(module, exported):
    x = torch.randn(1, *SHAPE, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        wanted = module.eval()(x).numpy()
    module.train()
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    (found,) = session.run(["logits"], {"image": x.numpy()})
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_the_module_stays_as_it_was(module, exported):
    assert module.training
    assert all(parameter.requires_grad for parameter in module.parameters())


def test_the_graph_is_what_a_device_gets(exported):
    model = onnx.load(exported)
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 20)]
    assert [(p.key, p.value) for p in model.metadata_props] == [("a", "1"), ("b", "2")]
    block = ["Conv", "Relu", "Conv", "Relu", "Conv", "Add"]  # BatchNorm is in the convolutions
    assert [node.op_type for node in model.graph.node] == block * 2
    assert all(len(node.input) == 3 for node in model.graph.node if node.op_type == "Conv")


def test_nothing_tells_of_the_machine_that_made_it(exported):
    content = exported.read_bytes()
    assert b".py" not in content
    assert b"site-packages" not in content
    weights = sum(array.ByteSize() for array in onnx.load(exported).graph.initializer)
    assert len(content) < weights + 6000  # 12 nodes; with their stack traces it is 20 kB


def test_the_same_module_gives_the_same_bytes(module, exported, tmp_path):
    export_onnx(nn.Conv2d(4, 2, 1), SHAPE, tmp_path / "another.onnx")
    export_onnx(module, SHAPE, tmp_path / "again.onnx", metadata={"a": "1", "b": "2"})
    assert (tmp_path / "again.onnx").read_bytes() == exported.read_bytes()


def test_an_opset_that_was_not_reached_is_an_error(tmp_path, capfd):
    head = build(BlockSpec("head_8", 4, 3, 6, 6))  # a mean over axes was another one before 18
    with pytest.raises(ExportError, match=r"m\.onnx has opset \{'': 18\}, not 17: choose another"):
        export_onnx(head, SHAPE, tmp_path / "m.onnx", opset=17)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("torch.onnx").level == logging.NOTSET


def test_what_pytorch_cannot_export_is_named(tmp_path):
    class Undecided(nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    with pytest.raises(ExportError, match=r"^PyTorch cannot export m\.onnx: [^\n]+$"):
        export_onnx(Undecided(), SHAPE, tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []
