"""Stage `check`: everything that can go wrong early does so here, before any long work."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path

from edge.errors import EdgeError
from edge.files import write_atomic
from edge.record import Target
from edge.target import make_target
from pipeline.cost import estimate
from pipeline.params import Params, TargetParams
from pipeline.sources import listing

TARGET_FILE = Path("results/target.json")  # the one that is searched for
TARGETS_FILE = Path("results/targets.json")  # all that are measured
_EXPORTERS = {"onnxruntime": "onnxscript", "litert": "litert-torch"}


class MissingExporter(EdgeError, ImportError):
    """The package that makes the model files of a runtime is not installed."""


def run(params: Params, root: Path = Path()) -> None:
    """Write down the target and what lies at `data.path`, and say what the run will cost.

    Every later measurement belongs to this target: another device or another version of the
    runtime changes the file, and with it what DVC runs again; so do other images of the user's.
    Raises MissingRuntime where the runtime's package is not installed, and DataError where the
    place or the split of the data cannot be right.
    """
    data = listing.outline(params.data, root)
    targets = [describe(target) for target in params.targets]
    _write(root / TARGET_FILE, targets[0].model_dump(mode="json"))
    _write(root / TARGETS_FILE, [target.model_dump(mode="json") for target in targets])
    listing.write(params.data, root)
    for target in targets:
        print(f"target: {target}")
    print(report(estimate(params, data)))


def describe(params: TargetParams) -> Target:
    """The target on this machine. Raises MissingRuntime or MissingExporter."""
    target = make_target(params.runtime, params.threads, params.precision)
    exporter = _EXPORTERS[params.runtime]
    try:
        metadata.version(exporter)
    except metadata.PackageNotFoundError:
        raise MissingExporter(
            f"{exporter} is not installed, which makes the models of {params.runtime}: "
            "pip install 'edgefacet[pipeline]', or take that runtime out of `targets`"
        ) from None
    return target


def read_target(root: Path = Path()) -> Target:
    """The first target that `run` wrote below `root`: what the search is for."""
    return Target.model_validate_json((root / TARGET_FILE).read_text(encoding="utf-8"))


def read_targets(root: Path = Path()) -> list[Target]:
    """All targets that `run` wrote below `root`, the first one first."""
    rows = json.loads((root / TARGETS_FILE).read_text(encoding="utf-8"))
    return [Target.model_validate(row) for row in rows]


def _write(path: Path, content: object) -> None:
    write_atomic(path, json.dumps(content, indent=2, sort_keys=True) + "\n")


def report(minutes: dict[str, float]) -> str:
    """One line: the total and what each stage takes."""
    parts = ", ".join(f"{stage} {m:.1f}" for stage, m in minutes.items())
    return f"roughly {sum(minutes.values()):.0f} CPU minutes if nothing is cached: {parts}"
