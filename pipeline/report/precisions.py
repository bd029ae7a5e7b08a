"""Section: what files of a lower precision cost and save, beside their fp32 files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.family import FORMATS, Artifact, Latency
from edge.files import csv_text
from edge.record import Target
from pipeline import gate
from pipeline.report.page import Column, Download, Figure, Section, Table
from pipeline.report.sources import Numbered, Run
from pipeline.report.text import digits, ms, percent, plural
from pipeline.target_names import apart

TITLE = "Precisions side by side"
_COLUMNS = (
    *("member", "file", "hold-out", "points\nlost", "size,\nkB", "of fp32"),
    *("median,\nms", "fp32,\nms", "of fp32", "verdict"),
)
_CSV = (
    *("number", "name", "format", "precision", "status", "holdout_accuracy", "drop_points"),
    *("size_bytes", "fp32_bytes", "target", "median_ms", "fp32_median_ms"),
)


@dataclass(frozen=True)
class Pair:
    """A file beside the fp32 file that it was made of, on a target where it was measured."""

    one: Numbered
    file: Artifact
    original: Artifact
    target: Target | None
    latency: Latency | None
    fp32: Latency | None
    where: str  # the runtime, and what tells the target from others of it

    @property
    def ratio(self) -> float | None:
        """Its median latency over that of fp32."""
        if self.latency is None or self.fp32 is None:
            return None
        return self.latency.median_ms / self.fp32.median_ms

    @property
    def verdict(self) -> str:
        """Whether it is used and worth it; latencies differ where their intervals do."""
        if self.file.status == "rejected":
            return "rejected"
        if self.latency is None or self.fp32 is None:
            return "not measured"
        if self.latency.lo_ms > self.fp32.hi_ms:
            return "slower"
        return "faster" if self.latency.hi_ms < self.fp32.lo_ms else "as fast"


def section(run: Run) -> Section:
    """A row per member, file and target."""
    found = pairs(run)
    if not found:
        none = "All model files are fp32: export.precisions and `targets` name what else to make."
        return Section("precisions", TITLE, none)
    columns = [Column(name, numeric=name not in ("member", "file", "verdict")) for name in _COLUMNS]
    figure = Figure(
        name="precisions-table",
        title="Files of a lower precision beside the fp32 file of the same format",
        caption=(
            "Points lost are hundredths of the hold-out images, which decide whether a file is "
            "rejected. Slower and faster mean that the intervals of the medians do not overlap."
        ),
        body=Table(columns, [_row(pair) for pair in found]),
        download=Download("precisions.csv", csv_text(_CSV, [_full(pair) for pair in found])),
    )
    return Section("precisions", TITLE, lead(found), [figure])


def pairs(run: Run) -> list[Pair]:
    """Every file that is not fp32, beside the one that is."""
    return [
        pair
        for one in run.members
        for file in one.member.artifacts
        if file.precision != "fp32"
        for pair in _pairs(run, one, file)
    ]


def lead(found: Sequence[Pair]) -> str:
    """For every kind of file and where it runs: how many are rejected, slower, and faster."""
    groups: dict[tuple[str, str], list[Pair]] = {}
    for pair in found:
        groups.setdefault((pair.file.precision, pair.where), []).append(pair)
    return " ".join(_sentence(*names, group) for names, group in groups.items())


def _pairs(run: Run, one: Numbered, file: Artifact) -> list[Pair]:
    original = gate.original_of(file, one.member.artifacts)
    if original is None:
        return []
    wanted = file.format, file.precision
    targets = [t for t in run.targets if (FORMATS.get(t.runtime), t.precision) == wanted]
    if not targets:
        return [Pair(one, file, original, None, None, None, _runtime(file))]
    return [_pair(run, one, file, original, target) for target in targets]


def _pair(run: Run, one: Numbered, file: Artifact, original: Artifact, target: Target) -> Pair:
    member = one.member
    beside = target.model_copy(update={"precision": original.precision})
    where = ", ".join([target.runtime, *apart(target, run.targets)])
    latency, fp32 = member.latency(target), member.latency(beside)
    return Pair(one, file, original, target, latency, fp32, where)


def _sentence(precision: str, where: str, group: Sequence[Pair]) -> str:
    verdicts = [pair.verdict for pair in group]
    counts = [
        f"{verdicts.count(verdict)} {verdict}"
        for verdict in ("slower", "as fast", "faster", "rejected", "not measured")
        if verdict in verdicts
    ]
    text = f"{precision} with {where}: of {plural(len(group), 'file')} {', '.join(counts)}"
    ratios = [pair.ratio for pair in group if pair.ratio is not None]
    if ratios:
        text += f"; {_range(ratios)} times the latency of fp32"
    lost = [gate.drop_points(pair.file, pair.original) for pair in group]
    known = [points for points in lost if points is not None]
    if known:
        text += f", at most {max(0.0, *known):.2f} points of the hold-out images lost"
    sizes = [pair.file.size_bytes / pair.original.size_bytes for pair in group]
    return f"{text}, {_range(sizes)} of the size."


def _range(values: Sequence[float]) -> str:
    ends = dict.fromkeys([digits(min(values)), digits(max(values))])
    return " to ".join(ends)


def _runtime(file: Artifact) -> str:
    return next(runtime for runtime, name in FORMATS.items() if name == file.format)


def _row(pair: Pair) -> list[str]:
    file, accuracy = pair.file, pair.file.holdout_accuracy
    lost = gate.drop_points(file, pair.original)
    return [
        f"{pair.one.number} {pair.one.member.name}",
        f"{file.precision}, {pair.where}",
        "–" if accuracy is None else percent(accuracy),
        "–" if lost is None else f"{lost:.2f}",
        digits(file.size_bytes / 1e3),
        digits(file.size_bytes / pair.original.size_bytes),
        ms(pair.latency.median_ms if pair.latency else None),
        ms(pair.fp32.median_ms if pair.fp32 else None),
        ms(pair.ratio),
        pair.verdict,
    ]


def _full(pair: Pair) -> list[object]:
    file, member = pair.file, pair.one.member
    return [
        *(pair.one.number, member.name, file.format, file.precision, file.status),
        *(file.holdout_accuracy, gate.drop_points(file, pair.original)),
        *(file.size_bytes, pair.original.size_bytes),
        pair.target.id if pair.target else None,
        pair.latency.median_ms if pair.latency else None,
        pair.fp32.median_ms if pair.fp32 else None,
    ]
