import json

from pipeline import metrics


def test_numbers_are_written_and_unknown_ones_left_out(tmp_path):
    metrics.write(tmp_path / "new", {"ms": 1.5, "members": 0, "spearman": None})
    assert json.loads((tmp_path / "new/metrics.json").read_text()) == {"ms": 1.5, "members": 0}


def test_numbers_are_added_to_those_of_a_stage(tmp_path):
    metrics.write(tmp_path / "results/search", {"ms": 1.5})
    metrics.add("search", tmp_path, wall_s=2.5)
    content = json.loads((tmp_path / "results/search/metrics.json").read_text())
    assert content == {"ms": 1.5, "wall_s": 2.5}


def test_a_stage_without_metrics_stays_without(tmp_path):
    metrics.add("check", tmp_path, wall_s=2.5)
    assert list(tmp_path.iterdir()) == []
