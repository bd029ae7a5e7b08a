"""What dvc.yaml reads from params.yaml itself: a default stands for no key that is not written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from pipeline import yaml_file
from pipeline.params import PARAMS_FILE, Params, ParamsError

DVC_FILE = Path("dvc.yaml")
_INTERPOLATED = re.compile(r"\$\{([\w.]+)\}")
_ABSENT = object()


def require(params: Params, root: Path = Path()) -> None:
    """Raises ParamsError, which lists what to write, where params.yaml lacks a key that dvc.yaml
    below `root` names. Without a dvc.yaml none is missing."""
    file = root / DVC_FILE
    if not file.exists():
        return
    written = yaml_file.read(root / PARAMS_FILE) or {}
    missing = {key for key in _named(yaml_file.read(file)) if _at(written, key) is _ABSENT}
    lines = [
        f"  {key}: dvc.yaml reads it from the file; write {_default(params, key)}"
        for key in sorted(missing)
        if not any(other.startswith(f"{key}.") for other in missing)  # which says it as well
    ]
    if lines:
        count = "1 key" if len(lines) == 1 else f"{len(lines)} keys"
        raise ParamsError("\n".join([f"{PARAMS_FILE} lacks {count}:", *lines]))


def _named(dvc: Mapping[str, Any]) -> Iterator[str]:
    """The keys of params.yaml that stages depend on, and those that are part of their paths."""
    for stage in dvc["stages"].values():
        yield from (key for key in stage.get("params", []) if isinstance(key, str))
        yield from _INTERPOLATED.findall(json.dumps(stage))


def _at(data: Any, key: str) -> Any:
    """What lies at the dotted `key`."""
    for part in key.split("."):
        if not isinstance(data, Mapping) or part not in data:
            return _ABSENT
        data = data[part]
    return data


def _default(params: Params, key: str) -> str:
    """What holds for `key` now, as YAML: of a section nothing, which leaves all to its defaults."""
    value = _at(params.model_dump(mode="json"), key)
    if isinstance(value, Mapping):
        value = {}
    text = yaml.safe_dump(value, default_flow_style=True, width=float("inf"))
    return text.removesuffix("\n...\n").strip()
