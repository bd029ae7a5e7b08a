"""fp32 and lower precisions side by side, on a made-up run."""

import pytest

from pipeline.report import precisions
from pipeline.report.stage import page
from tests.pipeline.report.made_up import BEATEN, FAST, ORT, SLOW, Page, bare, latency

INT8 = ORT.model_copy(update={"precision": "int8"})


def with_int8(member, ms=None, holdout=0.79, status="ok"):
    """`member`, whose fp32 file has 0.80, with an int8 file of 43.19 kB: 0.35 of 123.4."""
    fp32 = member.artifacts[0].model_copy(update={"holdout_accuracy": 0.80})
    int8 = {"path": "i8.onnx", "precision": "int8", "size_bytes": 43_190, "status": status}
    file = fp32.model_copy(update={**int8, "holdout_accuracy": holdout})
    measured = () if ms is None else (latency(INT8, ms, None),)
    latencies = (*member.latencies, *measured)
    return member.model_copy(update={"artifacts": (fp32, file), "latencies": latencies})


@pytest.fixture(scope="module")
def run():
    # 1 ms, 4 ms and 2 ms as fp32, each ± 10 %: 1.05 is within that, 5 and 1 are not.
    fast = with_int8(FAST, 1.05)
    return bare(fast, with_int8(SLOW, 5.0, 0.76), with_int8(BEATEN, 1.0, 0.81))


def test_latencies_differ_where_their_intervals_do(run):
    found = {p.one.member.name: (p.verdict, p.ratio) for p in precisions.pairs(run)}
    assert found == {"fast": ("as fast", 1.05), "slow": ("slower", 1.25), "beaten": ("faster", 0.5)}


def test_the_lead_says_how_many_are_slower(run):
    assert precisions.section(run).lead == (
        "int8 with onnxruntime: of 3 files 1 slower, 1 as fast, 1 faster; "
        "0.500 to 1.25 times the latency of fp32, at most 4.00 points of the hold-out images lost, "
        "0.350 of the size."
    )


def test_a_row_has_accuracy_size_and_latency_of_both(run):
    seen = Page(page(run))
    rows = [row for row in seen.rows if row and "int8, onnxruntime" in row]
    row = next(row for row in rows if row[0] == "3 slow")
    assert row == [
        *("3 slow", "int8, onnxruntime", "76.00 %", "4.00", "43.2", "0.350"),
        *("5.00", "4.00", "1.25", "slower"),
    ]
    (first, *_) = seen.downloads["precisions.csv"]
    assert (first["name"], first["fp32_bytes"], first["median_ms"]) == ("fast", "123400", "1.05")


def test_rejected_and_unmeasured_files_are_rows_without_a_latency():
    found = bare(with_int8(FAST, holdout=0.7, status="rejected"), with_int8(SLOW))
    rejected, unmeasured = precisions.pairs(found)
    assert (rejected.verdict, rejected.ratio) == ("rejected", None)
    assert (unmeasured.verdict, unmeasured.latency) == ("not measured", None)
    assert (
        "of 2 files 1 rejected, 1 not measured, at most 10.00 points"
        in precisions.section(found).lead
    )


def test_without_other_precisions_the_section_says_what_makes_them():
    section = precisions.section(bare(FAST))
    assert section.figures == ()
    assert "export.precisions" in section.lead


def test_files_on_two_boards_are_told_apart():
    pi = {"device": "pi"}
    there = (
        latency(ORT.model_copy(update=pi), 2.0, None),
        latency(INT8.model_copy(update=pi), 1.0, None),
    )
    fast = with_int8(FAST, 1.05)
    found = bare(fast.model_copy(update={"latencies": (*fast.latencies, *there)}))
    here, elsewhere = sorted(precisions.pairs(found), key=lambda pair: pair.where)
    assert (here.where, here.verdict) == ("onnxruntime, board", "as fast")
    assert (elsewhere.where, elsewhere.verdict) == ("onnxruntime, pi", "faster")
    lead = precisions.section(found).lead
    assert "int8 with onnxruntime, board: of 1 file 1 as fast" in lead
    assert "int8 with onnxruntime, pi: of 1 file 1 faster" in lead
    seen = Page(page(found))
    cells = {cell for row in seen.rows for cell in row}
    assert {"int8, onnxruntime, board", "int8, onnxruntime, pi"} <= cells
