import json
import math

import pytest

from pipeline import metrics


def test_numbers_are_written_and_unknown_ones_left_out(tmp_path):
    metrics.write("search", {"ms": 1.5, "members": 0, "spearman": None}, tmp_path)
    assert metrics.read("search", tmp_path) == {"ms": 1.5, "members": 0}


def test_what_is_no_number_of_json_is_left_out(tmp_path):
    metrics.write("extract", {"half_width": math.inf, "ratio": math.nan, "bins": 1}, tmp_path)
    text = (tmp_path / metrics.file("extract")).read_text()
    assert json.loads(text, parse_constant=pytest.fail) == {"bins": 1}


def test_numbers_are_added_to_those_of_a_stage(tmp_path):
    metrics.write("search", {"ms": 1.5}, tmp_path)
    metrics.add("search", tmp_path, wall_s=2.5)
    assert metrics.read("search", tmp_path) == {"ms": 1.5, "wall_s": 2.5}


def test_a_stage_without_metrics_stays_without(tmp_path):
    metrics.add("check", tmp_path, wall_s=2.5)
    assert metrics.read("check", tmp_path) == {}
    assert list(tmp_path.iterdir()) == []
