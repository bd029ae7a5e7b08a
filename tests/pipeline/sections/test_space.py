"""The sections of the spaces, told apart by their name."""

import pytest

from pipeline.params import CellParams, MBConvParams, NB201Params, Params, ParamsError, load


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({}, MBConvParams),
        ({"widths": [8], "depths": [1]}, MBConvParams),
        ({"name": "mbconv"}, MBConvParams),
        ({"name": "cell"}, CellParams),
        ({"name": "nb201"}, NB201Params),
    ],
)
def test_the_name_says_which_section_it_is(given, kind):
    assert type(Params(space=given).space) is kind


@pytest.mark.parametrize(
    ("space", "problem"),
    [
        ("{name: cels}", "space.name: unknown space; allowed: mbconv, cell, nb201"),
        ("{name: cell, wdth: 8}", "space.wdth: unknown key; did you mean 'width'?"),
        ("{name: nb201, cells: 0}", "space.cells: given 0"),
        ("{name: cell, width: 7}", "space.width: given 7"),
        ("{name: cell, operations: [none, skip]}", "name two operations beside none"),
        ("{name: cell, operations: [skip, mbconv_k3_e3]}", "unknown operation 'mbconv_k3_e3'"),
        ("{name: nb201, operations: [none, relu_conv_k3]}", "skip must be among them"),
        ("{name: nb201, operations: [none, skip, relu_conv_k5]}", "did you mean 'relu_conv_k"),
    ],
)
def test_a_problem_is_named_in_the_section_that_it_is_in(tmp_path, space, problem):
    path = tmp_path / "params.yaml"
    path.write_text(f"space: {space}\nextract: {{points: {{}}}}")
    with pytest.raises(ParamsError) as caught:
        load(path)
    assert problem in str(caught.value)
    assert "has 1 problem:" in str(caught.value)
