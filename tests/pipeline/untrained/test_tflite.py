import shutil
from pathlib import Path

import pytest

from edge.spec import BlockSpec
from pipeline.params import ExportParams
from pipeline.untrained import build_files, tflite
from pipeline.untrained.tflite import model_path
from tests.pipeline.made_up import in_a_row

SMALL = Path(__file__).parents[2] / "edge/data/conv.tflite"
STEM = BlockSpec("conv_k3", 1, 4, 8, 8, stride=2)
BLOCK = BlockSpec("conv_k3", 4, 4, 4, 4)
MODELS = [in_a_row([BLOCK]), in_a_row([STEM, BLOCK]), in_a_row([BLOCK])]


@pytest.fixture
def exported(monkeypatch):
    """What was exported, as (number of blocks, shape); each is a copy of one small file."""
    calls = []

    def export(module, shape, path):
        calls.append((len(module), shape))
        shutil.copyfile(SMALL, path)

    monkeypatch.setattr(tflite, "export_tflite", export)
    return calls


def test_every_distinct_model_is_exported_once_as_a_whole_the_largest_first(tmp_path, exported):
    paths = build_files(MODELS, "tflite", ExportParams(), 1, tmp_path)
    assert exported == [(2, (1, 8, 8)), (1, (4, 4, 4))]
    assert paths == [model_path(model, tmp_path) for model in MODELS]
    assert paths[0] == paths[2] != paths[1]
    assert all(path.read_bytes() == SMALL.read_bytes() for path in paths)


def test_what_is_there_is_not_exported_again(tmp_path, exported, capsys):
    build_files(MODELS, "tflite", ExportParams(), 1, tmp_path)
    assert "export: 2/2" in capsys.readouterr().err
    build_files(MODELS, "tflite", ExportParams(), 1, tmp_path)
    assert len(exported) == 2
    assert capsys.readouterr().err == ""


def test_files_are_kept_by_all_that_decides_them(tmp_path, monkeypatch):
    paths = [
        model_path(in_a_row([BLOCK]), tmp_path),
        model_path(in_a_row([BLOCK, BLOCK]), tmp_path),
    ]
    monkeypatch.setattr(tflite, "_recipe", lambda: ("litert-torch of tomorrow",))
    paths.append(model_path(in_a_row([BLOCK]), tmp_path))
    assert len(set(paths)) == 3
