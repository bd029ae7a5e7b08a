"""The targets that `check` found, for the stages that measure: what was asked for must still be.

A stage that runs on its own, as with ``dvc repro -sf``, runs without `check`. Then params.yaml may
name other targets than those that were written down, and a latency would get a wrong target.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge.errors import EdgeError
from edge.files import write_atomic
from edge.record import Target
from edge.target import make_target
from pipeline.params import Params, TargetParams
from pipeline.remote.errors import LOCAL

TARGET_FILE = Path("results/target.json")  # the one that is searched for
TARGETS_FILE = Path("results/targets.json")  # all that are measured
ASKED_FILE = Path("results/asked.json")  # `targets` of params.yaml, of which they were made

Row = dict[str, Any]  # of params.yaml


class StaleTargets(EdgeError, ValueError):
    """Targets that are not those of params.yaml, or not of this machine any more."""


def write(targets: Sequence[Target], params: Params, root: Path = Path()) -> None:
    """Write down the `targets` that those of `params` are, the first one in a file of its own.

    What was asked for is no part of these files: a board of another name may be the same target.
    """
    _write(root / TARGET_FILE, targets[0].model_dump(mode="json"))
    _write(root / TARGETS_FILE, [target.model_dump(mode="json") for target in targets])
    _write(root / ASKED_FILE, _rows(params.targets))


def read_target(params: Params, root: Path = Path()) -> Target:
    """The first target that was written below `root`: what the search is for.

    Raises StaleTargets where it is not what `params` ask for.
    """
    target = Target.model_validate(_read(root / TARGET_FILE))
    _require_same(_read(root / ASKED_FILE)[:1], [target], params.targets[:1])
    return target


def read_targets(params: Params, root: Path = Path()) -> list[Target]:
    """All targets that were written below `root`, the first one first; raises as `read_target`."""
    targets = [Target.model_validate(row) for row in _read(root / TARGETS_FILE)]
    _require_same(_read(root / ASKED_FILE), targets, params.targets)
    return targets


def _require_same(
    asked: Sequence[Row], found: Sequence[Target], wanted: Sequence[TargetParams]
) -> None:
    if asked != _rows(wanted) or len(found) != len(wanted):
        raise StaleTargets("`targets` changed since they were checked: dvc repro check")
    for target, params in zip(found, wanted, strict=True):
        if params.device == LOCAL:
            _require_here(target, params)


def _require_here(target: Target, params: TargetParams) -> None:
    here = make_target(params.runtime, params.threads, params.precision)
    if here != target:
        raise StaleTargets(
            f"this machine is another target than the one that was checked:\n  {target}\n  {here}\n"
            "check it again: dvc repro check"
        )


def _rows(targets: Sequence[TargetParams]) -> list[Row]:
    return [target.model_dump(mode="json") for target in targets]


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StaleTargets(f"{path} is missing, which `check` writes: dvc repro check") from None


def _write(path: Path, content: object) -> None:
    write_atomic(path, json.dumps(content, indent=2, sort_keys=True) + "\n")
