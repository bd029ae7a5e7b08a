from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from edge import ranking
from edge.here import NotMeasuredHere
from edge.manifest import Manifest
from edge.pick import Question
from edge.ranking import HOLDS_NS, Ranking
from edge.record import Target
from edge.selection import PickError
from tests.edge.test_pick import ON, member
from tests.edge.test_pick import family as made

FAMILY = made(member("small", 0.8, 1.0, 1.2), member("large", 0.9, 2.0, 2.4))


class Machine:
    """Counts how often it is asked what it is."""

    def __init__(self) -> None:
        self.asked = 0
        self.now_ns = 0
        self.doubts: dict[Target, str] = {}

    def clock(self) -> int:
        return self.now_ns

    def targets(
        self, manifest: Manifest, _runtime: str | None, _root: Path
    ) -> tuple[list[Target], Mapping[Target, str]]:
        self.asked += 1
        return list(manifest.targets), dict(self.doubts)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    found = Machine()
    monkeypatch.setattr(ranking, "targets_here", found.targets)
    return found


def test_members_come_in_their_order(machine: Machine) -> None:
    found = Ranking(FAMILY)(Question(9.0))
    assert [c.member.name for c in found] == ["large", "small"]


def test_a_ranking_holds_for_a_second_whatever_the_budget_is(machine: Machine) -> None:
    rank = Ranking(FAMILY, machine.clock)
    first = rank(Question(9.0))
    machine.now_ns = HOLDS_NS - 1
    assert rank(Question(1.0, min_accuracy=0.9)) is first
    assert machine.asked == 1
    machine.now_ns = HOLDS_NS
    machine.doubts[ON] = "another version"
    assert [c.evidence for c in rank(Question(9.0))] == ["stale", "stale"]
    assert machine.asked == 2


def test_other_percentiles_and_machines_are_other_rankings(
    machine: Machine, tmp_path: Path
) -> None:
    rank = Ranking(FAMILY, machine.clock)
    assert rank(Question(9.0))[0].bound_ms == pytest.approx(1.1 * 2.4)  # measured long ago
    assert rank(Question(9.0, 99))[0].bound_ms is None
    rank(Question(9.0, confidence=0.5))
    rank(Question(9.0), runtime="onnxruntime")
    rank(Question(9.0), root=tmp_path)
    assert machine.asked == 5


def test_a_target_that_is_named_needs_no_machine(machine: Machine) -> None:
    rank = Ranking(FAMILY)
    assert len(rank(Question(9.0), target=ON)) == 2
    assert machine.asked == 0
    with pytest.raises(PickError, match="is one of onnxruntime, not of litert"):
        rank(Question(9.0), target=ON, runtime="litert")


def test_a_refusal_is_not_kept(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_: object) -> object:
        raise NotMeasuredHere("nothing was measured here")

    rank = Ranking(FAMILY, machine.clock)
    monkeypatch.setattr(ranking, "targets_here", nowhere)
    with pytest.raises(NotMeasuredHere):
        rank(Question(9.0))
    monkeypatch.setattr(ranking, "targets_here", machine.targets)
    assert len(rank(Question(9.0))) == 2
