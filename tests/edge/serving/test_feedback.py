from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge.agent.inbox import Inbox
from edge.serving.feedback import Feedback

LINE: dict[str, Any] = {
    "name": "large",
    "sha256": "a" * 64,
    "runtime": "onnxruntime",
    "runtime_version": "1.20.1",
    "provider": "CPUExecutionProvider",
    "precision": "fp32",
    "threads": 1,
}


def feedback(folder: Path, **options: Any) -> Feedback:
    return Feedback(folder, {"large": LINE}, clock=iter(range(1000)).__next__, **options)


def test_every_nth_time_is_kept_until_a_batch_is_full(tmp_path):
    times = feedback(tmp_path, every=3, batch=2)
    batches = [times.add("large", float(k)) for k in range(1, 8)]
    assert batches == [None, None, None, None, None, {"large": [3.0, 6.0]}, None]
    assert times.take() is None


def test_what_waits_can_be_taken_before(tmp_path):
    times = feedback(tmp_path, every=1)
    times.add("large", 1.5)
    assert times.take() == {"large": [1.5]}
    assert times.take() is None


def test_the_agent_reads_what_was_written(tmp_path):
    times = feedback(tmp_path)
    times.write({"large": [1.0, 2.0]})
    (taken,) = Inbox(tmp_path, root=tmp_path / "nowhere").look(0)
    assert taken.problems == ()
    (record,) = taken.records
    assert record.subject.name == "large"
    assert record.samples_ns == ((1_000_000,), (2_000_000,))
    assert times.written == 2


def test_files_have_names_of_their_own_and_nothing_half_written_remains(tmp_path):
    times = feedback(tmp_path)
    times.write({"large": [1.0]})
    times.write({"large": [1.0]})
    assert len(list(tmp_path.glob("serve-*.jsonl"))) == 2
    assert len(list(tmp_path.iterdir())) == 2


def test_an_inbox_that_nobody_empties_fills_to_the_limit(tmp_path):
    times = feedback(tmp_path, limit_bytes=500)
    (tmp_path / "of-another.jsonl").write_text("x" * 1000)  # does not count
    for _ in range(5):
        times.write({"large": [1.0] * 10})
    size_bytes = sum(path.stat().st_size for path in tmp_path.glob("serve-*"))
    assert 250 < size_bytes <= 500
    assert times.written + times.dropped == 50
    assert times.dropped >= 30
    assert "does the agent run?" in str(times.problem)


@pytest.mark.parametrize("batch", [{"large": [1.0]}, {"large": [float("nan")]}])
def test_what_cannot_be_left_is_counted(tmp_path, batch):
    times = feedback(tmp_path / ("missing" if batch["large"] == [1.0] else ""))
    times.write(batch)
    assert (times.written, times.dropped) == (0, 1)
    assert times.problem
