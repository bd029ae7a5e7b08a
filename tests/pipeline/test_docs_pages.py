"""The generated parts of README.md, and the drawings beside it."""

from __future__ import annotations

import pytest

from pipeline import docs_pages, metrics, parameters_page, plots
from pipeline.docs_pages import MarkersMissing, block, replace_block, write
from tests.pipeline.report.made_up import FAST, SLOW, manifest

PAGE = """# Title
<!-- picture -->
<!-- /picture -->
between
<!-- results -->
of an old run
<!-- /results -->
the end
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A project with a run, after `make docs`; and once more, in another folder."""
    return [make(tmp_path_factory.mktemp(name)) for name in ("one", "two")]


def make(root):
    (root / "params.yaml").write_text("verify: {percentile: 95}")
    (root / "README.md").write_text(PAGE)
    manifest(FAST, SLOW).write(root / "results")
    metrics.write("data", {"test_images": 1000}, root)
    (root / plots.FOLDER).mkdir()
    (root / plots.HELDOUT).write_text(
        "name,predicted_ms,lo_ms,hi_ms,measured_ms,table_ms\na,1,0.9,1.1,1.25,1\n"
    )
    figures = root / "docs/figures"
    figures.mkdir(parents=True)
    (figures / "steering.svg").write_text("of another run")
    write(root)
    return root


def test_only_what_is_between_the_comments_changes(written):
    text = (written[0] / "README.md").read_text("utf-8")
    assert text.startswith("# Title\n<!-- picture -->\n\n![Test accuracy over latency. 1 fast: ")
    assert "\n\n<!-- /picture -->\nbetween\n<!-- results -->\n\nNo control was run" in text
    assert text.endswith("\n\n<!-- /results -->\nthe end\n")
    assert "of an old run" not in text
    assert "predicted within 20.0 % on average" in block(text, "results")  # 1 / 1.25 - 1


def test_the_page_of_parameters_is_written_too(written):
    page = (written[0] / parameters_page.PAGE).read_text("utf-8")
    assert page == parameters_page.page()


def test_drawings_are_those_of_the_run_and_no_others(written):
    names = sorted(path.name for path in (written[0] / "docs/figures").iterdir())
    assert names == ["accuracy.svg", "prediction.svg"]  # it holds no sweep over the simplex


def test_equal_runs_give_equal_files(written):
    one, two = written
    for name in ("README.md", "docs/figures/accuracy.svg", "docs/figures/prediction.svg"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_writing_again_changes_nothing(written):
    before = (written[1] / "README.md").read_bytes()
    docs_pages.write_results(written[1])
    assert (written[1] / "README.md").read_bytes() == before


def test_without_a_run_the_readme_stays_as_it_is(tmp_path, capsys):
    (tmp_path / "README.md").write_text(PAGE)
    write(tmp_path)
    assert (tmp_path / "README.md").read_text() == PAGE
    assert (tmp_path / parameters_page.PAGE).exists()
    assert "results/family.json is missing" in capsys.readouterr().out


@pytest.mark.parametrize("page", ["", "<!-- a -->", "<!-- /a -->", "<!-- /a -->x<!-- a -->"])
def test_a_page_without_both_comments_says_what_to_write(page):
    with pytest.raises(MarkersMissing, match=r"has no <!-- a --> followed by <!-- /a -->: write"):
        replace_block(page, "a", "content")


def test_a_block_is_what_was_put_in():
    assert block(replace_block("<!-- a -->old<!-- /a -->", "a", "x\n\ny"), "a") == "x\n\ny"
