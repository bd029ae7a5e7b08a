import json

import pytest

from edge.spec import Architecture, BlockSpec, Row, SpecError
from pipeline import members
from pipeline.members import ExtractedMember, MembersError
from tests.pipeline.made_up import trained_member

NETWORK = Architecture("mbconv", (1, 28, 28), 10, (Row("s", BlockSpec("conv_k3", 1, 8, 28, 28)),))
EXTRACTED = ExtractedMember(
    name="budget-2ms",
    architecture=NETWORK.to_dict(),
    origin={"kappa": 0.3},
    budget_ms=2.0,
    predicted_ms=1.7,
    predicted_lo_ms=1.6,
    predicted_hi_ms=1.8,
    predicted_tail_ms=1.9,
    shared_cross_entropy=0.4,
    shared_accuracy=0.85,
)
TRAINED = trained_member("few-large", NETWORK)
CASES = [
    (members.read_extracted, EXTRACTED, "extract"),
    (members.read_trained, TRAINED, "retrain"),
]


@pytest.mark.parametrize(("read", "member", "stage"), CASES)
def test_what_is_written_is_read_back(tmp_path, read, member, stage):
    path = tmp_path / "new" / "members.json"
    members.write(path, [member, member])
    assert read(path) == [member, member]


def test_a_person_can_read_the_file(tmp_path):
    path = tmp_path / "members.json"
    members.write(path, [TRAINED])
    assert '\n   "name": "few-large",\n' in path.read_text()


@pytest.mark.parametrize("member", [EXTRACTED, TRAINED])
def test_a_member_holds_its_architecture(member):
    assert member.read_architecture() == NETWORK
    with pytest.raises(SpecError, match="not an architecture"):
        member.model_copy(update={"architecture": {}}).read_architecture()


@pytest.mark.parametrize(("read", "member", "stage"), CASES)
def test_a_missing_file_says_what_to_do(tmp_path, read, member, stage):
    with pytest.raises(MembersError, match=f"does not exist; make it with: dvc repro {stage}"):
        read(tmp_path / "members.json")


@pytest.mark.parametrize(
    "content", ["", "no JSON", "[]", "{}", '{"members": 3}', '{"members": [{"name": "a"}]}']
)
@pytest.mark.parametrize(("read", "member", "stage"), CASES)
def test_a_broken_file_says_what_to_do(tmp_path, content, read, member, stage):
    path = tmp_path / "members.json"
    path.write_text(content)
    with pytest.raises(MembersError, match=f"is no list of members; dvc repro -sf {stage}"):
        read(path)


def test_the_two_lists_are_told_apart(tmp_path):
    path = tmp_path / "members.json"
    path.write_text(json.dumps({"members": [EXTRACTED.model_dump()]}))
    with pytest.raises(MembersError):
        members.read_trained(path)
