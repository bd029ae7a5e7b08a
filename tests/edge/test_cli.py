import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from edge import __version__
from edge.cli import main
from tests.edge.commands.test_family import TARGET, member, write


def facet(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.mark.parametrize("command", [[], *([name] for name in sorted(main.commands))])
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_every_command_has_help(command: list[str], option: str) -> None:
    result = facet(*command, option)
    assert result.exit_code == 0
    assert result.output.startswith("Usage: ")
    described = main.commands[command[0]].help if command else main.help
    assert described
    assert max(map(len, result.output.splitlines())) <= 80


def test_version() -> None:
    assert facet("--version").output == f"facet, version {__version__}\n"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, edge.cli;"
        "print(sorted({'numpy', 'pydantic', 'rich', 'onnxruntime'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("[]\n", "")


def test_an_error_exits_1_without_a_traceback(tmp_path: Path) -> None:
    result = facet("members", "--family", tmp_path / "nothing")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: no family at")
    assert result.stdout == ""


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_full_disk_that_the_answer_goes_to_is_told(tmp_path: Path, more: list[str]) -> None:
    family = str(write(tmp_path, member("a", 0.5, 1.0)))
    command = [sys.executable, "-c", "from edge.cli import main; main()", "members", *more]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*command, "--family", family],
            cwd=Path(__file__).parents[2],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.stderr == "error: standard output: No space left on device\n"
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FileNotFoundError(2, "No such file or directory", "x.svg"), "x.svg: No such file or "),
        (OSError(28, "No space left on device"), "No space left on device"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_what_a_disk_refuses_exits_1_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, error: OSError, said: str
) -> None:
    def refuse() -> None:
        raise error

    monkeypatch.setitem(main.commands, "refuse", click.Command("refuse", callback=refuse))
    result = facet("refuse")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {said}")


def test_a_pipe_that_nobody_reads_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def tell() -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setitem(main.commands, "tell", click.Command("tell", callback=tell))
    assert facet("tell").stderr == ""


def test_a_long_error_keeps_to_80_columns_and_a_command_in_it_stays_whole(
    tmp_path: Path,
) -> None:
    def on(runtime: str) -> dict[str, Any]:
        return member("m" + runtime, 0.8, 1.0, TARGET.model_copy(update={"runtime": runtime}))

    folder = write(tmp_path / ("long" * 20), on("onnxruntime"), on("litert"))
    lines = facet("pick", "--family", folder, "--budget-ms", 1).stderr.splitlines()
    assert lines[0].startswith("error: the family was measured on several targets")
    assert max(map(len, lines[:-1])) <= 80
    assert [line.startswith("    ") for line in lines[2:4]] == [False, True]
    assert lines[-1].startswith(f"  facet pick --budget-ms 1 --family {folder} --runtime ")


def test_an_error_as_json(tmp_path: Path) -> None:
    result = facet("members", "--family", tmp_path / "nothing", "--json")
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert answer["kind"] == "FamilyMissing"
    assert answer["error"] in " ".join(result.stderr.split())


def test_the_shell_completes_runtimes() -> None:
    environment = {"_FACET_COMPLETE": "bash_complete", "COMP_WORDS": "facet pick --runtime l"}
    result = CliRunner().invoke(main, [], prog_name="facet", env={**environment, "COMP_CWORD": "3"})
    assert result.output == "plain,litert\n"
