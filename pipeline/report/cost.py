"""Section: the time that every stage took, and the machine it took it on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from edge.family import Latency
from edge.files import csv_text
from pipeline.report.page import Column, Download, Figure, Section, Table
from pipeline.report.sources import STAGES, Numbers, Run
from pipeline.report.text import duration, percent

TITLE = "Time and machine"
_WALL = "wall_s"


def section(run: Run) -> Section:
    """Time per stage; facts of the targets."""
    return Section("cost", TITLE, lead(run), [_times(run), _machine(run)])


def lead(run: Run) -> str:
    """The wall time of all stages."""
    walls = [run.number(stage, _WALL) for stage in STAGES]
    known = [wall for wall in walls if wall is not None]
    if not known:
        return "No stage recorded how long it took."
    return f"{duration(sum(known))} of wall time in {len(known)} of {len(STAGES)} stages."


def _times(run: Run) -> Figure:
    rows = [[stage, _wall(run.metrics.get(stage, {})), _parts(run, stage)] for stage in STAGES]
    numbers = [
        (stage, name, value)
        for stage in STAGES
        for name, value in run.metrics.get(stage, {}).items()
        if name.endswith("_s")
    ]
    return Figure(
        name="times-table",
        title="Time per stage",
        caption=(
            "Wall time of the last run of each stage: what an earlier run had finished already, "
            "such as trained members, took none. CPU time is counted whenever it was spent."
        ),
        body=Table([Column("stage", numeric=False), Column("wall"), Column("of which")], rows),
        download=Download("times.csv", csv_text(("stage", "time", "seconds"), numbers)),
    )


def _wall(numbers: Numbers) -> str:
    return duration(numbers[_WALL]) if _WALL in numbers else "–"


def _parts(run: Run, stage: str) -> str:
    """Every other time that a stage recorded."""
    numbers = run.metrics.get(stage, {})
    parts = [name for name in numbers if name.endswith("_s") and name != _WALL]
    told = (f"{name[:-2].replace('cpu', 'CPU')} {duration(numbers[name])}" for name in parts)
    return ", ".join(told) or "–"


def _machine(run: Run) -> Figure:
    facts = [(name, value) for name, value in _facts(run) if value]
    return Figure(
        name="machine-table",
        title="Targets and conditions",
        caption="As the device described itself when the members were measured.",
        body=Table([Column("fact", numeric=False), Column("value", numeric=False)], facts),
        download=Download("machine.csv", csv_text(("fact", "value"), facts)),
    )


def _facts(run: Run) -> list[tuple[str, str]]:
    facts = [(f"target {target.id}", str(target)) for target in run.targets]
    verdicts = Counter(latency.verdict for latency in _latencies(run))
    facts.append(("verdicts", ", ".join(f"{n} {name}" for name, n in sorted(verdicts.items()))))
    for name, label in (("os", "system"), ("kernel", "kernel"), ("governor", "governor")):
        values = {getattr(c, name) for c in run.conditions} - {None}
        facts.append((label, ", ".join(sorted(values))))
    loads = [c.other_cpu_load for c in run.conditions if c.other_cpu_load is not None]
    if loads:
        facts.append(
            ("load by others", f"{percent(min(loads), 0)} to {percent(max(loads), 0)} of all cores")
        )
    hot = [c.temperature_c_after for c in run.conditions if c.temperature_c_after is not None]
    if hot:
        facts.append(("temperature", f"up to {max(hot):.0f} °C"))
    return facts


def _latencies(run: Run) -> Sequence[Latency]:
    return [latency for member in run.manifest.members for latency in member.latencies]
