"""`facet family add-latencies`: from the advice of an error to a pick."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from edge import record
from edge.cli import main
from edge.family import Family, Manifest
from edge.here import NotMeasuredHere
from tests.edge import families, measured, runnable


def facet(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "family"
    made.mkdir()
    families.family(made, ("onnx", "fp32"))
    return made


def records(path: Path, *found: record.Measurement) -> Path:
    for measurement in found:
        record.append(path, measurement)
    return path


def test_what_the_error_advises_leads_to_a_pick(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    Manifest.model_validate(runnable.manifest(tmp_path, {})).write(tmp_path)
    with pytest.raises(NotMeasuredHere) as caught:
        Family.load(tmp_path).pick(1000)
    advice = re.findall(r"^  facet (.*)$", str(caught.value), re.MULTILINE)
    names = {"FOLDER": str(tmp_path), "report.jsonl": str(tmp_path / "report.jsonl")}
    measure, add = ([names.get(word, word) for word in line.split()] for line in advice)
    quick = ["--blocks", "3", "--min-time", "0.1", "--runtime", "onnxruntime"]
    assert facet(*measure, *quick).exit_code == 0
    added = json.loads(facet(*add, "--json").stdout)["added"]
    assert {one["name"] for one in added} == {"small", "large"}
    assert Family.load(tmp_path).pick(1000, 90).target == runnable.here()
    asked = ["pick", "--family", tmp_path, "--budget-ms", 1000, "--percentile", 90, "--json"]
    assert json.loads(facet(*asked).stdout)["target"]["device"] == runnable.here().device


def test_a_table_says_what_was_added_and_what_it_replaced(folder: Path, tmp_path: Path) -> None:
    small = measured.record("small-fp32.onnx", 2.0, verdict="suspect", reasons=("it was hot",))
    first = records(tmp_path / "1.jsonl", small)
    done = facet("family", "add-latencies", first, "--family", folder)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1].split() == [
        *("small", "suspect", "2.000", "2.000", "-", "700")
    ]
    assert done.stderr == "small, onnxruntime fp32: suspect: it was hot\n"
    newer = measured.record("small-fp32.onnx", 3.0, when="2026-02-01T00:00:00Z")
    done = facet("family", "add-latencies", records(first, newer), "--family", folder)
    assert " 3.000   2.000   700\n" in done.stdout
    assert "Left out: 1 that the family has already" in done.stdout
    again = facet("family", "add-latencies", first, "--family", folder / "family.json")
    assert again.stdout.startswith("Left out: 2 that")
    assert list(folder.glob(".*")) == []


def test_what_matches_no_member_is_told_and_changes_nothing(folder: Path, tmp_path: Path) -> None:
    before = (folder / "family.json").read_bytes()
    strange = records(tmp_path / "1.jsonl", measured.record("stranger.onnx", 2.0))
    refused = facet("family", "add-latencies", strange, "--family", folder)
    assert refused.exit_code == 1
    assert refused.stdout == "Nothing was added.\n"
    told = "stranger.onnx, onnxruntime fp32: refused: no member has a file of that content"
    assert " ".join(refused.stderr.split()) == told
    assert (folder / "family.json").read_bytes() == before
    more = records(strange, measured.record("large-fp32.onnx", 2.0))
    assert facet("family", "add-latencies", more, "--family", folder).exit_code == 4


def test_a_record_that_is_not_whole_is_left_out_and_told(folder: Path, tmp_path: Path) -> None:
    """A copy that was interrupted, or a measurement that was killed in mid-write."""
    path = records(tmp_path / "1.jsonl", measured.record("small-fp32.onnx", 2.0))
    whole = path.read_bytes()
    for content, code in ((whole + whole[:99], 4), (whole[:-9], 1)):
        path.write_bytes(content)
        done = facet("family", "add-latencies", path, "--family", folder, "--json")
        assert done.exit_code == code
        assert json.loads(done.stdout)["cut_short"] == [str(path)]
        assert "cut short: the file ends in the middle of" in " ".join(done.stderr.split())
    assert Family.load(folder).manifest.targets == (measured.BOARD,)


def test_a_version_on_a_shelf_stays_behind_its_link(folder: Path, tmp_path: Path) -> None:
    link = tmp_path / "current"
    link.symlink_to(folder.name, target_is_directory=True)
    one = records(tmp_path / "1.jsonl", measured.record("small-fp32.onnx", 2.0))
    assert facet("family", "add-latencies", one, "--family", link).exit_code == 0
    assert link.is_symlink()
    assert Family.load(folder).manifest.targets == (measured.BOARD,)


def test_every_key_of_the_json_is_documented(folder: Path, tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "docs/cli.md").read_text()
    found = [measured.record(f"{name}-fp32.onnx", 2.0) for name in ("small", "strange")]
    path = records(tmp_path / "1.jsonl", *found)
    answer: dict[str, Any] = json.loads(
        facet("family", "add-latencies", path, "--family", folder, "--json").stdout
    )
    keys = {*answer, *answer["added"][0], *answer["refused"][0]}
    assert [key for key in sorted(keys) if f"`{key}`" not in text] == []
