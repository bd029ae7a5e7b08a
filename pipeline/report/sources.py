"""What the stages left below results/, read once; whatever is optional may be missing."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

from edge.errors import EdgeError
from edge.family import MANIFEST_NAME, Family, Manifest, Member
from edge.record import Conditions, Target, read
from pipeline import metrics, plots
from pipeline.heldout import HeldOut
from pipeline.params import Params

RESULTS = Path("results")
STAGES = ("data", "profile", "calibrate", "search", "extract", "retrain", "export", "verify")
REFERENCES = "references"  # no stage: hand-designed networks beside the family, on demand
CURVES = ("warmup_loss", "entropy", "expected_latency_ms", "kappa")

Numbers = Mapping[str, float]
Curve = Mapping[int, float]  # step: value
Rows = Sequence[Mapping[str, str]]


class ReportError(EdgeError, ValueError):
    """Results that cannot be reported."""


@dataclass(frozen=True)
class Numbered:
    """A member and its number in every drawing and table."""

    number: int
    member: Member


@dataclass(frozen=True)
class Run:
    """A finished run, as far as it got."""

    manifest: Manifest
    targets: Sequence[Target]  # the one that the search was for comes first
    operations: Sequence[str]
    percentile: int
    metrics: Mapping[str, Numbers] = field(default_factory=dict)  # by stage, and REFERENCES
    heldout: Sequence[HeldOut] = ()
    candidates: Rows = ()  # both arms, as extract wrote them
    bins: Rows = ()  # of equal latency, both arms
    steering: Rows = ()
    curves: Mapping[str, Curve] = field(default_factory=dict)
    conditions: Sequence[Conditions] = ()  # of the members' measurements

    @property
    def commit(self) -> str | None:
        """That which the family was made of, which the working tree may be past."""
        provenance = self.manifest.provenance
        return provenance.commit if provenance else None

    @property
    def members(self) -> list[Numbered]:
        """The members, the fastest on the first target first."""

        def rank(member: Member) -> tuple[float, str]:
            latency = member.latency(self.targets[0]) if self.targets else None
            return latency.median_ms if latency else float("inf"), member.name

        ordered = sorted(self.manifest.members, key=rank)
        return [Numbered(number, member) for number, member in enumerate(ordered, 1)]

    @property
    def test_images(self) -> int | None:
        """How many images the test accuracies are shares of."""
        count = self.number("data", "test_images")
        return None if count is None else int(count)

    def number(self, stage: str, name: str) -> float | None:
        """A metric of a stage, if it was written."""
        return self.metrics.get(stage, {}).get(name)


def load(params: Params, root: Path = Path()) -> Run:
    """Read the run below `root`.

    Raises FamilyMissing where there is no family yet, and ReportError for a file that is not what
    its stage writes.
    """
    results = root / RESULTS
    manifest = Family.load(results / MANIFEST_NAME).manifest
    try:
        return Run(
            manifest=manifest,
            targets=_targets(manifest),
            operations=params.space.operations,
            percentile=params.verify.percentile,
            metrics={name: metrics.read(name, root) for name in (*STAGES, REFERENCES)},
            heldout=_heldout(root / plots.HELDOUT),
            candidates=_rows(root / plots.CANDIDATES),
            bins=_rows(root / plots.CONTROL),
            steering=_rows(root / plots.STEERING),
            curves={name: _curve(root / plots.CURVES, name) for name in CURVES},
            conditions=_conditions(results / "verify/records.jsonl"),
        )
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, EdgeError):
            raise
        raise ReportError(f"results/ hold a file of another version ({error!r}); dvc repro") from (
            error
        )


def _targets(manifest: Manifest) -> list[Target]:
    """The targets of the family; the one that predictions are for, and the search was, is first."""
    latencies = [latency for member in manifest.members for latency in member.latencies]
    searched = {latency.target for latency in latencies if latency.predicted_ms is not None}
    return sorted(manifest.targets, key=lambda target: target not in searched)


def _rows(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def _heldout(path: Path) -> list[HeldOut]:
    names = [one.name for one in fields(HeldOut)][1:]
    return [
        HeldOut(row["name"], **{name: float(row[name]) for name in names}) for row in _rows(path)
    ]


def _curve(folder: Path, name: str) -> dict[int, float]:
    rows = _rows(folder / f"{name}.tsv", delimiter="\t")
    return {int(row["step"]): float(row[name]) for row in rows}


def _conditions(path: Path) -> list[Conditions]:
    return [record.conditions for record in read(path)] if path.exists() else []
