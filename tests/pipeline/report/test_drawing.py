"""Axes, and drawings that live in a page."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from pipeline.report import drawing
from pipeline.report import svg as files
from pipeline.report.drawing import around, draw, ticks
from pipeline.report.theme import COLOURS, INK, SEARCH, looks


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.09, 11, [0.1, 0.2, 0.5, 1, 2, 5, 10]),
        (0.09, 1.6, [0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1, 1.5]),
        (0.9, 1100, [1, 3, 10, 30, 100, 300, 1000]),
    ],
)
def test_ticks_are_round_and_few(low, high, expected):
    assert ticks(low, high) == expected


def test_a_short_range_has_ticks_too():
    found = ticks(1.01, 1.09)
    assert len(found) >= 3
    assert all(1.01 <= tick <= 1.09 for tick in found)


def test_limits_leave_room_around_one_value():
    low, high = around([2.0])
    assert low < 2 < high
    assert high / low == pytest.approx(1.2 ** (2 * 0.06))


def paint(canvas):
    axes = canvas.add_subplot()
    axes.plot([1, 2], [1, 2], "o", color=SEARCH.light, label="a < b & $c$")
    drawing.ms_axis(axes, "x", [1, 2], "ms")
    axes.legend()


@pytest.fixture(scope="module")
def svg():
    return draw("one", 'a "drawing" & more', 2.0, paint)


def test_a_drawing_is_an_image_with_a_name_for_screen_readers(svg):
    root = ET.fromstring(svg)
    assert root.tag == "svg"
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == 'a "drawing" & more'
    assert "width" not in root.attrib


def test_text_stays_text_and_is_no_mathematics(svg):
    assert "a < b & $c$" in [element.text for element in ET.fromstring(svg).iter("text")]


def test_colours_are_those_of_the_page(svg):
    assert SEARCH.var in svg
    assert INK.var in svg
    assert not any(colour.light in svg for colour in COLOURS)


def test_ids_are_prefixed_and_every_reference_is_met(svg):
    root = ET.fromstring(svg)
    ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    assert ids
    assert all(name.startswith("one-") for name in ids)
    used = [e.attrib["href"] for e in root.iter() if "href" in e.attrib]
    assert used
    assert {name.removeprefix("#") for name in used} <= set(ids)


def test_equal_drawings_are_equal_text(svg):
    assert draw("one", 'a "drawing" & more', 2.0, paint) == svg


def test_a_file_needs_no_page_and_brings_its_paper(svg):
    text = files.standalone(svg)
    root = ET.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    # 7.6 in x 2 in of 72 units, 6 more on every side, 800 px wide
    assert root.attrib["viewBox"] == "-6 -6 559.2 156"
    assert (root.attrib["width"], root.attrib["height"]) == ("800", "223")
    paper = root[0].attrib
    assert (paper["fill"], paper["width"], paper["height"]) == ("#ffffff", "559.2", "156")
    assert "var(" not in text
    assert SEARCH.light in text


def test_a_drawing_says_what_it_shows(svg):
    assert files.alt(svg) == 'a "drawing" & more'


def test_operations_look_different_and_skip_is_grey():
    found = looks(["skip", *(f"op{i}" for i in range(7))])
    assert found["skip"].colour.name == "op-skip"
    assert len({(look.colour, look.marker) for look in found.values()}) == 8


def test_what_is_no_edge_is_grey_too_and_looks_different():
    found = looks(["none", "skip", "conv"])
    assert found["none"].colour == found["skip"].colour != found["conv"].colour
    assert found["none"].marker != found["skip"].marker
    assert "none" not in looks(["skip", "conv"])


def luminance(colour):
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_stand_out_from_the_paper(scheme):
    shown = {colour.name: luminance(getattr(colour, scheme)) for colour in COLOURS}
    paper = shown.pop("paper")
    del shown["grid"]  # meant to stay behind
    contrast = {
        name: (max(value, paper) + 0.05) / (min(value, paper) + 0.05)
        for name, value in shown.items()
    }
    assert min(contrast.values()) >= 3, contrast
