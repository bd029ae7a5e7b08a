import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.spec import Architecture, BlockSpec, Row, SpecError

STEM = Row("stem", BlockSpec("conv_k3", 1, 16, 28, 28, stride=2))
SEP = BlockSpec("sep_k3", 16, 16, 14, 14)
SKIP = BlockSpec("skip", 16, 16, 14, 14)
DOWN = Row("down2", BlockSpec("conv_k3", 16, 32, 14, 14, stride=2))

words = st.from_regex(r"[a-z0-9_]+", fullmatch=True)
sizes = st.integers(min_value=1, max_value=10_000)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
specs = st.builds(BlockSpec, words, sizes, sizes, sizes, sizes, stride=sizes, act=words)


def architecture(*blocks: BlockSpec) -> Architecture:
    """A stem, searched `blocks`, and a fixed transition."""
    rows = [Row(f"stage1.{i}", block, searched=True) for i, block in enumerate(blocks, 1)]
    return Architecture("mbconv", (1, 28, 28), 10, (STEM, *rows, DOWN))


def test_a_key_spells_the_block_out() -> None:
    spec = BlockSpec("mbconv_k3_e6", 16, 24, 14, 7, stride=2, act="relu6")
    assert spec.key == "mbconv_k3_e6:16x14x7-24:s2:relu6"


@given(specs)
def test_a_key_reads_back_as_its_block(spec: BlockSpec) -> None:
    assert BlockSpec.from_key(spec.key) == spec


@pytest.mark.parametrize(
    "key",
    [
        "",
        "sep_k3",
        "sep_k3:16x14x14-16:s1",
        "sep_k3:16x14x14-16:s1:relu ",
        "sep_k3:16x14x14-16:s1:relu\n",
        "sep_k3:16x14x14-16:s0:relu",  # a stride of nothing
        f"sep_k3:{'9' * 5000}x14x14-16:s1:relu",  # more digits than int() reads
        "sep_k3:016x14x14-16:s1:relu",  # would be a second key of the same block
        "sep_k3:١٦x14x14-16:s1:relu",  # 16, in digits that int() also reads
    ],
)
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(SpecError, match="is no block key; expected"):
        BlockSpec.from_key(key)


@pytest.mark.parametrize(("size", "stride", "out"), [(28, 1, 28), (28, 2, 14), (7, 2, 4)])
def test_the_output_is_the_input_over_the_stride_rounded_up(
    size: int, stride: int, out: int
) -> None:
    spec = BlockSpec("conv_k3", 8, 8, size, 2 * size, stride)
    assert (spec.out_height, spec.out_width) == (out, -(-2 * size // stride))


def test_a_block_is_residual_where_its_geometry_stays() -> None:
    assert SEP.residual
    assert not BlockSpec("sep_k3", 16, 16, 14, 14, stride=2).residual
    assert not BlockSpec("sep_k3", 16, 32, 14, 14).residual


def test_only_a_skip_that_keeps_its_geometry_is_an_identity() -> None:
    assert SKIP.is_identity
    assert not SEP.is_identity
    assert not BlockSpec("skip", 16, 32, 14, 14).is_identity


def test_searched_blocks_are_counted_without_the_trunk() -> None:
    network = architecture(SEP, SKIP, SEP)
    assert network.searched_blocks == (SEP, SKIP, SEP)
    assert network.op_counts == {"sep_k3": 2, "skip": 1}


@given(st.permutations([SEP, BlockSpec("conv_k3", 16, 16, 14, 14)]), st.data())
def test_where_skips_stand_does_not_matter(blocks: list[BlockSpec], data: st.DataObject) -> None:
    """The same blocks in the same order, with up to three skips thrown in anywhere."""
    with_skips = list(blocks)
    for _ in range(data.draw(st.integers(0, 3))):
        with_skips.insert(data.draw(st.integers(0, len(with_skips))), SKIP)
    assert architecture(*with_skips).key == architecture(*blocks).key
    kept = architecture(*with_skips).canonical()
    assert [row.block for row in kept.rows] == [STEM.block, *blocks, DOWN.block]


def test_the_order_of_other_blocks_matters() -> None:
    conv = BlockSpec("conv_k3", 16, 16, 14, 14)
    assert architecture(SEP, conv).key != architecture(conv, SEP).key


def test_the_key_depends_on_input_and_classes_but_on_no_name() -> None:
    network = architecture(SEP)
    rows, renamed = network.rows, tuple(Row("x", row.block) for row in network.rows)
    assert Architecture("other", (1, 28, 28), 10, renamed).key == network.key
    assert Architecture("mbconv", (3, 28, 28), 10, rows).key != network.key
    assert Architecture("mbconv", (1, 28, 28), 100, rows).key != network.key


def test_the_key_never_changes() -> None:
    """Stores and manifests are full of it: another key would orphan what is trained."""
    assert architecture(SEP, SKIP).key == "f267233fa908"


ADD = BlockSpec("add", 16, 16, 14, 14)


def two_branches(*, skip: BlockSpec | None = None, last: str = "b") -> Architecture:
    """The stem read by two blocks, an optional `skip` behind the first, and their sum."""
    rows = [STEM, Row("a", SEP, searched=True)]
    rows += [Row("skip", skip, searched=True)] if skip else []
    first = "skip" if skip else "a"
    rows += [Row("b", SEP, True, ("stem",)), Row("sum", ADD, inputs=(first, last)), DOWN]
    return Architecture("nb201", (1, 28, 28), 10, tuple(rows))


def test_rows_read_the_row_before_them_or_what_they_name() -> None:
    assert two_branches().sources == ((-1,), (0,), (0,), (1, 2), (3,))
    image = Row("wide", STEM.block, inputs=("image",))
    assert Architecture("x", (1, 28, 28), 10, (STEM, image)).sources == ((-1,), (-1,))


def test_what_reads_a_skip_reads_its_source() -> None:
    assert two_branches(skip=SKIP).canonical() == two_branches()
    assert two_branches(skip=SKIP).key == two_branches().key
    # The skip of a whole branch: the sum reads the stem itself.
    skipped = Architecture(
        "nb201", (1, 28, 28), 10, (STEM, Row("s", SKIP), Row("sum", ADD, inputs=("stem", "s")))
    )
    assert skipped.canonical().sources == ((-1,), (0, 0))


def test_the_key_knows_what_is_read() -> None:
    assert two_branches(last="a").key != two_branches().key
    assert two_branches().key == "e06ef0d3643d"


def test_a_row_with_inputs_lists_them() -> None:
    rows = two_branches().to_dict()["rows"]
    assert rows[3]["inputs"] == ["a", "b"]
    assert "inputs" not in rows[1]
    assert Architecture.from_dict(json.loads(json.dumps(two_branches().to_dict()))) == (
        two_branches()
    )


def test_an_architecture_survives_json() -> None:
    network = architecture(SEP, SKIP)
    assert Architecture.from_dict(json.loads(json.dumps(network.to_dict()))) == network


def test_a_row_is_one_readable_line() -> None:
    assert architecture(SEP).to_dict()["rows"][1] == {
        "place": "stage1.1",
        "block": "sep_k3:16x14x14-16:s1:relu",
        "searched": True,
    }


ROW = architecture(SEP).to_dict()["rows"][1]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"rows": None}, r"rows: Input should be a valid list"),
        ({"rows": [ROW, 7]}, r"rows\.1: Input should be a valid dictionary"),
        ({"rows": [{"place": "stem", "searched": False}]}, r"rows\.0\.block: Field required"),
        ({"rows": [ROW, {**ROW, "block": "conv"}]}, r"rows\.1\.block: 'conv' is no block key; exp"),
        ({"rows": [{**ROW, "block": 7}]}, r"rows\.0\.block: '7' is no block key; expected"),
        ({"rows": [{**ROW, "searched": "no"}]}, r"rows\.0\.searched: Input should be .* boolean"),
        ({"rows": [{**ROW, "bloc": 1}]}, r"rows\.0\.bloc: Extra inputs are not permitted"),
        ({"rows": [{**ROW, "inputs": "stem"}]}, r"rows\.0\.inputs: Input should be a valid tuple"),
        ({"rows": [{**ROW, "inputs": ["down"]}]}, r"rows: stage1\.1 reads 'down', which is no row"),
        ({"input_shape": [28, 28]}, r"input_shape\.2: Field required"),
        ({"input_shape": [1, 28, "28"]}, r"input_shape\.2: Input should be a valid integer"),
        ({"classes": True}, r"classes: Input should be a valid integer"),
        ({"classes": 0}, r"classes: Input should be greater than 0"),
        ({"space": None}, r"space: Input should be a valid string"),
        ({"width": 2}, r"width: Extra inputs are not permitted"),
    ],
)
def test_what_is_no_architecture_is_refused_by_its_field(
    changes: dict[str, object], named: str
) -> None:
    with pytest.raises(SpecError, match=f"^not an architecture: {named}"):
        Architecture.from_dict({**architecture(SEP).to_dict(), **changes})


@given(json_values)
def test_whatever_json_holds_it_is_refused_in_one_way(data: Any) -> None:
    with pytest.raises(SpecError, match=r"^not an architecture: "):
        Architecture.from_dict(data)


@given(st.sampled_from(["space", "input_shape", "classes", "rows"]), json_values)
def test_what_is_read_is_what_was_written(field: str, value: Any) -> None:
    """A value of another type is refused, never converted into one that fits."""
    data = {**architecture(SEP).to_dict(), field: value}
    try:
        read = Architecture.from_dict(data)
    except SpecError:
        return
    assert json.dumps(read.to_dict()) == json.dumps(data)
