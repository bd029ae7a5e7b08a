import json

from benchmarks.load_pick import bars, measure
from benchmarks.page import page
from tests.edge import runnable

ROW = {
    "device": "a board",
    "processes": 11,
    "runtime": "litert",
    "import_ms": 120.0,
    "runtime_ms": 30.0,
    "cold_ms": 50.1,
    "of_which_build_ms": 9.0,
    "warm_us": 61.25,
}


def test_what_is_aimed_at_holds_or_fails():
    assert bars(ROW) == [
        "FAILS  cold, litert: 50.1 ms, at most 50 ms",
        "holds  warm, litert: 61.2 µs, at most 100 µs",
    ]


def test_the_page_has_a_row_per_runtime(tmp_path):
    (tmp_path / "load.jsonl").write_text(json.dumps(ROW) + "\n")
    text = page(tmp_path)
    assert "| litert | 120.0 | 30.0 | 50.1 | 9.0 | 61.2 |" in text
    assert "- FAILS  cold, litert" in text
    assert "medians of\n11 processes" in text


def test_a_family_is_loaded_once_and_then_known(tmp_path):
    runnable.family(tmp_path, "onnxruntime")
    found = measure(tmp_path, "onnxruntime")
    assert 0 < found["of_which_build_ms"] < found["cold_ms"]
    assert found["warm_us"] / 1e3 < found["cold_ms"]
