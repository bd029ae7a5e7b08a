"""A family's members in their order on this machine, worked out once a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from edge.candidates import Candidate
from edge.device import ROOT
from edge.here import targets_here
from edge.manifest import Manifest
from edge.pick import Question, standing
from edge.record import Target
from edge.selection import selected

HOLDS_NS = 1_000_000_000

_Asked = tuple[int, float, Target | None, str | None, Path]


class Ranking:
    """Every member of `manifest` on the targets of a question, the best first.

    A ranking holds for a second: power modes and the age of a measurement change slowly, and who
    picks before every image must not wait until the files of the kernel are read. Any number of
    threads may ask.
    """

    def __init__(self, manifest: Manifest, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._manifest, self._clock = manifest, clock
        self._known: dict[_Asked, tuple[int, Sequence[Candidate]]] = {}

    def __call__(
        self,
        question: Question,
        target: Target | None = None,
        runtime: str | None = None,
        root: Path = ROOT,
    ) -> Sequence[Candidate]:
        """On `target`, or where there is none on all that this machine can run now.

        Raises PickError, and what `targets_here` raises.
        """
        asked = question.percentile, question.confidence, target, runtime, root
        now_ns = self._clock()
        known = self._known.get(asked)
        if known is not None and now_ns < known[0]:
            return known[1]
        found = self._rank(question, target, runtime, root)
        self._known[asked] = now_ns + HOLDS_NS, found
        return found

    def _rank(
        self, question: Question, target: Target | None, runtime: str | None, root: Path
    ) -> Sequence[Candidate]:
        if target is not None:
            return standing(self._manifest, question, selected(self._manifest, target, runtime))
        targets, doubts = targets_here(self._manifest, runtime, root)
        return standing(self._manifest, question, targets, doubts)
