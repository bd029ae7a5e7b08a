"""docs/parameters.md: every key of params.yaml, generated from the sections that check them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge.files import write_atomic
from pipeline.params import Params

PAGE = Path("docs/parameters.md")
_HEAD = """# Parameters

Every key of `params.yaml`, with its default, what it allows and what it means. A key that is left
out has its default, but DVC knows none: the keys that `dvc.yaml` names have to be in the file, such
as `search.prices`, and every section, if only as `profile: {}`. An unknown key is an error that
names the nearest known one. `python -m pipeline check` lists what is missing, and validates the
whole file before anything runs.

This page is generated: `make docs`.
"""
_BOUNDS = (
    ("exclusiveMinimum", "> "),
    ("minimum", "≥ "),
    ("exclusiveMaximum", "< "),
    ("maximum", "≤ "),
)

Schema = dict[str, Any]


def write(path: Path = PAGE) -> None:
    """Write the page to `path`."""
    write_atomic(path, page())


def page() -> str:
    """The page as Markdown: one chapter per section, one row per key."""
    schema = Params.model_json_schema()
    definitions: Schema = schema.get("$defs", {})
    parts = [_HEAD]
    for name, field in schema["properties"].items():
        sections = _sections_of(field, definitions)
        texts = [f"{one['description']}\n\n{_table(one, definitions)}" for one in sections]
        parts.append(f"## {name}\n\n" + "\n".join(texts))
    return "\n".join(parts)


def _sections_of(field: Schema, definitions: Schema) -> list[Schema]:
    """The section that a top-level key holds: one, each of a list, or one of several kinds."""
    kinds = field.get("oneOf") or [field if "$ref" in field else field["items"]]
    return [definitions[_name(kind["$ref"])] for kind in kinds]


def _table(section: Schema, definitions: Schema) -> str:
    rows = ["| key | default | allowed | meaning |", "|---|---|---|---|"]
    rows += [
        f"| `{key}` | {default} | {allowed} | {meaning} |"
        for key, default, allowed, meaning in _rows(section, definitions)
    ]
    return "\n".join(rows) + "\n"


def _rows(
    section: Schema, definitions: Schema, prefix: str = ""
) -> Iterator[tuple[str, str, str, str]]:
    required = section.get("required", [])
    for key, field in section["properties"].items():
        inner = _inner(field, definitions)
        if inner is not None:
            below, dots = inner
            yield from _rows(below, definitions, f"{prefix}{key}{dots}")
            continue
        default = "required" if key in required else _value(field.get("default"))
        yield f"{prefix}{key}", default, _allowed(field), _escape(field.get("description", ""))


def _inner(field: Schema, definitions: Schema) -> tuple[Schema, str] | None:
    """The section below a key, and how its keys are written; None for a plain value."""
    if "$ref" in field:
        return definitions[_name(field["$ref"])], "."
    values = field.get("additionalProperties") or next(
        iter(field.get("patternProperties", {}).values()), None
    )
    if isinstance(values, dict) and "$ref" in values:
        return definitions[_name(values["$ref"])], ".NAME."
    return None


def _allowed(field: Schema) -> str:
    for several in ("anyOf", "oneOf"):
        if several in field:
            return " or ".join(_allowed(one) for one in field[several])
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if field.get("type") == "array":
        return f"list of {_allowed(field['items'])}" if "items" in field else "[low, high]"
    if field.get("type") == "object":
        return f"map to {_allowed(next(iter(_values(field)), {}))}"
    bounds = [f"{sign}{field[key]}" for key, sign in _BOUNDS if key in field]
    return ", ".join([_TYPES.get(field.get("type", ""), "text"), *bounds])


_TYPES = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "`true`, `false`",
    "null": "`null`",
}


def _values(field: Schema) -> Iterator[Schema]:
    if isinstance(field.get("additionalProperties"), dict):
        yield field["additionalProperties"]
    yield from field.get("patternProperties", {}).values()


def _value(value: Any) -> str:
    return f"`{json.dumps(value, ensure_ascii=False).replace(chr(34), '')}`"


def _escape(text: str) -> str:
    return text.replace("|", "\\|")


def _name(reference: str) -> str:
    return reference.rsplit("/", 1)[-1]
