import numpy as np
import pytest

from pipeline.idx import IdxError, parse


def test_bytes_after_the_sizes_fill_the_array_row_by_row():
    content = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255])
    assert parse(content).tolist() == [[1, 2, 3], [4, 5, 255]]
    assert parse(content).dtype == np.uint8


def test_sizes_are_big_endian():
    assert parse(bytes([0, 0, 8, 1, 0, 0, 1, 2]) + bytes(258)).shape == (258,)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "magic number '' is not"),
        (bytes([0, 0, 13, 1, 0, 0, 0, 0]), "magic number '00000d01' is not"),  # floats
        (b"\x1f\x8b\x08\x00", "magic number '1f8b0800' is not"),  # still compressed
        (bytes([0, 0, 8, 3, 0, 0, 0, 1]), "the header ends after 8 of 16 bytes"),
        (bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 7]), r"10 bytes, but shape \(3,\) needs 11"),
        (bytes([0, 0, 8, 1, 0, 0, 0, 1, 7, 7]), r"10 bytes, but shape \(1,\) needs 9"),
    ],
)
def test_what_is_no_idx_array_is_refused(content, message):
    with pytest.raises(IdxError, match=message):
        parse(content)
