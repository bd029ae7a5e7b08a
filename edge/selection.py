"""Which of a family's targets a question is about."""

from __future__ import annotations

from collections.abc import Sequence

from edge.errors import EdgeError
from edge.manifest import Manifest
from edge.record import Target


class PickError(EdgeError, ValueError):
    """A question that cannot be answered as it was asked."""


class SeveralTargets(PickError):
    """The family was measured on several `targets`, and the question names none."""

    def __init__(self, targets: Sequence[Target]) -> None:
        lines = "".join(f"\n  {target.id}: {target}" for target in targets)
        super().__init__(
            "the family was measured on several targets, which are never ranked together:"
            f"{lines}\nsay which one to pick for, by its runtime and precision, or by the first "
            "word of its line"
        )
        self.targets = tuple(targets)


def selected(
    manifest: Manifest,
    target: Target | None = None,
    runtime: str | None = None,
    device: str | None = None,
    precision: str | None = None,
) -> list[Target]:
    """The targets to rank: one, or with `device` all that one device can run as it is.

    Empty where the family was not measured at all. Raises PickError where nothing was measured
    with `runtime`, in `precision` or on `device`, SeveralTargets where the question leaves several.
    """
    if target is not None:
        if runtime not in (None, target.runtime):
            raise PickError(f"target {target.id} is one of {target.runtime}, not of {runtime}")
        if precision not in (None, target.precision):
            raise PickError(f"target {target.id} is one of {target.precision}, not of {precision}")
        return [target]
    targets = _with_runtime(manifest.targets, runtime)
    targets = _in_precision(targets, precision)
    if device is not None:
        return together(_of_device(targets, device))
    if len(targets) > 1:
        raise SeveralTargets(targets)
    return targets


def together(targets: Sequence[Target]) -> list[Target]:
    """`targets` where one device in one state can choose among them at any moment: they differ in
    runtime, provider and precision only. Raises SeveralTargets where they do not."""
    places = {(t.device, t.threads, t.batch, t.power_mode) for t in targets}
    if len(places) > 1:
        raise SeveralTargets(targets)
    return list(targets)


def _with_runtime(targets: Sequence[Target], runtime: str | None) -> list[Target]:
    found = [target for target in targets if runtime in (None, target.runtime)]
    if targets and not found:
        known = ", ".join(sorted({target.runtime for target in targets}))
        raise PickError(f"the family was not measured with {runtime!r}; choose among: {known}")
    return found


def _in_precision(targets: Sequence[Target], precision: str | None) -> list[Target]:
    found = [target for target in targets if precision in (None, target.precision)]
    if targets and not found:
        known = ", ".join(sorted({target.precision for target in targets}))
        raise PickError(f"nothing was measured there in {precision!r}; choose among: {known}")
    return found


def _of_device(targets: Sequence[Target], device: str) -> list[Target]:
    found = [target for target in targets if device.lower() in target.device.lower()]
    if targets and not found:
        known = "; ".join(sorted({target.device for target in targets}))
        raise PickError(f"the family was not measured on a {device!r}; choose among: {known}")
    return found
