"""`facet measure` with models that were made to hurt, each beside one that is fine."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.waiting import wait_until

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

DATA = Path(__file__).parent / "data"
ROOT = Path(__file__).parents[2]
QUICK = ["--blocks", "3", "--min-time", "0.01", "--timeout", "6", "--json"]
HUNDRED_GB = 25_000_000_000  # floats


def save(path: Path, node: Any, constant: np.ndarray[Any, Any] | None = None, **how: Any) -> None:
    """Write a model of one node from x, a vector of four floats, to y; `constant` is c."""
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [node],
        "hostile",
        [helper.make_tensor_value_info("x", floats, [4])],
        [helper.make_tensor_value_info("y", floats, None)],
        [] if constant is None else [onnx.numpy_helper.from_array(constant, "c")],
    )
    domains = [helper.make_opsetid(domain, 20) for domain in {"", node.domain}]
    onnx.save(helper.make_model(graph, opset_imports=domains, ir_version=10), path, **how)


def fine(path: Path) -> None:
    save(path, onnx.helper.make_node("Relu", ["x"], ["y"]))


def external_data_missing(path: Path) -> None:
    node = onnx.helper.make_node("Add", ["x", "c"], ["y"])
    weights = path.with_suffix(".weights").name
    how = {"save_as_external_data": True, "location": weights, "size_threshold": 0}
    save(path, node, np.ones(4, np.float32), **how)
    path.with_name(weights).unlink()


def custom_operation(path: Path) -> None:
    save(path, onnx.helper.make_node("Magic", ["x"], ["y"], domain="strangers"))


def hundred_gigabytes(path: Path) -> None:
    node = onnx.helper.make_node("Expand", ["x", "c"], ["y"])
    save(path, node, np.array([HUNDRED_GB // 4, 4], np.int64))


def never_returns(path: Path) -> None:
    """A loop without a last trip whose condition stays as it is: true."""
    helper, kinds = onnx.helper, onnx.TensorProto
    step = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["still_go"]),
            helper.make_node("Identity", ["v"], ["same_v"]),
        ],
        "step",
        [
            helper.make_tensor_value_info("trip", kinds.INT64, []),
            helper.make_tensor_value_info("go", kinds.BOOL, []),
            helper.make_tensor_value_info("v", kinds.FLOAT, [4]),
        ],
        [
            helper.make_tensor_value_info("still_go", kinds.BOOL, []),
            helper.make_tensor_value_info("same_v", kinds.FLOAT, [4]),
        ],
    )
    save(path, helper.make_node("Loop", ["", "c", "x"], ["y"], body=step), np.array(True))


def cut(path: Path) -> None:
    path.write_bytes((DATA / "conv.tflite").read_bytes()[:-100])


def bit_flipped(path: Path) -> None:
    """One bit of the table of contents: an offset points somewhere else."""
    content = bytearray((DATA / "conv.tflite").read_bytes())
    content[0] ^= 0x40
    path.write_bytes(content)


def facet(*arguments: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", "from edge.cli import main; main()", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # a shell that runs this in the background ignores Ctrl-C, and so would its children
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.default_int_handler
        ),  # as a terminal would: a signal goes to the group
    )


def workers_of(pid: int) -> list[int]:
    """The measuring processes that name `pid` as the process to die with."""

    def found() -> Iterator[int]:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().split(b"\0")
            except OSError:  # it ended while we looked
                continue
            if b"edge.worker" in words and str(pid).encode() in words:
                yield int(path.parent.name)

    return list(found())


def test_each_fails_with_its_kind_and_the_others_are_measured(tmp_path: Path) -> None:
    expected = {
        external_data_missing: ("rejected", "xternal"),
        custom_operation: ("rejected", "strangers"),
        hundred_gigabytes: ("oom", str(4 * HUNDRED_GB)),
        never_returns: ("timeout", "no answer within 6 s"),
    }
    paths = [tmp_path / f"{make.__name__}.onnx" for make in (fine, *expected)]
    for make, path in zip((fine, *expected), paths, strict=True):
        make(path)
    process = facet("measure", *paths, "--out", tmp_path / "records.jsonl", *QUICK)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 4, stderr
    told = json.loads(stdout)
    assert [model["name"] for model in told["measured"]] == ["fine.onnx"]
    assert told["measured"][0]["n"] >= 150
    assert len((tmp_path / "records.jsonl").read_text().splitlines()) == 1
    failed = {Path(model["file"]).stem: model for model in told["failed"]}
    for make, (kind, words) in expected.items():
        assert failed[make.__name__]["kind"] == kind, failed
        assert words in failed[make.__name__]["detail"]
    assert workers_of(process.pid) == []


def test_damaged_files_fail_beside_a_sound_one(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    damaged = [tmp_path / "cut.tflite", tmp_path / "bit_flipped.tflite"]
    for make, path in zip((cut, bit_flipped), damaged, strict=True):
        make(path)
    process = facet("measure", *damaged, DATA / "conv.tflite", *QUICK)
    told = json.loads(process.communicate(timeout=60)[0])
    assert process.returncode == 4
    assert [model["name"] for model in told["measured"]] == ["conv.tflite"]
    assert [model["kind"] for model in told["failed"]] == ["rejected", "rejected"]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_is_left_behind(tmp_path: Path, ending: signal.Signals) -> None:
    never_returns(tmp_path / "loop.onnx")
    process = facet("measure", tmp_path / "loop.onnx")
    wait_until(lambda: workers_of(process.pid) != [])
    if ending is signal.SIGINT:
        os.killpg(process.pid, ending)  # Ctrl-C
    else:
        process.send_signal(ending)
    process.communicate(timeout=30)
    assert process.returncode != 0
    wait_until(lambda: workers_of(process.pid) == [])
