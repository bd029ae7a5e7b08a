import json
from pathlib import Path
from typing import Any

import pytest

from edge.family import Family
from edge.manifest import Bounds, FamilyError, Latency, Manifest, UnknownVersion, parse
from tests.edge.test_family import latency, manifest

DATA = Path(__file__).parent / "data"


def test_version_1_becomes_version_2_and_means_the_same() -> None:
    old = json.loads((DATA / "family_v1.json").read_text())
    made = parse(old, "family.json")
    assert made.text == (DATA / "family_v1_upgraded.json").read_text()
    assert (made.version, made.licence, made.provenance) == (2, None, None)
    (member,) = made.members
    assert len(member.deployed) == 1  # it is not rejected
    (found,) = member.latencies
    assert found.bound_ms(95) == 0.14678
    assert parse(json.loads(made.text), "again") == made


@pytest.mark.parametrize("version", [None, 0, 3, "2", [1], {}])
def test_a_version_that_is_unknown_is_said_to_be(version: Any) -> None:
    with pytest.raises(UnknownVersion, match=r"here: version .* is none of .* 1 to 2: update") as e:
        parse(manifest(version=version), "here")
    assert isinstance(e.value, FamilyError)


def test_what_is_no_object_has_no_version() -> None:
    with pytest.raises(UnknownVersion, match="version None"):
        parse([], "here")


def test_a_family_of_version_1_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "family.json").write_bytes((DATA / "family_v1.json").read_bytes())
    assert Family.load(tmp_path).manifest.version == 2


def test_a_bound_is_known_at_its_confidence_and_below() -> None:
    found = Latency.model_validate(
        latency(p95_ms=1.4, bounds=[{"confidence": 0.9, "p95_ms": 1.3}, {"confidence": 0.99}])
    )
    assert [found.bound_ms(95, at) for at in (0.8, 0.9, 0.91, 0.95)] == [1.3, 1.3, 1.4, 1.4]
    assert found.bound_ms(95, 0.99) is None  # the runs were too few for that one
    assert found.bound_ms(95, 0.999) is None
    assert found.bound_ms(99) is None
    assert found.bounds[0] == Bounds(confidence=0.9, p95_ms=1.3)


def test_a_card_stays_inside_the_folder() -> None:
    data = manifest()
    data["members"][0]["card"] = "../card.md"
    with pytest.raises(ValueError, match="stay inside the folder"):
        Manifest.model_validate(data)
