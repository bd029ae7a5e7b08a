import pytest

from models.registry import Registry


def test_a_registry_is_a_dict_of_what_it_decorates():
    tools = Registry("tool")

    @tools.register("hammer")
    def strike():
        return "hit"

    assert strike() == "hit"
    assert tools == {"hammer": strike}


def test_a_name_is_given_once():
    tools = Registry("tool")
    tools.register("hammer")(1)
    with pytest.raises(ValueError, match="tool 'hammer' is registered twice"):
        tools.register("hammer")(2)
    assert tools == {"hammer": 1}
