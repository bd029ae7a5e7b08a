import errno
import sys
import types

import pytest
from click.testing import CliRunner

from edge.errors import EdgeError
from pipeline import __main__ as cli
from pipeline import metrics
from pipeline.params import Params


@pytest.fixture
def stage(monkeypatch, tmp_path):
    """Run a stage whose module is `run`, in a folder with an empty params.yaml."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").touch()
    monkeypatch.setattr(cli.allocator, "tune", lambda: None)

    def invoke(run, *arguments):
        module = types.ModuleType(cli.STAGES[arguments[0]][0])
        module.run = run
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return CliRunner().invoke(cli.main, arguments)

    return invoke


@pytest.mark.parametrize("name", cli.STAGES)
def test_every_stage_is_run_with_the_params(stage, name):
    got = []
    result = stage(lambda params, **options: got.append(params), name)
    assert result.exit_code == 0, result.output
    assert got == [Params()]


def test_an_error_of_ours_is_one_message_and_exit_code_1(stage):
    def run(_params):
        raise EdgeError("the disk is full; make room")

    result = stage(run, "data")
    assert (result.exit_code, result.stderr) == (1, "error: the disk is full; make room\n")


def test_an_error_is_wrapped_line_by_line(stage):
    def run(_params):
        raise EdgeError(f"two problems:\n  a: {'word ' * 20}\n  b: short")

    result = stage(run, "data")
    assert result.stderr.splitlines() == [
        "error: two problems:",
        "  a: " + " ".join(["word"] * 15),  # 79 columns
        "    " + " ".join(["word"] * 5),
        "  b: short",
    ]


def test_a_full_disk_is_one_message_that_says_what_to_do(stage):
    def run(_params):
        raise OSError(errno.ENOSPC, "No space left on device")

    result = stage(run, "search")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: [Errno 28] No space left on device; make room")


def test_what_is_no_error_of_ours_keeps_its_trace(stage):
    def run(_params):
        raise PermissionError(errno.EACCES, "Permission denied")

    assert isinstance(stage(run, "search").exception, PermissionError)


def test_an_error_in_params_is_reported_before_the_stage_runs(stage, tmp_path):
    (tmp_path / "params.yaml").write_text("serch: {}")
    result = stage(lambda _params: pytest.fail("ran"), "check")
    assert result.exit_code == 1
    assert "serch: unknown key; did you mean 'search'?" in result.stderr


def test_the_time_of_a_stage_is_added_to_its_metrics(stage, tmp_path):
    def run(_params):
        metrics.write("calibrate", {"networks": 8}, tmp_path)

    stage(run, "calibrate")
    content = metrics.read("calibrate", tmp_path)
    assert content["networks"] == 8
    assert content["wall_s"] >= 0


@pytest.mark.parametrize(("arguments", "strict"), [([], False), (["--strict"], True)])
def test_verify_is_strict_on_demand(stage, arguments, strict):
    got = []
    stage(lambda _params, **options: got.append(options), "verify", *arguments)
    assert got == [{"strict": strict}]


def test_stages_that_train_start_again_first(stage, monkeypatch):
    order = []
    monkeypatch.setattr(cli.allocator, "tune", lambda: order.append("tune"))
    for name in ("search", "check"):
        stage(lambda _params, name=name: order.append(name), name)
    assert order == ["tune", "search", "check"]


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("command", [[], *([name] for name in cli.main.commands)])
def test_every_command_has_help(command, flag):
    result = CliRunner().invoke(cli.main, [*command, flag])
    assert result.exit_code == 0
    assert len(result.output.splitlines()) >= 4
