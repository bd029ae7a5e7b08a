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
