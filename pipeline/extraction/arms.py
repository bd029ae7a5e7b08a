"""The arms of an extraction, the search and its control: looked at alike, and compared at equal
effort."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.extraction.candidates import Candidate, by_bin, spread
from pipeline.extraction.judge import Judge


@dataclass(frozen=True)
class Scored:
    """Candidates of one arm: all that were screened, and those of them that were judged."""

    screened: list[Candidate]
    judged: list[Candidate]

    @property
    def seen(self) -> list[Candidate]:
        """Every candidate once, with the best scores it has."""
        judged = {candidate.choices: candidate for candidate in self.judged}
        return [judged.get(candidate.choices, candidate) for candidate in self.screened]

    @property
    def quickly_judged(self) -> list[Candidate]:
        """All that were screened, the quick look's cross-entropy in the place of the careful
        one's, which only the finalists have."""
        return [replace(c, cross_entropy=c.quick_cross_entropy) for c in self.screened]


@dataclass(frozen=True, eq=False)
class Looks:
    """How many candidates of an arm are looked at, evenly over bins of latency."""

    judge: Judge
    screened: int
    finalists: int
    limits_ms: tuple[float, float]
    bins: int

    def score(self, candidates: Sequence[Candidate], label: str) -> Scored:
        """Screen the candidates, the first of every bin, then judge the best of every bin."""
        some = spread(candidates, self.screened, self.limits_ms, self.bins)
        screened = self.judge.screen(some, f"{label}: screen")
        best = spread(_best_first(screened), self.finalists, self.limits_ms, self.bins)
        return Scored(screened, self.judge.judge(best, f"{label}: judge"))

    def equally(self, one: Scored, other: Scored) -> tuple[Scored, Scored]:
        """What two arms would have seen, had both had the same number of tries in every bin.

        An arm that reaches fewer bins has more tries in each of them, and the best of more is
        better, whatever they are drawn from. So of every bin those that were screened first, as
        many as the arm with fewer has, and the best of these by the quick look, as many as the arm
        with fewer judged. What was not judged yet is judged here.
        """
        tries = self._fewest(one.screened, other.screened)
        finals = self._fewest(one.judged, other.judged)
        return self._limited(one, tries, finals), self._limited(other, tries, finals)

    def _fewest(self, one: Sequence[Candidate], other: Sequence[Candidate]) -> list[int]:
        """How many both have in every bin."""
        counts = [map(len, by_bin(arm, self.limits_ms, self.bins)) for arm in (one, other)]
        return [min(pair) for pair in zip(*counts, strict=True)]

    def _limited(self, arm: Scored, tries: Sequence[int], finals: Sequence[int]) -> Scored:
        screened = self._first(arm.screened, tries)
        finalists = self._first(_best_first(screened), finals)
        judged = {candidate.choices: candidate for candidate in arm.judged}
        if missing := [c for c in finalists if c.choices not in judged]:
            found = self.judge.judge(missing, "comparison: judge")
            judged |= {candidate.choices: candidate for candidate in found}
        return Scored(screened, [judged[candidate.choices] for candidate in finalists])

    def _first(self, candidates: Sequence[Candidate], counts: Sequence[int]) -> list[Candidate]:
        """As many of every bin as `counts` says, in order."""
        bins = by_bin(candidates, self.limits_ms, self.bins)
        return [c for of, count in zip(bins, counts, strict=True) for c in of[:count]]


def _best_first(screened: Sequence[Candidate]) -> list[Candidate]:
    return sorted(screened, key=lambda candidate: candidate.quick_cross_entropy)
