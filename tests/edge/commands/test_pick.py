"""`facet pick`."""

import json
import shlex
from pathlib import Path

import pytest

from edge.runtimes import MissingRuntime, get_runtime
from tests.edge.commands.test_family import TARGET, facet, family, member, write
from tests.edge.runnable import here

__all__ = ["family"]  # a fixture


def test_pick_explains_itself(family: Path) -> None:
    result = facet("pick", "--family", family, "--budget-ms", 2)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "Member     small"
    assert lines[1] == "File       m.onnx, 99 kB"
    assert lines[2] == "p95        <= 1.500 ms, 0.500 ms below the budget of 2 ms"
    assert lines[-1] == "Runner-up  no other member fits"


def test_pick_as_json(family: Path) -> None:
    answer = json.loads(facet("pick", "--family", family, "--budget-ms", 5, "--json").stdout)
    assert answer["name"].startswith("large")
    assert answer["runner_up"] == "small"
    assert answer["margin_ms"] == pytest.approx(2.0)
    assert answer["target"] == {"id": TARGET.id, **TARGET.model_dump()}


def test_nothing_fits_exits_3_and_names_the_fastest_and_the_gap(family: Path) -> None:
    result = facet("pick", "--family", family, "--budget-ms", 1)
    assert result.exit_code == 3
    assert result.stdout == ""
    assert "error: no member is proven to have p95 <= 1 ms" in " ".join(result.stderr.split())
    assert "small, has 1.500 ms, 0.500 ms too much" in " ".join(result.stderr.split())


def test_nothing_fits_as_json(family: Path) -> None:
    result = facet("pick", "--family", family, "--budget-ms", 1, "--json")
    assert result.exit_code == 3
    answer = json.loads(result.stdout)
    assert answer["fastest"] == "small"
    assert answer["gap_ms"] == pytest.approx(0.5)
    assert answer["kind"] == "NoFit"
    assert answer["error"] in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--budget-ms", "-1"],
        ["--budget-ms", "0"],
        ["--budget-ms", "nan"],
        ["--budget-ms", "inf"],
        ["--budget-ms", "soon"],
        ["--budget-ms", "1", "--percentile", "50"],
        ["--budget-ms", "1", "--min-accuracy", "90"],
        ["--budget-ms", "1", "--target", "nowhere"],
        ["--budget-ms", "1", "--confidence", "95"],
        ["--budget-ms", "1", "--table"],
        [],
    ],
)
def test_wrong_usage_exits_2(family: Path, arguments: list[str]) -> None:
    result = facet("pick", "--family", family, *arguments)
    assert result.exit_code == 2
    assert "Error: " in result.stderr


def test_a_target_is_chosen_by_its_id(tmp_path: Path) -> None:
    other = TARGET.model_copy(update={"threads": 4})
    folder = write(tmp_path, member("one", 0.8, 1.5), member("four", 0.9, 1.0, other))
    question = ["pick", "--family", folder, "--budget-ms", 2]
    refused = facet(*question)
    assert refused.exit_code == 1
    assert TARGET.id in refused.stderr
    assert other.id in refused.stderr
    assert "Member     one\n" in facet(*question, "--target", TARGET.id).stdout
    listed = facet("members", "--family", folder).output
    assert f"Target {TARGET.id}" in listed
    assert f"Target {other.id}" in listed


def test_a_target_is_chosen_by_its_runtime(tmp_path: Path) -> None:
    litert = TARGET.model_copy(update={"runtime": "litert"})
    folder = write(tmp_path, member("onnx", 0.8, 1.5), member("lite", 0.9, 1.0, litert))
    question = ["pick", "--family", folder, "--budget-ms", 2]
    assert facet(*question).exit_code == 1
    assert "Member     onnx\n" in facet(*question, "--runtime", "onnxruntime").stdout
    assert "Member     lite\n" in facet(*question, "--runtime", "litert").stdout


def test_a_question_without_its_target_is_answered_with_one_to_copy(tmp_path: Path) -> None:
    litert, twice = (
        TARGET.model_copy(update={"runtime": "litert", "threads": threads}) for threads in (1, 2)
    )
    folder = write(tmp_path / "my family", member("onnx", 0.8, 1.5), member("l", 0.9, 1.0, litert))
    question = ["pick", "--budget-ms", 0.5, "--percentile", 99, "--family", folder, "--json"]
    refused = facet(*question)
    assert refused.exit_code == 1
    typed = f"facet pick --budget-ms 0.5 --percentile 99 --family '{folder}' --json"
    assert refused.stderr.endswith(f"; for example:\n  {typed} --runtime litert\n")
    assert json.loads(refused.stdout)["error"].endswith("--json --runtime litert")
    write(folder, member("l", 0.9, 1.0, litert), member("twice", 0.9, 1.0, twice))
    refused = facet("pick", "--budget-ms", 2, "--family", folder)
    typed = f"facet pick --budget-ms 2 --family '{folder}' --target {litert.id}"
    assert refused.stderr.endswith(f"\n  {typed}\n")
    assert facet(*shlex.split(typed)[1:]).stdout.startswith("Member     l\n")


def test_what_this_machine_can_run_is_ranked_together(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    mine, int8, four = here(), here(precision="int8"), here(threads=4)
    others = [TARGET, TARGET.model_copy(update={"precision": "int8"})]
    measured = [member(f"m{n}", 0.8 + n / 100, 1.5, t) for n, t in enumerate([mine, int8, *others])]
    folder = write(tmp_path, *measured)
    question = ["pick", "--family", folder, "--budget-ms", 2, "--json"]
    answer = facet(*question)
    assert (answer.exit_code, answer.stderr) == (0, "")
    assert json.loads(answer.stdout)["name"] == "m1"
    assert json.loads(answer.stdout)["measured_here"] is True
    assert json.loads(facet(*question, "--precision", "fp32").stdout)["name"] == "m0"
    assert json.loads(facet(*question, "--target", TARGET.id).stdout)["name"] == "m2"
    write(folder, *measured, member("four", 0.9, 1.0, four))
    refused = facet(*question)
    assert refused.exit_code == 1
    assert all(target.id in refused.stderr for target in (mine, int8, four))
    assert TARGET.id not in refused.stderr
    assert "measure here" not in refused.stderr


def test_a_machine_without_the_runtime_is_answered_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> str:
        raise MissingRuntime("it is not installed: pip install it")

    elsewhere = member("far", 0.8, 1.5, here(device="another board"))
    folder = write(tmp_path, member("m", 0.8, 1.5, here()), elsewhere)
    monkeypatch.setattr("edge.here.installed", lambda _name: None)
    monkeypatch.setattr(get_runtime("onnxruntime"), "version", missing)
    question = ("pick", "--family", folder, "--budget-ms", 2)
    answer = facet(*question, "--device", here().device)
    assert answer.stdout.startswith("Member     m\n")
    assert answer.stderr.startswith("it is not installed: pip install it; until then no member")
    assert facet(*question, "--device", "another board").stderr == ""


def test_another_version_of_the_runtime_is_stale(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    folder = write(tmp_path, member("m", 0.8, 1.0, here(runtime_version="0.1")))
    answer = json.loads(facet("pick", "--family", folder, "--budget-ms", 2, "--json").stdout)
    assert (answer["evidence"], answer["bound_ms"]) == ("stale", pytest.approx(1.1))


def test_what_was_measured_elsewhere_only_is_asked_about(tmp_path: Path) -> None:
    litert = TARGET.model_copy(update={"runtime": "litert"})
    folder = write(tmp_path, member("onnx", 0.8, 1.5), member("lite", 0.9, 1.0, litert))
    refused = facet("pick", "--family", folder, "--budget-ms", 2)
    assert refused.exit_code == 1
    told = " ".join(refused.stderr.split())
    assert "or measure here (facet family add-latencies --help); for example:" in told


def test_everyone_is_explained(family: Path) -> None:
    question = ["pick", "--family", family, "--budget-ms", 2, "--explain"]
    text = facet(*question).stdout
    assert "1.000 ms over the budget" in text
    assert text.splitlines()[-1].split()[-1] == "picked"
    answer = json.loads(facet(*question, "--json").stdout)
    assert [line["why"] for line in answer["explanation"]] == ["1.000 ms over the budget", "picked"]
    nothing = facet("pick", "--family", family, "--budget-ms", 1, "--explain")
    assert nothing.exit_code == 3
    assert "2.000 ms over the budget" in nothing.stderr


def test_everyone_is_told_from_the_others_in_80_columns(tmp_path: Path) -> None:
    litert = TARGET.model_copy(update={"runtime": "litert", "precision": "int8"})
    names = [f"within-0.0{n}4ms" for n in range(1, 8)]
    members = [member(name, 0.8, 3.0) for name in names]
    folder = write(tmp_path, *members, member("other", 0.9, 1.0, litert))
    question = ["pick", "--family", folder, "--budget-ms", 2, "--device", "board", "--explain"]
    lines = facet(*question).stdout.partition("\n\n")[2].splitlines()
    assert max(map(len, lines)) <= 80
    assert {line.split()[0] for line in lines} >= {*names, "other"}
    assert "evidence" not in lines[1]
    assert "…" not in "".join(lines)


def test_what_is_not_measured_is_evident(tmp_path: Path) -> None:
    old = member("old", 0.8, 3.0)
    old["latencies"][0]["measured_at"] = "2020-01-01T00:00:00Z"
    folder = write(tmp_path, old, member("new", 0.8, 1.0))
    text = facet("pick", "--family", folder, "--budget-ms", 2, "--explain").stdout
    assert " stale " in text
    assert "evidence" in text


def test_an_answer_for_another_machine_says_so(family: Path, tmp_path: Path) -> None:
    question = ["pick", "--family", family, "--budget-ms", 2]
    told = facet(*question)
    assert told.stdout.startswith("Member     small\n")
    assert " ".join(told.stderr.split()).startswith(
        f"measured on {TARGET.device}, not on this machine ({here().device}): name it with --device"
    )
    for named in (["--device", "quite a long"], ["--target", TARGET.id]):
        answer = facet(*question, *named, "--json")
        assert answer.stderr == ""
        assert json.loads(answer.stdout)["measured_here"] is False
    for asked in (["--budget-ms", 2], ["--budget-ms", 1], ["--table"]):
        answer = facet("pick", "--family", family, *asked, "--json")
        assert json.loads(answer.stdout)["measured_here"] is False
    mine = write(tmp_path / "mine", member("m", 0.8, 1.5, here()))
    answer = facet("pick", "--family", mine, "--budget-ms", 2, "--json")
    assert (json.loads(answer.stdout)["measured_here"], answer.stderr) == (True, "")
    saving = here(power_mode="nvpmodel 9")
    other = write(tmp_path / "saving", member("m", 0.8, 1.5, saving))
    told = facet("pick", "--family", other, "--table")
    assert told.stderr.startswith("measured in power mode nvpmodel 9, and this machine is in ")


def test_a_fallback_exits_with_0(family: Path) -> None:
    found = facet("pick", "--family", family, "--budget-ms", 1, "--fallback", "fastest")
    assert found.exit_code == 0
    assert "<= 1.500 ms, 0.500 ms above the budget of 1 ms" in found.stdout


def test_a_table_of_budgets(family: Path) -> None:
    found = facet("pick", "--family", family, "--table", "--json")
    rows = json.loads(found.stdout)["budgets"]
    assert [(row["budget_ms"], row["name"][:5]) for row in rows] == [(1.5, "small"), (3.0, "large")]
    assert "1.500" in facet("pick", "--family", family, "--table").stdout
    least = facet("pick", "--family", family, "--table", "--min-accuracy", 0.85, "--json")
    assert len(json.loads(least.stdout)["budgets"]) == 1
    none = facet("pick", "--family", family, "--table", "--percentile", 99)
    assert none.stdout.startswith("no member has a proven p99: measure them with more runs")
    assert max(map(len, none.stdout.splitlines())) <= 80


def test_a_family_that_was_never_measured_says_how_to(tmp_path: Path) -> None:
    new = member("new", 0.8, 1.0)
    folder = write(tmp_path, {**new, "latencies": []})
    found = facet("pick", "--family", folder, "--budget-ms", 2)
    assert found.exit_code == 3
    assert "\n  facet family add-latencies report.jsonl --family FOLDER\n" in found.stderr


def test_a_device_ranks_its_runtimes_together(tmp_path: Path) -> None:
    litert = TARGET.model_copy(update={"runtime": "litert"})
    folder = write(tmp_path, member("onnx", 0.8, 1.5), member("lite", 0.9, 1.0, litert))
    found = facet("pick", "--family", folder, "--budget-ms", 2, "--device", "quite a long")
    assert found.stdout.startswith("Member     lite\n")
    refused = facet("pick", "--family", folder, "--budget-ms", 2, "--device", "jetson")
    assert refused.exit_code == 1
    assert "was not measured on a 'jetson'" in " ".join(refused.stderr.split())


def test_every_key_of_the_json_is_documented(family: Path) -> None:
    text = (Path(__file__).parents[3] / "docs/cli.md").read_text()
    answers = [
        json.loads(facet("pick", "--family", family, *question, "--json").stdout)
        for question in (
            ["--budget-ms", 1],
            ["--budget-ms", 5, "--explain"],
            ["--table"],
        )
    ]
    assert [key for answer in answers for key in answer if f"`{key}`" not in text] == []
