"""What a person should know of how well a session was measured."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import get_args

from edge.record import Measurement, Verdict

_NUMBER = re.compile(r"\d+(\.\d+)?")


def shares(measurements: Sequence[Measurement]) -> dict[str, float]:
    """The share of each verdict, 0..1, best first; ``-`` in a name is ``_`` here."""
    counts = Counter(m.verdict for m in measurements)
    total = max(1, len(measurements))
    return {name.replace("-", "_"): counts[name] / total for name in get_args(Verdict)}


def doubts(measurements: Iterable[Measurement]) -> list[str]:
    """Why records are not clean, a line per kind of reason with its worst case and its count.

    The most frequent kind comes first.
    """
    found = [reason for m in measurements for reason in m.reasons]
    counts = Counter(map(_kind, found))
    worst = {_kind(reason): reason for reason in sorted(found, key=_size)}
    return [f"{worst[kind]} (at worst; {n} records)" for kind, n in counts.most_common()]


def _kind(reason: str) -> str:
    return _NUMBER.sub("#", reason)


def _size(reason: str) -> float:
    number = _NUMBER.search(reason)
    return float(number[0]) if number else 0.0
