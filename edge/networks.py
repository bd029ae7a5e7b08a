"""Which of the measured networks a calibration is fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from edge.observed import USABLE
from edge.record import Measurement, Verdict
from edge.spec import Architecture

BASE = "base"  # the role of networks that a table's offsets come from
HELDOUT = "heldout"  # the role of networks that nothing is fitted on: they judge the others
JUDGES = (BASE, HELDOUT)  # were they fitted too, a profile's judgement would be worth nothing
ENOUGH = 3  # usable networks; fewer say little about scale, offset and noise
# With fewer usable ones suspect ones help. A neighbour on the host that disturbs a minority of the
# blocks of runs leaves medians right and verdicts suspect: the three undisturbed ones of ten
# networks predicted others within 3.7 %, all ten within 2.1 %.
WANTED = 10

Accept: TypeAlias = Literal["usable", "suspect", "auto"]
Measured: TypeAlias = tuple[Architecture, Measurement]


def to_fit(session: Sequence[Measured], feedback: Sequence[Measured]) -> list[Measured]:
    """The networks of the profile's `session` but the held-out and the base ones, and those of
    `feedback` around fixed layers that the profile knows.

    A table's offset is what a base network takes beyond its blocks: the table predicts it exactly,
    which says nothing of how well it predicts others.
    """
    trunks = {architecture.trunk for architecture, _ in session}
    fitted = [(a, m) for a, m in session if m.subject.role not in JUDGES]
    return [*fitted, *((a, m) for a, m in feedback if a.trunk in trunks)]


def accepted(measurements: Sequence[Measurement], accept: Accept) -> tuple[Verdict, ...]:
    """The verdicts that count. On a busy machine every record may be suspect: `auto` lets them
    in where too few are usable, because a table without any whole network is worse."""
    usable = sum(m.usable for m in measurements)
    suspects = any(m.verdict == "suspect" for m in measurements)
    if accept == "usable" or (accept == "auto" and (usable >= WANTED or not suspects)):
        return USABLE
    return (*USABLE, "suspect")
