from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.feedback.candidates import Candidate, CandidatesError, drawn, of_file
from edge.record import iter_networks
from edge.table import Table, TableRow
from tests.edge.feedback.made_up import NOW, OPS, TARGET, block, measured, network, table

SESSION = list(iter_networks([measured(0.5, role="base"), measured(0.9, "conv_k3", role="anchor")]))


def test_members_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "architectures.json"
    rows = [{"name": "small", "architecture": network().to_dict(), "budget_ms": None}]
    path.write_text(json.dumps({"members": rows}))
    assert of_file(path) == [Candidate("small", network())]


@pytest.mark.parametrize(
    "content", ["no JSON", "[]", "{}", '{"members": [{"name": "a", "architecture": {}}]}']
)
def test_a_file_of_something_else(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(CandidatesError, match=r"x\.json holds no members of a family"):
        of_file(tmp_path / "x.json")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CandidatesError, match="cannot be read: No such file"):
        of_file(tmp_path / "x.json")


def test_drawn_networks_keep_the_fixed_layers_and_choose_among_the_tables_blocks() -> None:
    found = [candidate.architecture for candidate in drawn(table(), SESSION, 60, seed=0)]
    assert len({a.key for a in found}) == len(found)
    assert all(candidate.name is None for candidate in drawn(table(), SESSION, 5, seed=0))
    assert {a.rows[0] for a in found} == {network().rows[0]}
    assert {b for a in found for b in a.searched_blocks} == set(map(block, OPS))
    assert [row.place for row in found[0].rows] == [row.place for row in network().rows]


def test_some_drawn_networks_are_almost_of_one_operation() -> None:
    found = [candidate.architecture for candidate in drawn(table(), SESSION, 60, seed=0)]
    most = {op: max(a.op_counts[op] for a in found) for op in OPS}
    assert min(most.values()) >= 5  # of six


def test_blocks_of_another_geometry_do_not_stand_in() -> None:
    wider = "conv_k3:32x14x14-32:s1:relu"
    row = TableRow(0.1, 0.1, 0.1, 9, "clean", NOW.isoformat())
    other = Table(TARGET, 0.5, {wider: row})
    (only,) = drawn(other, SESSION, 20, seed=0)
    assert only.architecture == network()


def test_equal_seeds_draw_equal_networks() -> None:
    one, same, other = (drawn(table(), SESSION, 9, seed) for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_a_session_without_a_base_network() -> None:
    with pytest.raises(CandidatesError, match="dvc repro -sf profile"):
        drawn(table(), SESSION[1:], 9, seed=0)
