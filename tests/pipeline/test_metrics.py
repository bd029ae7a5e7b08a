from pipeline import metrics


def test_numbers_are_written_and_unknown_ones_left_out(tmp_path):
    metrics.write("search", {"ms": 1.5, "members": 0, "spearman": None}, tmp_path)
    assert metrics.read("search", tmp_path) == {"ms": 1.5, "members": 0}


def test_numbers_are_added_to_those_of_a_stage(tmp_path):
    metrics.write("search", {"ms": 1.5}, tmp_path)
    metrics.add("search", tmp_path, wall_s=2.5)
    assert metrics.read("search", tmp_path) == {"ms": 1.5, "wall_s": 2.5}


def test_a_stage_without_metrics_stays_without(tmp_path):
    metrics.add("check", tmp_path, wall_s=2.5)
    assert metrics.read("check", tmp_path) == {}
    assert list(tmp_path.iterdir()) == []
