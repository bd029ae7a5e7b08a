import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.problems import did_you_mean, explain


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    size: int = 1


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    inner: Inner = Inner()
    named: dict[str, Inner] = {}
    choice: int | list[int] = 0
    many: tuple[Inner, ...] = ()
    pair: tuple[float, float] | None = None


def explained(data):
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(data)
    return explain(caught.value, data, Outer, "f.yaml").splitlines()


def test_the_nearest_name_is_suggested():
    assert did_you_mean("kapa", ["alpha", "kappa"]) == "; did you mean 'kappa'?"


def test_nothing_near_suggests_nothing():
    assert did_you_mean("zzz", ["alpha", "kappa"]) == ""


def test_one_problem_is_counted_as_one():
    assert explained({"inner": {"size": "x"}})[0] == "f.yaml has 1 problem:"


def test_keys_are_found_through_maps_of_models():
    assert explained({"named": {"a": {"siz": 1}}}) == [
        "f.yaml has 1 problem:",
        "  named.a.siz: unknown key; did you mean 'size'?; allowed: size",
    ]


def test_a_place_in_a_list_is_an_index_and_tags_of_unions_are_left_out():
    assert [line.split(":")[0].strip() for line in explained({"choice": [1, "x"]})] == [
        "f.yaml has 2 problems",
        "choice",
        "choice[1]",
    ]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"many": {"size": 2}}, "given {'size': 2}: should be a list, such as [{size: 2}]"),
        ({"many": "a"}, "given 'a': should be a list, such as [a]"),
        ({"many": None}, "given None: should be a list"),
        ({"pair": 0.5}, "given 0.5: should be a list, such as [0.5, 0.5]"),
        ({"pair": {"a": 1}}, "given {'a': 1}: should be a list, such as [{a: 1}, {a: 1}]"),
        ({"pair": [1, 2, 3]}, "given [1, 2, 3]: should have at most 2 items, not 3"),
        ({"named": 3}, "given 3: should be a map of keys"),
    ],
)
def test_lists_and_maps_are_named_as_in_yaml(data, told):
    ((key, _),) = data.items()
    assert explained(data)[1:] == [f"  {key}: {told}"]
