"""What to call a target beside others: as short as tells it from them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from edge.record import Target

_FURTHER = {
    "device": "{}",
    "power_mode": "power mode {}",
    "provider": "{}",
    "runtime_version": "version {}",
}


def short_name(target: Target, among: Sequence[Target]) -> str:
    """The runtime, and what tells the target from others of the same runtime: a word.

    No two targets of `among` have the same one.
    """
    name = _word(target, among)
    same = [one for one in among if one != target and _word(one, among) == name]
    return f"{name}_{target.id}" if same else name


def apart(target: Target, among: Sequence[Target]) -> list[str]:
    """What tells the target from others of its runtime and precision; empty for the only one."""
    alike = [one for one in among if one.runtime == target.runtime]
    threads = [f"{target.threads} threads"] if len({one.threads for one in alike}) > 1 else []
    return [*threads, *apart_but_threads(target, among)]


def apart_but_threads(target: Target, among: Sequence[Target]) -> list[str]:
    """What tells the target from others of its runtime, precision and threads: the first values
    that do, or at last its id."""
    known = ("runtime", "precision", "threads")
    left = [one for one in among if _values(one, known) == _values(target, known)]
    parts: list[str] = []
    for field, said in _FURTHER.items():
        if len({getattr(one, field) for one in left}) > 1:
            parts.append(said.format(getattr(target, field)))
            left = [one for one in left if getattr(one, field) == getattr(target, field)]
    return parts if {*left} <= {target} else [*parts, target.id]


def _values(target: Target, fields: Sequence[str]) -> list[object]:
    return [getattr(target, field) for field in fields]


def _word(target: Target, among: Sequence[Target]) -> str:
    """The name, in letters, digits and underscores."""
    precisions = {one.precision for one in among if one.runtime == target.runtime}
    precision = [target.precision] if len(precisions) > 1 else []
    parts = [target.runtime, *precision, *apart(target, among)]
    return "_".join(re.sub(r"[^0-9A-Za-z]+", "_", part).strip("_") for part in parts)
