import json

from pipeline import metrics


def test_numbers_are_written_and_unknown_ones_left_out(tmp_path):
    metrics.write(tmp_path / "new", {"ms": 1.5, "members": 0, "spearman": None})
    assert json.loads((tmp_path / "new/metrics.json").read_text()) == {"ms": 1.5, "members": 0}
