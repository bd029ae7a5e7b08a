"""How the agent is, as text for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from edge.text import facts, fill, number

_MB = 1e6


def status_text(status: dict[str, Any]) -> str:
    """What `facet agent status --json` says, in lines."""
    if not status["folder_exists"]:
        return f"no agent has run in {status['folder']}: name its folder with --state"
    parts = [facts(dict(_facts(status)))]
    parts += [_section("Refused by the hub:", list(_dead_letters(status)))]
    parts += [
        _section("Blocked:", [f"{key[:12]}: {why}" for key, why in status["blocked"].items()])
    ]
    if "footprint" in status:
        parts.append(facts(dict(_footprint(status["footprint"]))))
    return "\n\n".join(part for part in parts if part)


def _facts(status: dict[str, Any]) -> Iterator[tuple[str, str]]:
    spool = status["spool"]
    yield "Agent", f"{status['state']}, {status['running']}" if status["running"] else "not running"
    yield "Hub", status["hub"] or "unknown"
    yield "Last contact", status["last_contact"] or "never"
    if status["problem"]:
        yield "Problem", status["problem"]
    if status["quarantined"]:
        yield "Quarantined", status["quarantined"]
    yield "Measured", f"{status['measured_orders']} orders"
    yield "Waiting", f"{spool['waiting']} results, {number(spool['waiting_bytes'], 1, _MB)} MB"
    yield "Delivered", f"{spool['delivered']} results"
    if spool["thinned"] or spool["dropped"]:
        yield "Cap", f"{spool['thinned']} results thinned, {spool['dropped']} dropped"
    if status["damaged_spool"]:
        yield "Damaged", f"a spool, which lies in {status['damaged_spool']}"
    yield "Inbox", f"{status['inbox_records']} records, {status['inbox_problems']} problems"
    if status["inbox_last_problem"]:
        yield "", f"the last one: {status['inbox_last_problem']}"


def _dead_letters(status: dict[str, Any]) -> Iterator[str]:
    for letter in status["dead_letters"]:
        of = "an application's" if letter["order"] is None else f"order {letter['order'][:12]}"
        yield f"{letter['id'][:12]} ({of}): {letter['reason']}"


def _section(title: str, lines: list[str]) -> str:
    return "\n".join([title, *(fill(f"- {line}", indent=2) for line in lines)]) if lines else ""


def _footprint(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    memory = number(found["resident_bytes"], 1, _MB)
    yield (
        "Memory",
        f"{memory} MB resident; Python alone takes {number(found['python_bytes'], 1, _MB)}",
    )
    largest = sorted(found["packages"].items(), key=lambda one: -one[1])
    shown = ", ".join(f"{name} {size / _MB:.1f}" for name, size in largest[:6])
    yield "Disk", f"{number(found['disk_bytes'], 1, _MB)} MB: {shown}, ..."
