"""A real process with a real runtime, which is killed in the middle of an order."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.bundle_writer import write
from edge.orders import How
from edge.record import read
from edge.report_file import ReportFile
from tests.edge.bundles import WHEN, models_in, order

PROJECT = Path(__file__).parents[3]
FACET = "from edge.cli import main; main(prog_name='facet')"
PATIENCE_S = 60


@pytest.mark.slow
def test_a_board_that_is_switched_off_goes_on_where_it_was(
    onnx_model: Callable[[str], Path], tmp_path: Path
) -> None:
    models = {name: onnx_model(name).read_bytes() for name in ("one", "two")}
    made = order(models, how=How(warmup_s=0, blocks=20, block_s=0.1, max_runs=None))
    write(tmp_path / "stick.zip", made, models_in(tmp_path / "sources", models), created=WHEN)
    command = [sys.executable, "-c", FACET, "measure", "stick.zip"]
    environment = {"PYTHONPATH": str(PROJECT), "TMPDIR": str(tmp_path)}

    first = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE_S
    while not (kept := finished_blocks(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.01)
    first.send_signal(signal.SIGKILL)
    first.wait()
    kept = finished_blocks(tmp_path)
    report = ReportFile.of(made, tmp_path)
    assert 0 < len(kept) < 40
    assert not report.path.exists()

    subprocess.run(command, cwd=tmp_path, env=environment, check=True, stdout=subprocess.DEVNULL)
    records = read(report.path)
    assert [record.subject.name for record in records] == ["one", "two"]
    assert [len(record.samples_ns) for record in records] == [20, 20]
    assert not list(tmp_path.glob("*.journal.*"))
    measured = {str(list(block)) for record in records for block in record.samples_ns}
    assert all(any(samples in line for samples in measured) for line in kept)


def finished_blocks(folder: Path) -> list[str]:
    """Whole lines of the journal, without its header."""
    lines = [line for path in folder.glob("*.journal.*") for line in path.open()]
    return [line for line in lines if line.endswith("\n")][1:]
