import click
import pytest
from click.testing import CliRunner

from edge.command_line import again, given, target_option
from edge.record import Target

LITERT = Target(
    device="d", runtime="litert", runtime_version="1", provider="p", precision="fp32", threads=1
)
ONNX = LITERT.model_copy(update={"runtime": "onnxruntime"})


@click.group()
def main() -> None:
    pass


@main.command("pick")
@click.option("--budget-ms", type=float)
@click.option("--percentile", "share", type=int, default=95)
@click.option("-f", "--family")
@click.option("--json", "as_json", is_flag=True)
@click.pass_context
def pick(ctx: click.Context, **_: object) -> None:
    click.echo(again(ctx, "--target", "x"))


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        (["--budget-ms", "8"], "--budget-ms 8"),
        (["--budget-ms=0.25", "--percentile", "95"], "--budget-ms 0.25 --percentile 95"),
        (["--json", "-f", "my family"], "-f 'my family' --json"),
        (["-f", "it's; rm"], """-f 'it'"'"'s; rm'"""),
        ([], ""),
    ],
)
def test_what_was_typed_can_be_copied_and_defaults_are_left_out(
    typed: list[str], line: str
) -> None:
    result = CliRunner().invoke(main, ["pick", *typed])
    assert result.output.split() == ["facet", "pick", *line.split(), "--target", "x"]


def test_a_runtime_chooses_where_it_is_the_only_one_of_its_kind() -> None:
    assert target_option([LITERT, ONNX]) == ["--runtime", "litert"]
    two_threads = LITERT.model_copy(update={"threads": 2})
    assert target_option([LITERT, ONNX, two_threads]) == ["--target", LITERT.id]


def test_a_precision_tells_targets_of_one_runtime_apart() -> None:
    int8, onnx_int8 = (t.model_copy(update={"precision": "int8"}) for t in (LITERT, ONNX))
    assert target_option([int8, LITERT]) == ["--precision", "int8"]
    both = ["--runtime", "litert", "--precision", "fp32"]
    assert target_option([LITERT, int8, ONNX, onnx_int8]) == both


def test_what_was_typed_is_told_from_defaults() -> None:
    found: list[list[str]] = []

    @click.command(params=list(pick.params))
    @click.pass_context
    def ask(ctx: click.Context, **_: object) -> None:
        found.append(given(ctx, "share", "family", "budget_ms"))

    CliRunner().invoke(ask, ["--percentile", "95", "-f", "x", "--json"])
    assert found == [["--percentile", "-f"]]
