from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from edge.calibration import fit
from edge.feedback.pull import CURSOR, pull
from edge.hub_api import Records
from edge.record import WITHDRAWN, Measurement, Subject, iter_networks, read_all, unique
from tests.edge.feedback.made_up import NOW, measured, table, world

NETWORKS = world(0, 5)
CHAIN = measured(1.0).model_copy(
    update={"subject": Subject(kind="chain", name="c", sha256="0", block="b", repeat=3)}
)


class MadeUpHub:
    """Answers in pages of two; `asked` is what it was asked."""

    def __init__(self, records: Sequence[Measurement], url: str = "http://hub") -> None:
        self.stored, self.url = list(records), url
        self.asked: list[int] = []
        self.revoked: list[Measurement] = []

    def records(self, after: int, limit: int = 2) -> Records:
        self.asked.append(after)
        page = self.stored[after : after + limit]
        return Records(records=tuple(page), next=after + len(page) if page else None)

    def excluded(self) -> list[str]:
        return [record.id for record in self.revoked]


def test_networks_are_filed_and_what_was_read_is_not_asked_for_again(tmp_path: Path) -> None:
    hub = MadeUpHub([CHAIN, *NETWORKS])
    found = pull(hub, tmp_path, now=NOW)
    assert (found.added, found.known, found.others, found.refused) == (5, 0, 1, ())
    assert read_all(tmp_path) == unique(NETWORKS)
    assert hub.asked == [0, 2, 4, 6]
    again = pull(hub, tmp_path, now=NOW)
    assert (again.added, again.known, again.others) == (0, 0, 0)
    assert hub.asked[4:] == [5, 6]  # whether the last one is still there, and what is new
    hub.stored.append(measured(9.0, "conv_k3"))
    assert pull(hub, tmp_path, now=NOW).added == 1


def test_what_a_profile_judges_itself_by_is_not_fitted(tmp_path: Path) -> None:
    roles = [measured(1.0, "sep_k3", role=role) for role in ("base", "heldout", "anchor")]
    found = pull(MadeUpHub(roles), tmp_path, now=NOW)
    assert (found.added, found.others) == (1, 2)
    assert [m.subject.role for m in read_all(tmp_path)] == ["anchor"]


def test_reading_anew_files_nothing_twice(tmp_path: Path) -> None:
    hub = MadeUpHub(NETWORKS)
    pull(hub, tmp_path, now=NOW)
    files = set(tmp_path.iterdir())
    again = pull(hub, tmp_path, anew=True, now=NOW)
    assert (again.added, again.known) == (0, 5)
    assert set(tmp_path.iterdir()) == files


def test_every_hub_has_a_cursor_of_its_own(tmp_path: Path) -> None:
    pull(MadeUpHub(NETWORKS[:3], "http://a"), tmp_path, now=NOW)
    pull(MadeUpHub(NETWORKS[3:], "http://b"), tmp_path, now=NOW)
    assert json.loads((tmp_path / CURSOR).read_text()) == {
        "http://a": {"after": 3, "record": NETWORKS[2].id},
        "http://b": {"after": 2, "record": NETWORKS[4].id},
    }
    assert read_all(tmp_path) == unique(NETWORKS)


@pytest.mark.parametrize("kept", [0, 2], ids=["replaced", "restored"])
def test_a_database_that_counts_anew_is_read_anew(tmp_path: Path, kept: int) -> None:
    """At the same address, and by its numbers nothing in it is new."""
    pull(MadeUpHub(NETWORKS[:3]), tmp_path, now=NOW)
    hub = MadeUpHub([*NETWORKS[:kept], *NETWORKS[3:]])
    again = pull(hub, tmp_path, now=NOW)
    assert (again.added, again.known) == (2, kept)
    assert read_all(tmp_path) == unique(NETWORKS)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"http://hub": "x"}', '{"http://hub": 3}', '{"http://hub": {"after": 3}}']
)
def test_a_damaged_cursor_costs_no_record(tmp_path: Path, text: str) -> None:
    (tmp_path / CURSOR).write_text(text)
    assert pull(MadeUpHub(NETWORKS), tmp_path, now=NOW).added == 5


def test_what_came_before_the_hub_went_away_is_kept(tmp_path: Path) -> None:
    class Broken(MadeUpHub):
        def records(self, after: int, limit: int = 2) -> Records:
            if after == 2:
                raise ConnectionError
            return super().records(after, limit)

    with pytest.raises(ConnectionError):
        pull(Broken(NETWORKS), tmp_path, now=NOW)
    assert len(read_all(tmp_path)) == 2
    assert pull(MadeUpHub(NETWORKS), tmp_path, now=NOW).added == 3


def test_a_record_that_moves_no_calibration_is_refused_by_its_number(tmp_path: Path) -> None:
    emulated = NETWORKS[3].target.model_copy(update={"device": "Pi 4, emulated"})
    records = [*NETWORKS[:3], NETWORKS[3].model_copy(update={"target": emulated})]
    found = pull(MadeUpHub(records), tmp_path, now=NOW)
    assert found.added == 3
    assert [(r.line, r.reason) for r in found.refused] == [
        (4, "was not measured on hardware: Pi 4, emulated")
    ]


def test_what_the_hub_excluded_meanwhile_is_withdrawn_and_no_file_changes(tmp_path: Path) -> None:
    hub = MadeUpHub(NETWORKS)
    (filed, *_) = pull(hub, tmp_path, now=NOW).filed
    content = filed.read_bytes()
    hub.revoked = [NETWORKS[0], NETWORKS[3], measured(9.0, "conv_k3")]  # the last never came here
    assert pull(hub, tmp_path, now=NOW).withdrawn == 2
    assert read_all(tmp_path) == unique([NETWORKS[1], NETWORKS[2], NETWORKS[4]])
    assert filed.read_bytes() == content
    assert (tmp_path / WITHDRAWN).read_text().split() == sorted([NETWORKS[0].id, NETWORKS[3].id])
    again = pull(hub, tmp_path, anew=True, now=NOW)
    assert (again.added, again.known, again.withdrawn) == (0, 5, 0)
    hub.revoked.append(NETWORKS[1])
    assert pull(hub, tmp_path, now=NOW).withdrawn == 1
    assert read_all(tmp_path) == unique([NETWORKS[2], NETWORKS[4]])


def test_without_the_records_of_a_revoked_board_the_fit_is_that_of_the_others(
    tmp_path: Path,
) -> None:
    """As if the board, which says that all is twice as slow, had never reported."""
    lies = [
        record.model_copy(
            update={"samples_ns": tuple(tuple(2 * ns for ns in b) for b in record.samples_ns)}
        )
        for record in NETWORKS
    ]
    hub = MadeUpHub([*NETWORKS, *lies])
    pull(hub, tmp_path, now=NOW)
    before = fit(table(), list(iter_networks(read_all(tmp_path))), now=NOW)
    hub.revoked = lies
    pull(hub, tmp_path, now=NOW)
    after = fit(table(), list(iter_networks(read_all(tmp_path))), now=NOW)
    honest = fit(table(), list(iter_networks(NETWORKS)), now=NOW)
    architecture = NETWORKS[0].subject.read_architecture()
    assert after.predict(architecture) == honest.predict(architecture)
    assert before.predict(architecture) != honest.predict(architecture)
