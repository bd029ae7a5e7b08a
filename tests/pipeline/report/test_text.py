"""Numbers as people read them."""

import pytest

from pipeline.report.text import digits, duration, ms, percent, plain, plural, shorten


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.1, "0.1"), (20, "20"), (1500, "1500"), (0.00012, "0.00012"), (0, "0"), (100000, "100000")],
)
def test_plain_numbers_have_no_exponent(value, expected):
    assert plain(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.12165, "0.122"),
        (12.345, "12.3"),
        (1234.5, "1234"),
        (0.9996, "1.00"),
        (0, "0"),
        (-2, "-2.00"),
    ],
)
def test_three_digits(value, expected):
    assert digits(value) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.42, "0.42 s"), (45, "45 s"), (59.7, "1 min 0 s"), (200, "3 min 20 s"), (3900, "1 h 5 min")],
)
def test_durations(seconds, expected):
    assert duration(seconds) == expected


def test_small_things():
    assert (ms(None), ms(0.5)) == ("–", "0.500")
    assert (percent(0.92444), percent(0.5, 0)) == ("92.44 %", "50 %")
    assert (plural(1, "network"), plural(2, "network")) == ("1 network", "2 networks")
    assert (shorten("abcdef", 4), shorten("abcd", 4)) == ("abc…", "abcd")
