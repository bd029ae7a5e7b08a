"""What changed from one version of a family to another, member by member."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from edge.manifest import Manifest, Member


@dataclass(frozen=True)
class Change:
    """A figure of a member; `old` is None where the member is new, `new` where it is gone. The
    unit of a number is at the end of `what`."""

    member: str
    what: str
    old: float | str | None
    new: float | str | None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return asdict(self)


def diff(old: Manifest, new: Manifest) -> list[Change]:
    """The family's own changes first, under no member's name, then those of its members."""
    found = [*_between("", _of_family(old), _of_family(new))]
    before, after = ({m.name: m for m in manifest.members} for manifest in (old, new))
    for name in dict.fromkeys([*before, *after]):
        if name not in after:
            found.append(Change(name, "member", "present", None))
        elif name not in before:
            found.append(Change(name, "member", None, "present"))
        else:
            found += _between(name, _of_member(before[name]), _of_member(after[name]))
    return found


def _between(
    member: str, old: Mapping[str, float | str], new: Mapping[str, float | str]
) -> Iterator[Change]:
    for what in dict.fromkeys([*old, *new]):
        if old.get(what) != new.get(what):
            yield Change(member, what, old.get(what), new.get(what))


def _of_family(manifest: Manifest) -> dict[str, float | str]:
    channels, height, width = manifest.input_shape
    made = manifest.provenance.model_dump(exclude_none=True) if manifest.provenance else {}
    return {
        "dataset": manifest.dataset,
        "classes": ", ".join(manifest.classes),
        "input": f"{channels} x {height} x {width}",
        "mean": ", ".join(f"{x:g}" for x in manifest.mean),
        "std": ", ".join(f"{x:g}" for x in manifest.std),
        **({"licence": manifest.licence} if manifest.licence else {}),
        **made,
    }


def _of_member(member: Member) -> dict[str, float | str]:
    """What a person would compare; of files and latencies those of each kind and target."""
    found: dict[str, float | str] = {
        "holdout_accuracy": member.holdout_accuracy,
        "test_accuracy": member.test_accuracy,
        "macs": member.macs,
        "parameters": member.parameters,
    }
    for artifact in member.artifacts:
        kind = f"{artifact.precision} {artifact.format}"
        found[f"{kind} status"] = artifact.status
        found[f"{kind} size_bytes"] = artifact.size_bytes
        found[f"{kind} sha256"] = artifact.sha256
    for target in dict.fromkeys(latency.target for latency in member.latencies):
        latency = member.latency(target)
        if latency:
            found[f"{target.id} median_ms"] = latency.median_ms
            if latency.p95_ms:
                found[f"{target.id} p95_ms"] = latency.p95_ms
    return found
