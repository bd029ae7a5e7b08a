import pytest

from edge import weights
from edge.spec import Architecture, BlockSpec, Row


@pytest.mark.parametrize(
    ("key", "count"),
    [
        ("skip:4x6x6-4:s1:relu", 0),
        ("conv_k3:4x6x6-8:s2:relu", 4 * 8 * 9),
        ("sep_k3:4x6x6-8:s1:relu", 4 * 9 + 4 * 8),
        ("mbconv_k5_e2:4x6x6-4:s1:relu", 4 * 8 + 8 * 25 + 8 * 4),
        ("fused_k3_e2:4x6x6-4:s1:relu", 4 * 8 * 9 + 8 * 4),
        ("head_16:4x6x6-10:s1:relu", 4 * 16 + 16 * 10),
        ("somebodys_own:4x6x6-4:s1:relu", None),
    ],
)
def test_by_hand(key, count):
    assert weights.of_block(key) == count


def test_fixed_rows_are_those_that_no_search_chose():
    block = BlockSpec("conv_k3", 4, 4, 6, 6)
    rows = (Row("stem", BlockSpec("conv_k3", 1, 4, 6, 6)), Row("a", block, searched=True))
    assert weights.of_fixed_rows(Architecture("s", (1, 6, 6), 10, rows)) == 36


def test_operations_are_counted_once():
    with pytest.raises(ValueError, match="counted twice"):
        weights.counted(r"head_(\d+)")(lambda *_: 0)
