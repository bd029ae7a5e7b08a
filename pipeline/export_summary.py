"""What the stage `export` says of its files: to Git as numbers, and to people what was rejected."""

from __future__ import annotations

from collections.abc import Sequence

import click

from edge.family import Artifact, Member
from edge.text import fill
from pipeline import gate


def summarise(members: list[Member]) -> dict[str, float]:
    """The numbers of the stage; accuracies are shares, sizes bytes, and what a precision costs is
    that of the member that it costs most."""
    pairs = [(member, artifact) for member in members for artifact in member.artifacts]
    originals = [(m, a) for m, a in pairs if a.precision == "fp32"]
    differences = [abs((a.test_accuracy or 0.0) - m.test_accuracy) for m, a in originals]
    return {
        "members": len(members),
        "max_relative_error": max((a.max_relative_error or 0.0 for _, a in originals), default=0.0),
        "max_test_accuracy_difference": max(differences, default=0.0),
        "smallest_bytes": min((a.size_bytes for _, a in pairs), default=0),
        "largest_bytes": max((a.size_bytes for _, a in pairs), default=0),
        **_lower(pairs),
    }


def _lower(pairs: Sequence[tuple[Member, Artifact]]) -> dict[str, float]:
    """Of every other kind of file than fp32: how many were rejected, the largest drop of hold-out
    accuracy, and the largest size over that of the fp32 file."""
    found: dict[str, float] = {}
    for member, artifact in pairs:
        original = gate.original_of(artifact, member.artifacts)
        if artifact.precision == "fp32" or original is None:
            continue
        name = f"{artifact.precision}_{artifact.format}"
        figures = {
            "max_drop_points": gate.drop_points(artifact, original) or 0.0,
            "max_size_ratio": artifact.size_bytes / original.size_bytes,
        }
        for figure, value in figures.items():
            key = f"{name}_{figure}"
            found[key] = max(value, found.get(key, value))
        rejected = int(artifact.status == "rejected")
        found[f"{name}_rejected"] = found.get(f"{name}_rejected", 0) + rejected
    return found


def tell(members: Sequence[Member]) -> None:
    for member in members:
        for artifact in member.artifacts:
            original = gate.original_of(artifact, member.artifacts)
            if artifact.status == "rejected" and original is not None:
                told = gate.verdict(artifact, original)
                click.echo(fill(f"{member.name}: rejected: {told}", indent=2), err=True)
