from pathlib import Path

from benchmarks.page import PAGE, RESULTS, page

ROOT = Path(__file__).parents[2]


def test_the_committed_page_is_what_the_committed_rows_say():
    assert (ROOT / PAGE).read_text() == page(ROOT / RESULTS)


def test_without_rows_there_are_no_sections(tmp_path):
    assert "##" not in page(tmp_path)
