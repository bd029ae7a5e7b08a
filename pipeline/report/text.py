"""Numbers as people read them."""

from __future__ import annotations

import math


def plain(value: float) -> str:
    """Six significant digits at most, never an exponent: 0.5, 20, 1500."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = max(0, 5 - math.floor(math.log10(abs(value))))
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def digits(value: float, count: int = 3) -> str:
    """`count` significant digits, never an exponent: 0.122, 12.3, 1234."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    rounded = float(f"{value:.{count}g}")
    places = max(0, count - 1 - math.floor(math.log10(abs(rounded))))
    return f"{value:.{places}f}"


def ms(value: float | None) -> str:
    """A latency without its unit; a dash where there is none."""
    return "–" if value is None else digits(value)


def percent(share: float, places: int = 2) -> str:
    """0.9244 as 92.44 %."""
    return f"{100 * share:.{places}f} %"


def duration(seconds: float) -> str:
    """45 s, 3 min 20 s, 1 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{digits(seconds, 2)} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def shorten(text: str, most: int) -> str:
    """`text`, cut where it is longer than `most` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def plural(count: int, noun: str) -> str:
    """1 network, 2 networks."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
