"""MLPerf LoadGen, scenario single-stream: one query after the other, timed by LoadGen itself."""

from __future__ import annotations

import re
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.rivals.bare import Run, load, serve


def time_block(run: Run, seconds: float) -> float:
    """The median latency that LoadGen reports, in ns, for a test of `seconds`."""
    import mlperf_loadgen as lg

    def issue(queries: Any) -> None:
        for query in queries:
            run()
            lg.QuerySamplesComplete([lg.QuerySampleResponse(query.id, 0, 0)])

    settings = lg.TestSettings()
    settings.scenario = lg.TestScenario.SingleStream
    settings.mode = lg.TestMode.PerformanceOnly
    settings.min_duration_ms = round(seconds * 1000)
    settings.min_query_count = 1
    system = lg.ConstructSUT(issue, lambda: None)
    samples = lg.ConstructQSL(1, 1, lambda _: None, lambda _: None)
    with tempfile.TemporaryDirectory() as folder:
        log = lg.LogSettings()
        log.log_output.outdir = folder
        log.log_output.copy_summary_to_stdout = False
        lg.StartTestWithLogSettings(system, samples, settings, log, f"{folder}/audit.config")
        summary = (Path(folder) / "mlperf_log_summary.txt").read_text()
    lg.DestroyQSL(samples)
    lg.DestroySUT(system)
    return read_median_ns(summary)


def read_median_ns(summary: str) -> float:
    """The 50th percentile in LoadGen's summary."""
    found = re.search(r"^50\.00 percentile latency \(ns\)\s*: (\d+)", summary, re.MULTILINE)
    if found is None:
        raise ValueError(f"no 50th percentile in the summary of LoadGen:\n{summary}")
    return float(found[1])


if __name__ == "__main__":
    serve(partial(time_block, load(*sys.argv[1:3])))
