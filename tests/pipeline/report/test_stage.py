"""The page as a whole."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from edge.family import FamilyMissing
from pipeline import metrics, plots
from pipeline.params import Params
from pipeline.report import run
from pipeline.report.sources import ReportError, load
from pipeline.report.stage import REPORT_FILE, page
from tests.pipeline.report import made_up
from tests.pipeline.report.made_up import FAST, LITERT, ORT, SLOW, Page, bare, full

HOSTILE = '<script>alert("ü & $x$")</script>'


@pytest.fixture(scope="module")
def seen():
    return Page(page(full()))


def with_control(difference, half_width):
    numbers = {
        "control_bins": 8,
        "control_difference": difference,
        "control_half_width": half_width,
        "control_win_share": 0.75,
    }
    return Page(page(bare(FAST, metrics={"extract": numbers})))


def test_the_page_says_what_it_is_about(seen):
    assert seen.text("h1") == "EdgeFacet: shapes"
    told = seen.text("dd")
    for fact in ("shapes, 2 classes", "2026-01-02 03:04 UTC", "abc123", str(ORT)):
        assert fact in told


def test_a_control_that_ties_is_the_first_line():
    tied = with_control(-0.02, 0.03).texts
    first = next(text for tag, text in tied if tag not in ("title", "a"))
    assert first.startswith("The control TIES")
    assert "-0.0200 ± 0.0300" in first
    assert "better in 75% of 8 bins" in first


def test_a_control_that_is_beaten_stands_below_the_title():
    texts = [text for tag, text in with_control(-0.02, 0.01).texts if tag not in ("title", "a")]
    assert texts[0] == "EdgeFacet: shapes"
    assert texts[1].startswith("This search is ahead of its control")


def test_the_page_needs_nothing_from_outside(seen):
    assert seen.outside == []
    assert not re.search(r"url\(\s*['\"]?(?!#)", seen.html)
    assert "@import" not in seen.html
    assert "<script" not in seen.html


def test_headings_are_in_order_and_ids_are_unique(seen):
    levels = [int(tag[1]) for tag, _ in seen.texts if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert len(set(seen.ids)) == len(seen.ids)
    assert all(f'href="#{name}"' in seen.html for name in ("accuracy", "members", "control"))


def test_equal_runs_give_equal_pages():
    assert page(full()) == page(full())


def test_a_large_family_fits_the_size_limit():
    members = [
        made_up.member(
            f"m{i}", ["conv_k3"] * 4, 0.9, 0.9, [made_up.latency(ORT, 1 + i / 10, 3)], (2, True)
        )
        for i in range(40)
    ]
    assert len(page(full(*members)).encode()) < 2_000_000


def test_a_family_and_nothing_else_is_reported():
    text = Page(page(bare(FAST))).text()
    assert "No control was run" in text
    assert "no sweep over the simplex" in text
    assert "left no curves" in text
    assert "No network was held out" in text
    assert "No stage recorded how long it took." in text


def test_members_that_were_never_measured_are_reported():
    unmeasured = FAST.model_copy(update={"latencies": ()})
    text = Page(page(bare(unmeasured))).text()
    assert "No member was measured" in text
    assert "nothing can be compared" in text


def test_every_runtime_has_a_drawing_and_columns():
    both = made_up.member(
        "both",
        ["skip"] * 4,
        0.8,
        0.8,
        [made_up.latency(ORT, 1, 2), made_up.latency(LITERT, 3, 5)],
    )
    seen = Page(page(bare(both, targets=[ORT, LITERT])))
    assert "onnxruntime 1.0, fp32, 1 thread" in seen.text("h3")
    assert "litert 2.0, fp32, 1 thread" in seen.text("h3")
    # budget and met; then median, p95, file and memory of each
    in_ort, in_litert = ["1.00", "2.00", "123", "2.50"], ["3.00", "5.00", "123", "2.50"]
    assert seen.row("1 both")[5:] == ["–", "–", *in_ort, *in_litert]


def test_hostile_names_are_text():
    evil = made_up.member(
        HOSTILE, ["skip"] * 4, 0.8, 0.8, [made_up.latency(ORT, 1, 2, 1)], (2, True)
    )
    family = made_up.manifest(evil, dataset=HOSTILE, classes=(HOSTILE,))
    html = page(full(evil, manifest=family))
    seen = Page(html)
    assert "<script" not in html
    assert seen.text("h1") == f"EdgeFacet: {HOSTILE}"
    assert seen.row(f"1 {HOSTILE}")[1] == "80.00 %"
    assert seen.downloads["members.csv"][0]["name"] == HOSTILE
    assert any(HOSTILE in label for label in seen.labels)


@pytest.fixture
def project(tmp_path):
    """A folder with a family and metrics, as the stages leave it."""
    made_up.manifest(FAST, SLOW).write(tmp_path / "results")
    numbers = {"bins": 8, "difference": -0.02, "half_width": 0.03, "win_share": 0.5}
    content = {f"control_{name}": value for name, value in numbers.items()}
    metrics.write("extract", content, tmp_path)
    return tmp_path


def test_the_stage_writes_the_page_and_prints_the_verdict(project, capsys):
    run(Params(), project)
    assert Page((project / REPORT_FILE).read_text()).text("h1") == "EdgeFacet: shapes"
    assert capsys.readouterr().out.startswith("The control TIES")


def test_what_is_missing_is_empty_and_what_is_there_is_read(project):
    curves = project / plots.CURVES
    curves.mkdir(parents=True)
    (curves / "kappa.tsv").write_text("step\tkappa\n20\t0.5\n")
    found = load(Params(), project)
    assert found.curves["kappa"] == {20: 0.5}
    assert found.curves["entropy"] == {}
    assert (found.heldout, found.steering, found.test_images) == ([], [], None)
    assert [one.member.name for one in found.members] == ["fast", "slow"]
    assert found.targets == [ORT]


def test_the_commit_is_that_of_the_family_and_not_of_the_working_tree(project):
    assert load(Params(), project).commit == "abc123"
    made_up.manifest(FAST, provenance=None).write(project / "results")
    assert load(Params(), project).commit is None


def test_the_target_that_was_searched_for_comes_first(project):
    for first, second in ((ORT, LITERT), (LITERT, ORT)):
        latencies = (made_up.latency(second, 1, 2), made_up.latency(first, 3, 5, predicted_ms=3))
        both = FAST.model_copy(update={"latencies": latencies})
        made_up.manifest(both).write(project / "results")
        assert load(Params(), project).targets == [first, second]


def test_without_a_family_the_error_says_what_to_run(project):
    (project / "results/family.json").unlink()
    with pytest.raises(FamilyMissing, match="dvc repro"):
        load(Params(), project)


def test_a_file_of_another_version_is_refused(project):
    (project / plots.FOLDER).mkdir()
    (project / plots.HELDOUT).write_text("name,guess\na,1\n")
    with pytest.raises(ReportError, match="another version"):
        load(Params(), project)
