"""From a file of matplotlib's to an SVG element that lives in a page.

In a page, drawings share one name space of ids, follow the page's colours and font, and say to
a screen reader what they show.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from markupsafe import Markup

from pipeline.report.theme import COLOURS

_VARS = {colour.light: colour.var for colour in COLOURS}
_HEX = re.compile(r"#[0-9a-f]{6}\b")
_FONT = re.compile(r"font: (.*?)([\d.]+)px [^;]*")
_REFERENCE = re.compile(r"(?<=url\(#)[^)]+|(?<=^#).+")
_DROPPED = ("metadata", "style", "title")


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
    return _FONT.sub(r"font: \1\2px var(--font)", coloured)
