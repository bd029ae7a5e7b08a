import json
import shutil
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch

from edge import __version__
from edge.family import Family
from edge.spec import Architecture
from models.network import network
from pipeline import data, export, members, metrics, store
from pipeline.batches import Images
from pipeline.confusion import from_csv
from pipeline.dataset import DATASET_FILE
from pipeline.formats import format_of
from pipeline.members import TRAINED_FILE
from pipeline.params import Params
from pipeline.tflite_export import read_metadata
from pipeline.training import accuracy
from pipeline.untrained import randomise
from tests.pipeline.made_up import noise, small_space, trained_member

TFLITE = format_of("litert")
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
ONLY_ONNX = Params.model_validate(
    {"targets": [{"runtime": "onnxruntime"}], "export": {"parity_images": 4}}
)
FILES = [("onnx", "fp32"), ("onnx", "int8"), ("tflite", "fp32"), ("tflite", "int8")]
FILES += [("tflite", "fp16")]  # there is none for ONNX Runtime


DATA = noise(classes=("T-shirt", "Hose", "Schuh für Füße"))
ARCHITECTURE = small_space("skip", "mbconv_k3_e3").architecture([1, 0])


class Killed(BaseException):
    pass


def write_data(root, dataset=DATA):
    (root / DATASET_FILE).parent.mkdir(parents=True, exist_ok=True)
    (root / DATASET_FILE).write_bytes(data.to_npz(dataset))


def write_member(root, name="small", seed=0):
    """A member with random weights, as `retrain` leaves it; its network."""
    net = randomise(network(ARCHITECTURE), torch.Generator().manual_seed(seed)).eval()
    store.save(root / TRAINED_FILE.parent / f"weights/{name}.pt", net.state_dict())
    judged = accuracy(net, Images.test(DATA))
    member = trained_member(name, ARCHITECTURE, budget_ms=1.5, test_accuracy=judged)
    members.write(root / TRAINED_FILE, [member])
    return net


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """(root, network) after the stage has run."""
    root = tmp_path_factory.mktemp("export")
    write_data(root)
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


def test_a_second_run_makes_no_file(exported, monkeypatch):
    root, _ = exported
    before = contents(root / export.FOLDER)
    shutil.rmtree(root / export.FOLDER)  # as DVC does
    monkeypatch.setattr(export, "export_model", lambda *_: pytest.fail("made"))
    export.run(PARAMS, root)
    assert contents(root / export.FOLDER) == before


@pytest.fixture
def made(monkeypatch):
    """The names of the formats of which files are made, in order."""
    formats, make = [], export.export_model

    def noted(name, net, kind, *others):
        formats.append(kind.name)
        return make(name, net, kind, *others)

    monkeypatch.setattr(export, "export_model", noted)
    return formats


def test_a_killed_run_goes_on_after_the_last_finished_format(tmp_path, monkeypatch, made):
    write_data(tmp_path)
    write_member(tmp_path)
    with monkeypatch.context() as killed:
        killed.setitem(TFLITE.converters, "int8", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            export.run(PARAMS, tmp_path)
    assert made == ["onnx", "tflite"]
    export.run(PARAMS, tmp_path)
    assert made == ["onnx", "tflite", "tflite"]
    Family.load(tmp_path / export.FOLDER)  # whose files are all there, and whole


@pytest.mark.parametrize("changed", ["weights", "setting", "data"])
def test_files_of_other_weights_settings_or_images_are_made_anew(tmp_path, made, changed):
    params = ONLY_ONNX
    write_data(tmp_path)
    write_member(tmp_path)
    export.run(params, tmp_path)
    if changed == "weights":
        write_member(tmp_path, seed=1)
    elif changed == "data":
        write_data(tmp_path, replace(DATA, test_y=(DATA.test_y + 1) % 3))
    else:
        update = {"export": params.export.model_copy(update={"opset": 21})}
        params = params.model_copy(update=update)
    export.run(params, tmp_path)
    assert made == ["onnx", "onnx"]


def test_a_licence_is_no_part_of_the_files(tmp_path, made):
    write_data(tmp_path)
    write_member(tmp_path)
    for licence in (None, "MIT"):
        update = {"export": ONLY_ONNX.export.model_copy(update={"licence": licence})}
        export.run(ONLY_ONNX.model_copy(update=update), tmp_path)
    assert made == ["onnx"]
    assert Family.load(tmp_path / export.FOLDER).manifest.licence == "MIT"


def test_the_confusions_are_those_of_the_test_images(exported):
    root, _ = exported
    (member,) = Family.load(root / export.FOLDER).manifest.members
    text = (root / export.FOLDER / member.confusion).read_text(encoding="utf-8")
    assert text.splitlines()[0] == "images of,T-shirt,Hose,Schuh für Füße"
    counts = from_csv(text)
    assert counts.sum(axis=1).tolist() == np.bincount(DATA.test_y, minlength=3).tolist()
    assert counts.trace() / 30 == pytest.approx(member.test_accuracy)


def test_only_members_of_the_list_are_exported(exported, tmp_path):
    members.write(tmp_path / TRAINED_FILE, [])
    root, _ = exported
    (tmp_path / DATASET_FILE).parent.mkdir(parents=True)
    (tmp_path / DATASET_FILE).symlink_to(root / DATASET_FILE)
    (tmp_path / "results/retrain/weights").mkdir(parents=True)
    (tmp_path / "results/retrain/weights/old.pt").touch()
    export.run(PARAMS, tmp_path)
    assert Family.load(tmp_path / export.FOLDER).manifest.members == ()
