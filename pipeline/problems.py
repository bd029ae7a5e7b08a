"""Validation errors as one message a person can act on: key, what was given, what is allowed."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel, Tag, ValidationError
from pydantic_core import ErrorDetails

from edge.orders import NAME_PATTERN, NAME_RULE

Path = tuple[str | int, ...]

# What pydantic calls what was given, in words of Python, and when it looked.
_NOT_OF_YAML = re.compile(r"^(Input|Tuple|List|Dictionary) | after validation")
PATTERNS = {  # what each of those in the sections asks for
    NAME_PATTERN: NAME_RULE,
    r"^[a-z0-9][a-z0-9-]*$": "small letters, digits and dashes, the first no dash",
    r"^[A-Za-z0-9.+-]+( (AND|OR|WITH) [A-Za-z0-9.+-]+)*$": "an SPDX expression, such as MIT or "
    "Apache-2.0 OR MIT",
}


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``"; did you mean 'x'?"`` for the nearest of `known`, or nothing."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


def explain(error: ValidationError, data: Any, model: type[BaseModel], file: str) -> str:
    """Every problem that `error` found in `data` (the raw input of `model`), one a line."""
    lines = [line for detail in error.errors() for line in _lines(detail, data, model)]
    count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
    return "\n".join([f"{file} has {count}:", *(f"  {line}" for line in lines)])


def _lines(detail: ErrorDetails, data: Any, model: type[BaseModel]) -> Iterator[str]:
    path = _path(detail, data)
    many: dict[str | int, str] = detail.get("ctx", {}).get("problems", {})
    for below, message in many.items():
        yield f"{_dotted((*path, below))}: {message}"
    if not many:
        yield f"{_dotted(path)}: {_message(detail, path, model)}"


def _path(detail: ErrorDetails, data: Any) -> Path:
    """The error's place in the file: pydantic's location without its tags of unions."""
    path: list[str | int] = []
    for part in detail["loc"]:
        is_key = isinstance(data, Mapping) and part in data
        is_index = isinstance(data, list) and isinstance(part, int) and part < len(data)
        if is_key or is_index:
            path.append(part)
            data = data[part]
    if detail["type"] == "missing":
        path.append(detail["loc"][-1])
    return tuple(path)


def _dotted(path: Path) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".") or "the file"


def _message(detail: ErrorDetails, path: Path, model: type[BaseModel]) -> str:
    given, kind = detail["input"], detail["type"]
    if kind == "extra_forbidden":
        moved: Mapping[str, str] = getattr(model, "MOVED", {})
        if _dotted(path) in moved:
            return moved[_dotted(path)]
        known = _keys(model, detail["loc"][:-1])
        near = did_you_mean(str(path[-1]), known)
        return f"unknown key{near}; allowed: {', '.join(known)}"
    if kind == "missing":
        return "is required"
    if kind in ("tuple_type", "list_type"):
        example = _as_list(given, _length(model, detail["loc"]))
        return f"given {given!r}: should be a list{example}"
    if kind in ("model_type", "dict_type"):
        return f"given {given!r}: should be a map of keys"
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", detail["ctx"]["expected"])
        near = did_you_mean(str(given), choices)
        return f"given {given!r}{near}; allowed: {detail['ctx']['expected']}"
    if kind == "string_pattern_mismatch" and detail["ctx"]["pattern"] in PATTERNS:
        return f"given {given!r}: should be {PATTERNS[detail['ctx']['pattern']]}"
    if kind == "value_error" and isinstance(given, Mapping):  # of a whole section: says it all
        return str(detail["ctx"]["error"])
    if kind == "value_error":
        return f"given {given!r}: {detail['ctx']['error']}"
    return f"given {given!r}: {_NOT_OF_YAML.sub('', detail['msg'])}"


def _as_list(given: Any, length: int) -> str:
    """What to write instead of `given`, which should have been a list."""
    if given is None:
        return ""
    item = yaml.safe_dump([given], default_flow_style=True, width=math.inf).strip()[1:-1]
    return f", such as [{', '.join([item] * length)}]"


def _length(model: type[BaseModel], location: Path) -> int:
    """How many items the list at pydantic's `location` has; one where it may have any number."""
    annotation = _annotation(model, location)
    kinds = [one for one in (annotation, *get_args(annotation)) if get_origin(one) is tuple]
    items = get_args(kinds[0]) if kinds else ()
    return 1 if Ellipsis in items else max(1, len(items))


def _keys(model: type[BaseModel], location: Path) -> list[str]:
    """The keys allowed at pydantic's `location`."""
    return list(_annotation(model, location).model_fields)


def _annotation(model: type[BaseModel], location: Path) -> Any:
    """What lies at pydantic's `location`, through nested models, lists and maps of models, and
    unions whose tags are part of it."""
    annotation: Any = model
    for part in location:
        tagged = [one for one in get_args(annotation) if _tag(one) == part]
        if part in getattr(annotation, "model_fields", {}):
            annotation = annotation.model_fields[part].annotation
        elif tagged:
            annotation = get_args(tagged[0])[0]
        else:  # the items of a list, or the values of a map
            annotation = get_args(annotation)[0 if isinstance(part, int) else -1]
    return annotation


def _tag(annotation: Any) -> str | None:
    """That of a member of a union."""
    tags = [one.tag for one in getattr(annotation, "__metadata__", ()) if isinstance(one, Tag)]
    return tags[0] if tags else None
