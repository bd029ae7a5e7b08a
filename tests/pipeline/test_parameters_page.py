from __future__ import annotations

from pathlib import Path

from pipeline import parameters_page
from pipeline.params import Params

ROOT = Path(__file__).parents[2]


def test_the_committed_page_is_what_the_sections_say():
    committed = (ROOT / parameters_page.PAGE).read_text(encoding="utf-8")
    assert committed == parameters_page.page(), "the sections changed: make docs"


def test_every_section_is_a_chapter():
    chapters = [
        line.removeprefix("## ")
        for line in parameters_page.page().splitlines()
        if line.startswith("## ")
    ]
    assert chapters == list(Params.model_json_schema()["properties"])


def test_a_row_shows_default_bounds_and_meaning():
    row = "| `threads` | `1` | whole number, ≥ 1, ≤ 256 | Threads of one inference |"
    assert row in parameters_page.page().splitlines()


def test_nested_and_named_sections_have_dotted_keys():
    page = parameters_page.page()
    assert "| `weights.clip` | `5.0` | number, > 0 | Largest norm of a gradient |" in page
    assert "| `points.NAME.ops` | required | map to number, ≥ 0, ≤ 1 |" in page


def test_one_of_several_types_is_said_so():
    assert "| `kappa` | `auto` | `auto` or [low, high] |" in parameters_page.page()


def test_writing_makes_the_folder(tmp_path):
    parameters_page.write(tmp_path / "docs" / "page.md")
    assert (tmp_path / "docs" / "page.md").read_text(encoding="utf-8") == parameters_page.page()
