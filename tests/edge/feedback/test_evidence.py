from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.feedback.evidence import Evidence
from edge.table import TableError
from tests.edge.feedback.made_up import OFFSET_MS, TARGET, measured, profile, table, world, write


def test_it_reads_the_profile_and_what_came_back(tmp_path: Path) -> None:
    anchor, back = measured(0.8, "conv_k3", role="anchor"), measured(1.0, "sep_k3")
    write(tmp_path / "m" / "report.jsonl", back)
    evidence = Evidence.read(profile(tmp_path / "profile", anchor), tmp_path / "m")
    assert evidence.table == table()
    assert [m.subject.role for _, m in evidence.session] == ["base", "anchor"]
    assert [m for _, m in evidence.feedback] == [back]


def test_without_a_profile_it_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="is missing; make it with: dvc repro"):
        Evidence.read(tmp_path, tmp_path / "m")


def test_records_that_came_back_are_fitted_beside_the_anchors(tmp_path: Path) -> None:
    anchors, back = world(0, 3), world(1, 4, price={"conv_k3": 1.5})
    write(tmp_path / "m" / "report.jsonl", *back)
    calibration = Evidence.read(profile(tmp_path / "profile", *anchors), tmp_path / "m").calibrate()
    assert calibration.n == 7
    assert max(n.measured_ms for n in calibration.networks) > OFFSET_MS


def test_without_networks_it_is_the_table(tmp_path: Path) -> None:
    elsewhere = TARGET.model_copy(update={"threads": 4})
    table().write(tmp_path)
    write(tmp_path / "records.jsonl", measured(1.0, target=elsewhere))
    assert Evidence.read(tmp_path, tmp_path / "m").calibrate().n == 0


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 2), min_size=6, max_size=6))
def test_how_records_lie_in_files_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, files: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("project")
    where, back = profile(folder / "profile", *world(0, 3)), world(1, 6, price={"conv_k3": 1.5})
    write(folder / "one" / "report.jsonl", *back)
    for name in set(files):
        part = [m for m, of in zip(back, files, strict=True) if of == name]
        write(folder / "many" / f"{name}.jsonl", *part, *back[:1])
    one, many = (Evidence.read(where, folder / name).calibrate() for name in ("one", "many"))
    assert one.to_dict() == many.to_dict()
