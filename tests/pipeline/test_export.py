import json
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from edge import __version__
from edge.family import Family
from edge.spec import Architecture
from models.network import network
from pipeline import data, export, members, metrics, store
from pipeline.batches import Images
from pipeline.confusion import from_csv
from pipeline.dataset import DATASET_FILE
from pipeline.export import ParityError, WeightsError
from pipeline.formats import FileFormat, format_of
from pipeline.members import TRAINED_FILE, TrainedMember
from pipeline.params import Params
from pipeline.tflite_export import read_metadata
from pipeline.training import accuracy
from pipeline.untrained import randomise
from tests.pipeline.made_up import noise, small_space

ONNX = format_of("onnxruntime")
PARAMS = Params.model_validate(
    {
        "data": {"name": "npz", "path": "mine/shoes.npz"},
        "export": {
            "parity_images": 4,
            "precisions": ["fp32", "int8", "fp16"],
            "calibration_images": 8,
            "max_drop_points": 100,
            "licence": "CC-BY-4.0",
        },
    }
)
FILES = [("onnx", "fp32"), ("onnx", "int8"), ("tflite", "fp32"), ("tflite", "int8")]
FILES += [("tflite", "fp16")]  # there is none for ONNX Runtime


DATA = noise(classes=("T-shirt", "Hose", "Schuh für Füße"))
ARCHITECTURE = small_space("skip", "mbconv_k3_e3").architecture([1, 0])


def write_member(root, name="small"):
    """A member with random weights, as `retrain` leaves it; its network."""
    net = randomise(network(ARCHITECTURE), torch.Generator().manual_seed(0)).eval()
    store.save(root / TRAINED_FILE.parent / f"weights/{name}.pt", net.state_dict())
    member = TrainedMember(
        name=name,
        architecture=ARCHITECTURE.to_dict(),
        origin={"kappa": 0.3},
        budget_ms=1.5,
        holdout_accuracy=0.5,
        test_accuracy=accuracy(net, Images.test(DATA)),
        macs=100,
        parameters=10,
        weights=f"weights/{name}.pt",
        cpu_s=1.0,
    )
    members.write(root / TRAINED_FILE, [member])
    return net


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """(root, network) after the stage has run."""
    root = tmp_path_factory.mktemp("export")
    (root / DATASET_FILE).parent.mkdir(parents=True)
    (root / DATASET_FILE).write_bytes(data.to_npz(DATA))
    net = write_member(root)
    export.run(PARAMS, root)
    return root, net


def test_the_family_describes_the_files(exported):
    root, net = exported
    family = Family.load(root / export.FOLDER)
    family.verify()
    (member,) = family.manifest.members
    assert [(a.format, a.precision) for a in member.artifacts] == FILES
    onnx_file, tflite_file = (a for a in member.artifacts if a.precision == "fp32")
    assert (member.name, member.budget_ms, member.budget_met) == ("small", 1.5, None)
    assert member.origin == {"kappa": 0.3}
    assert member.latencies == ()
    assert member.read_architecture() == ARCHITECTURE
    assert (onnx_file.path, onnx_file.format) == ("small.onnx", "onnx")
    assert (tflite_file.path, tflite_file.format) == ("small.tflite", "tflite")
    for artifact in (onnx_file, tflite_file):
        assert artifact.test_accuracy == accuracy(net, Images.test(DATA))
        assert artifact.holdout_accuracy == accuracy(net, Images.part(DATA, DATA.holdout))
        assert 0 < artifact.max_relative_error < 1e-5
    manifest = family.manifest
    assert manifest.licence == "CC-BY-4.0"
    assert (manifest.dataset, manifest.input_shape) == ("shoes", (1, 8, 8))
    assert manifest.mean == pytest.approx(DATA.mean.tolist())
    assert manifest.created is None  # the same members give the same bytes


def test_lower_precisions_are_made_of_the_same_network(exported):
    root, _ = exported
    (member,) = Family.load(root / export.FOLDER).manifest.members
    onnx_int8, tflite_int8, tflite_fp16 = (a for a in member.artifacts if a.precision != "fp32")
    assert [a.path for a in (onnx_int8, tflite_int8, tflite_fp16)] == [
        *("small.int8.onnx", "small.int8.tflite", "small.fp16.tflite")
    ]
    # A step of int8 is 1/256 of a range; there are four layers between image and logits.
    assert 1e-4 < onnx_int8.max_relative_error < 0.1
    assert 1e-4 < tflite_int8.max_relative_error < 0.1
    assert 1e-6 < tflite_fp16.max_relative_error < 2e-3  # a step of fp16 is 1/2048
    for artifact in (onnx_int8, tflite_int8, tflite_fp16):
        assert artifact.status == "ok"
        assert artifact.holdout_accuracy is not None
        facts = facts_of(root / export.FOLDER / artifact.path)
        assert facts["precision"] == artifact.precision
        assert json.loads(facts["input"])["dtype"] == "float32"


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
    params = PARAMS.export.model_copy(update={"max_drop_points": allowed})
    fp32, int8 = export.export_model(
        *("small", Labels(), kind, ["fp32", "int8"], tmp_path, DATA, params, {})
    )
    assert (fp32.holdout_accuracy, fp32.status) == (1.0, "ok")
    assert (int8.holdout_accuracy, int8.status) == (0.5, status)  # 3 of 6 images
    assert int8.max_relative_error == 1.0  # which is no reason to reject it


def test_what_is_rejected_is_said_and_counted(exported, capsys):
    root, _ = exported
    (member,) = Family.load(root / export.FOLDER).manifest.members
    figures = [(0.9, 1000, "ok"), (0.85, 300, "rejected")]
    names = ("holdout_accuracy", "size_bytes", "status")
    fp32, int8 = (
        artifact.model_copy(update=dict(zip(names, of, strict=True)))
        for artifact, of in zip(member.artifacts[:2], figures, strict=True)
    )
    members_ = [member.model_copy(update={"artifacts": (fp32, int8)})]
    found = export.summarise(members_)
    assert found["int8_onnx_rejected"] == 1
    assert found["int8_onnx_max_drop_points"] == pytest.approx(5.0)
    assert found["int8_onnx_max_size_ratio"] == pytest.approx(0.3)
    export._tell(members_)
    said = " ".join(capsys.readouterr().err.split())
    assert "small: rejected: the int8 file small.int8.onnx classifies 85.00 %" in said


def facts_of(path):
    if path.suffix == ".tflite":
        return read_metadata(path)
    return {prop.key: prop.value for prop in onnx.load(path).metadata_props}


@pytest.mark.parametrize(
    ("name", "layout", "shape"),
    [("small.onnx", "NCHW", [1, 1, 8, 8]), ("small.tflite", "NHWC", [1, 8, 8, 1])],
)
def test_a_file_says_how_to_use_it(exported, name, layout, shape):
    root, _ = exported
    facts = facts_of(root / export.FOLDER / name)
    assert Architecture.from_dict(json.loads(facts["architecture"])) == ARCHITECTURE
    assert json.loads(facts["input"]) == {
        "name": "image",
        "shape": shape,
        "layout": layout,
        "dtype": "float32",
    }
    normalisation = json.loads(facts["normalisation"])
    assert normalisation["formula"] == "(pixel / 255 - mean) / std"
    assert normalisation["std"] == DATA.std.tolist()
    assert json.loads(facts["labels"]) == ["T-shirt", "Hose", "Schuh für Füße"]
    assert facts["dataset"] == "shoes"
    assert facts["edgefacet_version"] == __version__


def test_metrics_are_flat_numbers(exported):
    root, _ = exported
    found = metrics.read("export", root)
    sizes = [path.stat().st_size for path in (root / export.FOLDER).glob("small.*")]
    assert len(sizes) == len(FILES)
    assert found["members"] == 1
    assert found["int8_onnx_rejected"] == found["int8_tflite_rejected"] == 0
    fp16, fp32 = ((root / export.FOLDER / f"small{x}.tflite").stat().st_size for x in (".fp16", ""))
    assert found["fp16_tflite_max_size_ratio"] == fp16 / fp32
    assert (found["smallest_bytes"], found["largest_bytes"]) == (min(sizes), max(sizes))
    assert found["max_test_accuracy_difference"] == 0


def test_the_same_members_give_the_same_bytes(exported):
    root, _ = exported
    before = contents(root / export.FOLDER)
    lower = {"small.int8.onnx", "small.int8.tflite", "small.fp16.tflite"}
    others = {"family.json", "cards/small.confusion.csv"}
    assert set(before) == {"small.onnx", "small.tflite"} | lower | others
    export.run(PARAMS, root)
    assert contents(root / export.FOLDER) == before


def contents(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_the_confusions_are_those_of_the_test_images(exported):
    root, _ = exported
    (member,) = Family.load(root / export.FOLDER).manifest.members
    text = (root / export.FOLDER / member.confusion).read_text(encoding="utf-8")
    assert text.splitlines()[0] == "images of,T-shirt,Hose,Schuh für Füße"
    counts = from_csv(text)
    assert counts.sum(axis=1).tolist() == np.bincount(DATA.test_y, minlength=3).tolist()
    assert counts.trace() / 30 == pytest.approx(member.test_accuracy)


class Doubled(nn.Module):
    """A network whose logits are twice those of another."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return 2 * self.net(x)


def test_parity_is_relative_to_the_largest_logit(exported):
    root, net = exported
    images = Images.test(DATA)
    # The file has half the logits of the doubled network.
    error = export.parity(Doubled(net), ONNX, root / export.FOLDER / "small.onnx", images)
    assert error == pytest.approx(0.5, rel=1e-4)


@pytest.mark.parametrize("error", [0.3, float("nan")])
def test_a_file_that_computes_something_else_is_refused(tmp_path, monkeypatch, error):
    kind = replace(ONNX, write=lambda _net, _shape, path, *_: path.write_text("x"))
    monkeypatch.setattr(export, "parity", lambda *_: error)
    monkeypatch.setattr(export, "file_accuracy", lambda *_: 0.5)
    with pytest.raises(ParityError, match=r"member 'small': the logits of .*small\.onnx"):
        export.export_model(
            *("small", nn.Identity(), kind, ["fp32"], tmp_path, DATA, PARAMS.export, {})
        )


def test_a_diverged_network_and_not_the_exporter_is_blamed(tmp_path):
    net = network(ARCHITECTURE)
    for parameter in net.parameters():
        nn.init.constant_(parameter, torch.nan)
    with pytest.raises(WeightsError, match=r"member 'small': .* no numbers.*lower retrain\.lr"):
        export.export_model(
            *("small", net, ONNX, ["fp32"], tmp_path, DATA, PARAMS.export, {}),
        )


def test_only_members_of_the_list_are_exported(exported, tmp_path):
    members.write(tmp_path / TRAINED_FILE, [])
    root, _ = exported
    (tmp_path / DATASET_FILE).parent.mkdir(parents=True)
    (tmp_path / DATASET_FILE).symlink_to(root / DATASET_FILE)
    (tmp_path / "results/retrain/weights").mkdir(parents=True)
    (tmp_path / "results/retrain/weights/old.pt").touch()
    export.run(PARAMS, tmp_path)
    assert Family.load(tmp_path / export.FOLDER).manifest.members == ()


def test_weights_that_are_missing_or_of_another_network_name_the_member(tmp_path):
    write_member(tmp_path, "odd")
    folder = (tmp_path / TRAINED_FILE).parent
    (member,) = members.read_trained(tmp_path / TRAINED_FILE)
    store.save(folder / member.weights, {"0.weight": torch.zeros(1)})
    with pytest.raises(WeightsError, match=r"does not fit member 'odd'; .*dvc repro -sf retrain"):
        export.load_network(member, folder)
    (folder / member.weights).write_bytes(b"cut")
    with pytest.raises(WeightsError, match="does not fit member 'odd'"):
        export.load_network(member, folder)
    (folder / member.weights).unlink()
    with pytest.raises(WeightsError, match="member 'odd', does not exist"):
        export.load_network(member, folder)
