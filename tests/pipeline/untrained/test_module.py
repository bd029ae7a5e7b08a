from dataclasses import replace

import torch

from models.references import plain_cnn
from pipeline.formats import format_of
from pipeline.params import ExportParams
from pipeline.untrained import module
from pipeline.untrained.module import write_file

SHAPE = (1, 8, 8)


def kind(written):
    def write(net, shape, path, *_):
        written.append(torch.cat([p.detach().flatten() for p in net.parameters()]))
        path.write_text(f"{shape}")

    return replace(format_of("onnxruntime"), write=write)


def test_equal_names_have_equal_weights(tmp_path):
    written = []
    for name in ("one", "one", "other"):
        torch.manual_seed(len(written))  # the weights that a network is made with
        net = plain_cnn(1, 3, 2)
        path = tmp_path / f"{name}.onnx"
        write_file(net, kind(written), "fp32", SHAPE, path, ExportParams())
        assert path.read_text() == "(1, 8, 8)"
    assert torch.equal(written[0], written[1])
    assert not torch.equal(written[0], written[2])


def test_another_precision_is_made_of_the_fp32_file(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(module, "convert", lambda *given: asked.append(given[1:]))
    path = tmp_path / "net-4.onnx"
    write_file(plain_cnn(1, 3, 2), kind([]), "int8", SHAPE, path, ExportParams())
    assert asked == [("int8", tmp_path / "net-4.fp32.onnx", path, SHAPE)]
