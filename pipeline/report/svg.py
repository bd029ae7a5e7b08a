"""From a file of matplotlib's to an SVG element that lives in a page, and to a file beside one.

In a page, drawings share one name space of ids, follow the page's colours and font, and say to
a screen reader what they show. A file brings its own paper, and looks alike on every page.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from markupsafe import Markup

from pipeline.report.theme import COLOURS, PAPER

_VARS = {colour.light: colour.var for colour in COLOURS}
_HEX = re.compile(r"#[0-9a-f]{6}\b")
_FONT = re.compile(r"font: (.*?)([\d.]+)px [^;]*")
_REFERENCE = re.compile(r"(?<=url\(#)[^)]+|(?<=^#).+")
_DROPPED = ("metadata", "style", "title")
_FONT_VAR = "var(--font)"
_FILE_WIDTH_PX = 800
_MARGIN = 6  # units of the drawing around it


def inline(svg: bytes, prefix: str, alt: str) -> Markup:
    """`svg` as an element; its ids begin with `prefix`, and `alt` is what is read aloud."""
    root = ET.fromstring(svg)
    for element in root.iter():
        element.tag = _local(element.tag)
        element.attrib = {_local(name): value for name, value in element.attrib.items()}
    for parent in list(root.iter()):
        for child in [child for child in parent if child.tag in _DROPPED]:
            parent.remove(child)
    _rename_ids(root, prefix)
    for element in root.iter():
        if "style" in element.attrib:
            element.attrib["style"] = _page_style(element.attrib["style"])
    root.attrib = {"viewBox": root.attrib["viewBox"], "role": "img", "aria-label": alt}
    return Markup(ET.tostring(root, encoding="unicode"))


def alt(drawing: Markup) -> str:
    """What is read aloud in the place of an element that `inline` made."""
    return ET.fromstring(drawing).attrib["aria-label"]


def standalone(drawing: Markup) -> str:
    """An element that `inline` made as a file: in the light colours, on opaque paper."""
    root = ET.fromstring(drawing)
    width, height = (float(side) + 2 * _MARGIN for side in root.attrib["viewBox"].split()[2:])
    box = {"x": f"{-_MARGIN}", "y": f"{-_MARGIN}", "width": f"{width:g}", "height": f"{height:g}"}
    root.insert(0, ET.Element("rect", {**box, "fill": PAPER.var}))
    root.attrib |= {
        "xmlns": "http://www.w3.org/2000/svg",
        "viewBox": " ".join(box.values()),
        "width": f"{_FILE_WIDTH_PX}",
        "height": f"{_FILE_WIDTH_PX * height / width:.0f}",
    }
    text = ET.tostring(root, encoding="unicode").replace(_FONT_VAR, "system-ui, sans-serif")
    for colour in COLOURS:
        text = text.replace(colour.var, colour.light)
    return text + "\n"


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _rename_ids(root: ET.Element, prefix: str) -> None:
    """Prefix the ids that something refers to, and drop the others."""
    used = {
        match
        for element in root.iter()
        for value in element.attrib.values()
        for match in _REFERENCE.findall(value)
    }
    for element in root.iter():
        name = element.attrib.pop("id", None)
        if name in used:
            element.attrib["id"] = f"{prefix}-{name}"
        for key, value in element.attrib.items():
            element.attrib[key] = _REFERENCE.sub(lambda m: f"{prefix}-{m[0]}", value)


def _page_style(style: str) -> str:
    coloured = _HEX.sub(lambda match: _VARS.get(match[0], match[0]), style)
    return _FONT.sub(rf"font: \1\2px {_FONT_VAR}", coloured)
