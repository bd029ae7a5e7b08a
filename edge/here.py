"""Which of the targets that a family was measured on this machine is, at this moment."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from edge.device import ROOT, describe
from edge.manifest import Manifest
from edge.no_fit import MEASURE
from edge.record import Target
from edge.runtimes import MissingRuntime, UnknownRuntime, get_runtime
from edge.selection import PickError, together
from edge.sensors import power_mode


class NotMeasuredHere(PickError):
    """Nothing was measured on a machine like this one, in the state that it is in."""


def targets_here(
    manifest: Manifest,
    runtime: str | None = None,
    root: Path = ROOT,
    precision: str | None = None,
) -> tuple[list[Target], Mapping[Target, str]]:
    """The targets that this machine can run now, and doubts about some of them: their runtime has
    another version than the one that was measured. With `runtime` and in `precision` only, where
    they are given.

    Raises NotMeasuredHere, MissingRuntime where only runtimes were measured that are not
    installed, and SeveralTargets where they differ in more than runtime, provider and precision.
    """
    like_this = [t for t in manifest.targets if elsewhere(t, root) is None]
    wanted = [
        t for t in like_this if runtime in (None, t.runtime) and precision in (None, t.precision)
    ]
    if not wanted:
        asked = (f"with {runtime} " if runtime else "") + (f"in {precision} " if precision else "")
        raise _nowhere(manifest, fingerprint(root), power_mode(root), asked)
    versions = {t.runtime: installed(t.runtime) for t in wanted}
    runnable = [t for t in wanted if versions[t.runtime] is not None]
    if not runnable:
        get_runtime(wanted[0].runtime).version()  # says how to install it
    doubts = {
        t: f"measured with {t.runtime} {t.runtime_version}, {versions[t.runtime]} is installed"
        for t in runnable
        if versions[t.runtime] != t.runtime_version
    }
    return together(runnable), doubts


def elsewhere(target: Target, root: Path = ROOT) -> str | None:
    """How this machine, at this moment, is not what was measured; None where it is."""
    device, mode = fingerprint(root), power_mode(root)
    if target.device != device:
        return f"measured on {target.device}, not on this machine ({device})"
    if target.power_mode != mode:
        return f"measured in power mode {target.power_mode}, and this machine is in {mode} now"
    return None


@lru_cache
def fingerprint(root: Path = ROOT) -> str:
    """Of this machine, which does not change while the process lives."""
    return describe(root).fingerprint


@lru_cache
def installed(runtime: str) -> str | None:
    """The version of a runtime; None where it cannot run. A process keeps what it has imported."""
    try:
        return get_runtime(runtime).version()
    except (MissingRuntime, UnknownRuntime):
        return None


def _nowhere(manifest: Manifest, device: str, mode: str, asked: str) -> NotMeasuredHere:
    lines = "".join(f"\n  {target.id}: {target}" for target in manifest.targets) or " nothing"
    return NotMeasuredHere(
        f"nothing was measured {asked}on {device}, power mode {mode}, but on:{lines}\n"
        f"name the target whose latencies hold here, or measure here:\n{MEASURE}"
    )
