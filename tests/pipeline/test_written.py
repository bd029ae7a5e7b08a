"""What DVC reads from params.yaml itself has to be written there."""

from pathlib import Path

import pytest

from pipeline import written
from pipeline.params import ParamsError, load

ROOT = Path(__file__).parents[2]
DVC = """
stages:
  check: {cmd: c}
  search:
    cmd: c
    deps: ["results/${search.prices}/table.csv"]
    params: [space, search, retrain.flip]
  retrain:
    cmd: c
    params: [retrain, export, data.path, other.yaml: [key]]
"""


@pytest.fixture
def project(tmp_path):
    """A folder with DVC's file, and one with parameters of this text."""

    def make(text, dvc=DVC):
        (tmp_path / "dvc.yaml").write_text(dvc)
        (tmp_path / "params.yaml").write_text(text)
        return load(tmp_path / "params.yaml"), tmp_path

    return make


def test_every_missing_key_is_listed_with_what_holds_for_it(project):
    with pytest.raises(ParamsError) as caught:
        written.require(*project("retrain: {epochs: 3}\nspace: {name: nb201}\n"))
    assert str(caught.value).splitlines() == [
        "params.yaml lacks 4 keys:",
        "  data.path: dvc.yaml reads it from the file; write null",
        "  export: dvc.yaml reads it from the file; write {}",
        "  retrain.flip: dvc.yaml reads it from the file; write true",
        "  search.prices: dvc.yaml reads it from the file; write profile",
    ]


def test_a_key_that_is_null_or_a_section_that_is_empty_is_written(project):
    written.require(
        *project(
            "data: {path: null}\nexport: {}\nspace: {name: mbconv}\n"
            "search: {prices: profile}\nretrain: {flip: false}\n"
        )
    )


def test_without_stages_of_dvc_nothing_is_missing(project):
    params, folder = project("")
    (folder / "dvc.yaml").unlink()
    written.require(params, folder)


@pytest.mark.parametrize(
    "path", [ROOT / "params.yaml", *sorted(ROOT.glob("presets/*.yaml"))], ids=lambda path: path.name
)
def test_presets_have_all_that_the_stages_name(path, project):
    written.require(*project(path.read_text(), (ROOT / "dvc.yaml").read_text()))


def test_the_stages_are_read_as_they_are(project):
    with pytest.raises(ParamsError, match=r"lacks 12 keys:(?s:.*)  search\.prices: "):
        written.require(*project("", (ROOT / "dvc.yaml").read_text()))
