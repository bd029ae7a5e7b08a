from edge.family_diff import Change, diff
from edge.manifest import Provenance
from edge.record import Target
from tests.edge.test_pick import LARGE, MIDDLE, SMALL, TARGET, family, filed, member

ID = Target.model_validate(TARGET).id


def test_nothing_changes_into_itself() -> None:
    assert diff(family(SMALL), family(SMALL)) == []


def test_members_come_and_go() -> None:
    assert diff(family(SMALL, MIDDLE), family(MIDDLE, LARGE)) == [
        Change("small", "member", "present", None),
        Change("large", "member", None, "present"),
    ]


def test_figures_change_with_what_they_are_of() -> None:
    slower = filed(member("small", 0.81, 1.5, None), status="rejected", size_bytes=900)
    assert diff(family(SMALL), family(slower)) == [
        Change("small", "holdout_accuracy", 0.80, 0.81),
        Change("small", "test_accuracy", 1 - 0.80, 1 - 0.81),
        Change("small", "fp32 onnx status", "ok", "rejected"),
        Change("small", "fp32 onnx size_bytes", 1000, 900),
        Change("small", f"{ID} median_ms", 1.0, 1.5),
        Change("small", f"{ID} p95_ms", 1.2, None),
    ]


def test_the_family_itself_changes() -> None:
    other = family(SMALL).model_copy(update={"dataset": "e", "std": (2.0,)})
    assert diff(family(SMALL), other) == [
        Change("", "dataset", "d", "e"),
        Change("", "std", "1", "2"),
    ]
    made = Provenance(commit="abc", edgefacet="1")
    again = {"licence": "MIT", "provenance": made.model_copy(update={"commit": "def"})}
    assert diff(
        family(SMALL).model_copy(update={"provenance": made}),
        family(SMALL).model_copy(update=again),
    ) == [Change("", "commit", "abc", "def"), Change("", "licence", None, "MIT")]
    assert Change("", "std", "1", "2").to_dict() == {
        "member": "", "what": "std", "old": "1", "new": "2",
    }  # fmt: skip
