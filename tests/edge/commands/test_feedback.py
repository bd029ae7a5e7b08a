from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge.cli import main
from edge.feedback.candidates import of_file
from edge.hub_access import HubAccess
from edge.hub_api import Records
from edge.record import Measurement, read_all, unique
from tests.edge.feedback.made_up import TARGET, measured, profile, world, write


def facet(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["feedback", *map(str, arguments)])


@pytest.fixture
def where(tmp_path: Path) -> list[object]:
    """Options that name a profile and what came back."""
    folder = profile(tmp_path / "profile", *world(0, 5))
    write(tmp_path / "m" / "report.jsonl", *world(1, 4))
    return ["--profile", folder, "--measurements", tmp_path / "m"]


def test_add_files_records_and_says_what_is_next(tmp_path: Path) -> None:
    report = write(tmp_path / "report.jsonl", *world(0, 3))
    result = facet("add", report, "--measurements", tmp_path / "m")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[2].split()[-3:] == ["3", "0", "0"]
    assert "Next: dvc repro, which calibrates and extracts again" in result.stdout
    assert read_all(tmp_path / "m") == unique(world(0, 3))
    again = facet("add", report, "--measurements", tmp_path / "m")
    assert again.exit_code == 0
    assert "Next" not in again.stdout


def test_add_as_json(tmp_path: Path) -> None:
    report = write(tmp_path / "report.jsonl", measured(1.0), measured(1.0, verdict="clean"))
    (tmp_path / "bad.jsonl").write_text("no JSON\n")
    files = [report, tmp_path / "bad.jsonl"]
    result = facet("add", *files, "--measurements", tmp_path / "m", "--json")
    assert result.exit_code == 4
    answer = json.loads(result.stdout)
    assert (answer["added"], answer["known"], answer["refused"]) == (2, 0, 1)
    good, bad = answer["files"]
    assert Path(good["filed"]).parent == tmp_path / "m"
    assert bad["filed"] is None
    assert bad["refused"][0]["line"] == 1


def test_add_says_why_a_record_was_refused_and_keeps_the_terminal_whole(tmp_path: Path) -> None:
    hostile = json.loads(measured(1.0).to_json()) | {"\x1b[2J\x1b]0;x": 1}
    (tmp_path / "bad.jsonl").write_text(f"{json.dumps(hostile)}\n" * 9)
    result = facet("add", tmp_path / "bad.jsonl", "--measurements", tmp_path / "m")
    assert result.exit_code == 1  # nothing is left to use
    assert "bad.jsonl:1: refused: �[2J�]0;x: Extra inputs" in " ".join(result.stderr.split())
    assert "\x1b" not in result.output
    assert "4 more were refused" in " ".join(result.stderr.split())


def test_add_without_a_file_is_wrong_usage() -> None:
    assert facet("add").exit_code == 2


def test_status_compares_table_and_calibration(where: list[object]) -> None:
    result = facet("status", *where)
    assert result.exit_code == 0, result.output
    text = result.stdout
    assert text.startswith(f"Target {TARGET.id}: board / ort 1")
    assert "Records   4 came back (4 clean-unverified), the last " in text
    assert "the table alone: 0.0 %" in text  # made-up networks cost what the table says
    assert "operation" in text
    assert text.endswith("Nothing asks for a new profile or a new search.\n")


def test_status_names_a_target_without_a_table(where: list[object], tmp_path: Path) -> None:
    other = TARGET.model_copy(update={"device": "another board"})
    write(tmp_path / "m" / "other.jsonl", measured(1.0, target=other))
    text = facet("status", *where).stdout
    assert f"\n\nTarget {other.id}: another board / ort 1" in text
    assert "no table: profile it as the first of `targets`" in text


def test_status_advises_a_search(tmp_path: Path) -> None:
    folder = profile(tmp_path / "profile")
    write(tmp_path / "m" / "report.jsonl", *world(1, 40, price={"sep_k3": 1.6}))
    result = facet("status", "--profile", folder, "--measurements", tmp_path / "m")
    assert "To do:\n- the search weighed operations by other prices (sep_k3 +" in result.stdout


def test_status_as_json(where: list[object]) -> None:
    (ours,) = json.loads(facet("status", *where, "--json").stdout)["targets"]
    assert ours["target"]["id"] == TARGET.id
    assert ours["records"] == 4
    assert ours["quality"]["networks"] == 9


def test_status_before_a_profile_says_what_to_run(tmp_path: Path) -> None:
    result = facet("status", "--profile", tmp_path, "--measurements", tmp_path / "m")
    assert result.exit_code == 1
    assert "make it with: dvc repro" in " ".join(result.stderr.split())


def test_suggest_names_networks_and_writes_them(where: list[object], tmp_path: Path) -> None:
    out = tmp_path / "next.json"
    result = facet("suggest", "-n", 3, "--random", 50, "--out", out, *where)
    assert result.exit_code == 0, result.output
    rows = result.stdout.splitlines()[2:5]
    doubts = [float(row.split()[-1]) for row in rows]
    assert doubts == sorted(doubts, reverse=True)
    assert "Doubt before: " in result.stdout
    assert [candidate.name for candidate in of_file(out)] == [f"suggested-0{n}" for n in (1, 2, 3)]


def test_suggest_as_json(where: list[object]) -> None:
    answer = json.loads(facet("suggest", "-n", 2, "--random", 50, *where, "--json").stdout)
    first, second = answer["suggestions"]
    assert first["doubt_percent"] >= second["doubt_percent"]
    assert first["predicted_lo_ms"] <= first["predicted_ms"] <= first["predicted_hi_ms"]
    assert answer["noise_percent"] > 0


def test_suggest_takes_members_of_a_file(where: list[object], tmp_path: Path) -> None:
    members = tmp_path / "members.json"
    architecture = measured(1.0, *["conv_k3"] * 6).subject.architecture
    members.write_text(json.dumps({"members": [{"name": "m", "architecture": architecture}]}))
    result = facet("suggest", "--random", 0, "--members", members, *where, "--json")
    assert [s["name"] for s in json.loads(result.stdout)["suggestions"]] == ["m"]


@pytest.mark.parametrize("budget", ["0", "-1", "nan", "soon"])
def test_a_budget_must_be_a_positive_number(budget: str) -> None:
    assert facet("suggest", "--budget-ms", budget).exit_code == 2


@pytest.mark.parametrize("command", ["add", "status", "suggest"])
def test_every_command_has_help(command: str) -> None:
    result = facet(command, "--help")
    assert result.exit_code == 0
    assert "--measurements" in result.output


def hub_of(monkeypatch: pytest.MonkeyPatch, *records: Measurement) -> None:
    """A hub that has these records, whoever asks."""

    class Hub:
        url = "http://localhost"

        def __enter__(self) -> Hub:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def records(self, after: int, limit: int = 500) -> Records:
            page = records[after : after + limit]
            return Records(records=page, next=after + len(page) if page else None)

        def excluded(self) -> list[str]:
            return []

    monkeypatch.setattr(HubAccess, "open", lambda _access: Hub())


def test_pull_files_what_a_hub_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub_of(monkeypatch, *world(0, 3))
    monkeypatch.setenv("EDGEFACET_HUB", "http://localhost")
    monkeypatch.setenv("EDGEFACET_HUB_TOKEN_FILE", "token")
    result = facet("pull", "--measurements", tmp_path)
    assert result.exit_code == 0
    assert "Next: dvc repro" in result.stdout
    assert read_all(tmp_path) == unique(world(0, 3))
    again = facet("pull", "--measurements", tmp_path, "--json")
    answer = {"added": 0, "known": 0, "others": 0, "withdrawn": 0, "refused": [], "filed": []}
    assert json.loads(again.stdout) == answer


def test_pull_says_what_it_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    emulated = TARGET.model_copy(update={"device": "emulated"})
    hub_of(monkeypatch, measured(1.0, target=emulated))
    where = ("--hub", "http://localhost", "--token-file", "t", "--measurements", tmp_path)
    result = facet("pull", *where, "--json")
    assert result.exit_code == 1
    (refused,) = json.loads(result.stdout)["refused"]
    assert refused == {"record": 1, "reason": "was not measured on hardware: emulated"}


def test_pull_without_a_hub_is_a_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDGEFACET_HUB", raising=False)
    result = facet("pull")
    assert result.exit_code == 2
    assert "EDGEFACET_HUB" in result.stderr
