"""A family as a server: its members on this machine's runtime, by what was measured of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy.typing as npt

from edge.candidates import Candidate
from edge.device import ROOT
from edge.family import Family
from edge.manifest import CONFIDENCE
from edge.model import Model
from edge.pick import NoFit, Question, judge
from edge.preprocess import BadImage, Batch, Floats
from edge.record import Target
from edge.runtimes import get_runtime
from edge.serving.controller import HEADROOM, HOLD_S, Rung, ladder
from edge.serving.feedback import Feedback
from edge.serving.server import Server


class OneImage:
    """A member as a server runs it: one inference a call, which is what was measured."""

    def __init__(self, model: Model) -> None:
        self._prepare, self.run, self.read = model.prepare, model.run, model.read

    def prepare(self, image: npt.ArrayLike) -> Batch:
        """Raises BadImage, for a batch too."""
        found = self._prepare(image)
        if not found.single:
            raise BadImage("a server takes one image at a time: a budget is about one inference")
        return found


def serve(
    family: Family,
    budget_ms: float,
    percentile: int = 95,
    *,
    confidence: float = CONFIDENCE,
    min_accuracy: float | None = None,
    target: Target | None = None,
    runtime: str | None = None,
    on_no_fit: Callable[[NoFit], None] | None = None,
    inbox: Path | str | None = None,
    hold_s: float = HOLD_S,
    headroom: float = HEADROOM,
    root: Path = ROOT,
) -> Server[npt.ArrayLike, Floats]:
    """A server of the members that fit `budget_ms` on the target that `edge.model.pick` chooses.

    It is called with an image, as a `Model` is, and gives class probabilities, (classes,). The
    budget is about the network alone. `inbox` is the folder that the agent looks at: a tenth of the
    times of the most accurate member is left there.

    Raises what `edge.model.pick` raises, NoFit included, for the member that begins.
    """
    question = Question(budget_ms, percentile, confidence, min_accuracy)
    ranked = family.ranking(question, target, runtime, root)
    on = judge(ranked, question).target
    there = [c for c in ranked if c.latency.target == on and question.accurate(c)]
    fitting = ladder(rungs(there), budget_ms)
    best = fitting[-1].name
    return Server(
        fitting,
        lambda rung: OneImage(family.open(rung.name, on)),
        budget_ms,
        percentile,
        on_no_fit=on_no_fit,
        feedback=None if inbox is None else Feedback(Path(inbox), {best: _line(family, best, on)}),
        hold_s=hold_s,
        headroom=headroom,
    )


def rungs(candidates: Iterable[Candidate]) -> list[Rung]:
    """Those that have a bound; hold-out accuracy ranks them."""
    return [
        Rung(of.member.name, of.member.holdout_accuracy, of.median_ms, of.bound_ms)
        for of in candidates
        if of.bound_ms is not None
    ]


def _line(family: Family, name: str, target: Target) -> dict[str, Any]:
    """What a line of the agent's inbox says besides the times."""
    member = family.manifest.member(name)
    artifact = member.deployed_for(target)
    return {
        "name": member.name,
        "sha256": artifact.sha256,
        "architecture": member.architecture,
        "runtime": target.runtime,
        "runtime_version": get_runtime(target.runtime).version(),
        "provider": target.provider,
        "precision": target.precision,
        "threads": target.threads,
        "batch": target.batch,
    }
