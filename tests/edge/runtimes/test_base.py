import numpy as np
import pytest

from edge.runtimes.base import ModelRejected, first_installed, random_array, static_shape


def test_what_is_not_a_positive_number_is_a_dynamic_dimension() -> None:
    assert static_shape([-1, 0, None, "batch", 3]) == [1, 1, 1, 1, 3]
    assert static_shape([]) == []


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [("int8", -128, 127), ("uint8", 0, 255), ("int64", 0, 1), ("bool", 0, 1)],
)
def test_integers_span_what_is_safe(dtype: str, low: int, high: int) -> None:
    array = random_array(np.random.default_rng(0), [2, None, "n", 10_000], dtype)
    assert array.shape == (2, 1, 1, 10_000)
    assert array.dtype == np.dtype(dtype)
    assert (int(array.min()), int(array.max())) == (low, high)


def test_a_float_keeps_its_width_and_may_have_no_dimensions() -> None:
    array = random_array(np.random.default_rng(0), [], "float16")
    assert (array.shape, array.dtype) == ((), np.float16)


def test_an_input_of_strings_is_rejected() -> None:
    with pytest.raises(ModelRejected, match="cannot be made up"):
        random_array(np.random.default_rng(0), [1], "str")


def test_the_first_package_that_is_there() -> None:
    assert first_installed("no-such-package", "numpy") == ("numpy", np.__version__)
    assert first_installed("no-such-package") is None
