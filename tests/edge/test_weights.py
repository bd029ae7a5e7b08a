import pytest

from edge import weights


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


@pytest.mark.parametrize(
    ("key", "count"),
    [
        ("skip:4x6x6-4:s1:relu", 4 * 36 + 4 * 36),
        ("conv_k3:4x7x6-8:s2:relu", 4 * 8 * 9 + 4 * 42 + 8 * 4 * 3),
        ("add:4x6x6-4:s1:relu", 3 * 4 * 36),
        ("concat_3:4x6x6-12:s1:relu", 2 * 12 * 36),
        ("somebodys_own:4x6x6-4:s1:relu", 2 * 4 * 36),
    ],
)
def test_what_is_touched_are_weights_and_what_is_read_and_written(key, count):
    assert weights.touched(key) == count


def test_operations_are_counted_once():
    with pytest.raises(ValueError, match="counted twice"):
        weights.counted(r"head_(\d+)")(lambda *_: 0)
