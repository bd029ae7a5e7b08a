"""fake_worker.py whose 2nd and 3rd start fail: ``flaky_worker.py LOG 2,3 …``; LOG counts starts."""

from __future__ import annotations

import sys
from pathlib import Path

from edge.worker import main
from tests.edge import fake_worker

if __name__ == "__main__":
    assert fake_worker.FakeRuntime.name == "fake"  # registered by its import
    log, failing = Path(sys.argv[1]), sys.argv[2].split(",")
    with log.open("a") as file:
        file.write("start\n")
    if str(len(log.read_text().splitlines())) in failing:
        sys.exit("no memory for a moment")
    main(sys.argv[3:])
