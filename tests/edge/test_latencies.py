"""What a manifest keeps of a record."""

import pytest

from edge.latencies import latency_of
from tests.edge.measured import NOW, record


def test_a_latency_keeps_the_summary_of_its_record() -> None:
    latency = latency_of(record("m.onnx", 2.0))
    assert (latency.median_ms, latency.lo_ms, latency.hi_ms) == pytest.approx((2, 2, 2))
    assert (latency.p95_ms, latency.n) == (pytest.approx(2.0), 700)
    assert (latency.verdict, latency.peak_memory_bytes) == ("clean", 12)
    assert latency.moment == NOW
    assert latency.predicted_ms is None


def test_an_interval_that_reaches_below_zero_is_cut_off() -> None:
    wild = record("m.onnx", 1.0)
    wild = wild.model_copy(update={"samples_ns": tuple((10 ** (n + 1),) for n in range(6))})
    assert 0 < latency_of(wild).lo_ms < 1e-4
