"""Stage `check`: everything that can go wrong early does so here, before any long work."""

from __future__ import annotations

import json
from pathlib import Path

from edge.files import write_atomic
from edge.record import Target
from edge.target import make_target
from pipeline.cost import estimate
from pipeline.params import Params, TargetParams
from pipeline.sources import listing

TARGET_FILE = Path("results/target.json")


def run(params: Params, root: Path = Path()) -> None:
    """Write down the target and what lies at `data.path`, and say what the run will cost.

    Every later measurement belongs to this target: another device or another version of the
    runtime changes the file, and with it what DVC runs again; so do other images of the user's.
    Raises MissingRuntime where the runtime's package is not installed, and DataError where the
    place or the split of the data cannot be right.
    """
    data = listing.outline(params.data, root)
    target = describe(params.target)
    content = json.dumps(target.model_dump(mode="json"), indent=2, sort_keys=True) + "\n"
    write_atomic(root / TARGET_FILE, content)
    listing.write(params.data, root)
    print(f"target: {target}")
    print(report(estimate(params, data)))


def describe(params: TargetParams) -> Target:
    """The target on this machine."""
    return make_target(params.runtime, params.threads, params.precision)


def read_target(root: Path = Path()) -> Target:
    """The target that `run` wrote below `root`."""
    return Target.model_validate_json((root / TARGET_FILE).read_text(encoding="utf-8"))


def report(minutes: dict[str, float]) -> str:
    """One line: the total and what each stage takes."""
    parts = ", ".join(f"{stage} {m:.1f}" for stage, m in minutes.items())
    return f"roughly {sum(minutes.values()):.0f} CPU minutes if nothing is cached: {parts}"
