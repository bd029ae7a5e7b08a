from dataclasses import replace

import pytest
import torch
from torch import nn

from models.network import network
from pipeline import model_files
from pipeline.batches import Images
from pipeline.formats import FileFormat, format_of
from pipeline.model_files import ParityError
from pipeline.params import ExportParams
from pipeline.trained import WeightsError
from pipeline.untrained import randomise
from tests.pipeline.made_up import noise, small_space

ONNX = format_of("onnxruntime")
PARAMS = ExportParams(parity_images=4, calibration_images=8, max_drop_points=100)
DATA = noise(classes=("a", "b", "c"))
ARCHITECTURE = small_space("skip", "mbconv_k3_e3").architecture([1, 0])


def fixed_logits(_kind, path, images):
    """Right for every image, or for every second one if the file is int8."""
    right = torch.nn.functional.one_hot(images.labels, 3).float()
    if "int8" in path.name:
        right[::2] = 1 - right[::2]
    return right


class Labels(nn.Module):
    """What `fixed_logits` are of the hold-out images that parity asks about."""

    def forward(self, x):
        _, labels = Images.part(DATA, DATA.holdout).take(slice(0, len(x)))
        return torch.nn.functional.one_hot(labels, 3).float()


@pytest.mark.parametrize(("allowed", "status"), [(50.0, "ok"), (49.9, "rejected")])
def test_the_gate_is_the_hold_out_accuracy(tmp_path, monkeypatch, allowed, status):
    monkeypatch.setattr(FileFormat, "logits", fixed_logits)
    kind = replace(
        ONNX,
        write=lambda _net, _shape, path, *_: path.write_text("fp32"),
        converters={"int8": lambda _source, path, *_: path.write_text("int8")},
    )
    params = PARAMS.model_copy(update={"max_drop_points": allowed})
    fp32, int8 = model_files.export_model(
        *("small", Labels(), kind, ["fp32", "int8"], tmp_path, DATA, params, {})
    )
    assert (fp32.holdout_accuracy, fp32.status) == (1.0, "ok")
    assert (int8.holdout_accuracy, int8.status) == (0.5, status)  # 3 of 6 images
    assert int8.max_relative_error == 1.0  # which is no reason to reject it


class Doubled(nn.Module):
    """A network whose logits are twice those of another."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return 2 * self.net(x)


def test_parity_is_relative_to_the_largest_logit(tmp_path):
    net = randomise(network(ARCHITECTURE), torch.Generator().manual_seed(0)).eval()
    path = tmp_path / "small.onnx"
    ONNX.write(net, DATA.input_shape, path, PARAMS, {})
    # The file has half the logits of the doubled network.
    error = model_files.parity(Doubled(net), ONNX, path, Images.test(DATA))
    assert error == pytest.approx(0.5, rel=1e-4)


@pytest.mark.parametrize("error", [0.3, float("nan")])
def test_a_file_that_computes_something_else_is_refused(tmp_path, monkeypatch, error):
    kind = replace(ONNX, write=lambda _net, _shape, path, *_: path.write_text("x"))
    monkeypatch.setattr(model_files, "parity", lambda *_: error)
    monkeypatch.setattr(model_files, "file_accuracy", lambda *_: 0.5)
    with pytest.raises(ParityError, match=r"member 'small': the logits of .*small\.onnx"):
        model_files.export_model(
            *("small", nn.Identity(), kind, ["fp32"], tmp_path, DATA, PARAMS, {})
        )


def test_a_diverged_network_and_not_the_exporter_is_blamed(tmp_path):
    net = network(ARCHITECTURE)
    for parameter in net.parameters():
        nn.init.constant_(parameter, torch.nan)
    with pytest.raises(WeightsError, match=r"member 'small': .* no numbers.*lower retrain\.lr"):
        model_files.export_model(
            *("small", net, ONNX, ["fp32"], tmp_path, DATA, PARAMS, {}),
        )
