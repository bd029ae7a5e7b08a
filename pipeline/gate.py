"""What a file of a lower precision may lose before it is rejected, and what it loses."""

from __future__ import annotations

from collections.abc import Iterable

from edge.family import Artifact

_HAIR = 1e-9  # points: of sums of floats, far less than one image


def judge(artifact: Artifact, original: Artifact, max_drop_points: float) -> Artifact:
    """`artifact`, rejected where it classifies too many hold-out images worse than `original`,
    the fp32 file that it was made of. The test images are not asked: they judge what is chosen,
    and so must not choose."""
    lost = drop_points(artifact, original)
    bad = lost is None or lost > max_drop_points + _HAIR
    return artifact.model_copy(update={"status": "rejected" if bad else "ok"})


def drop_points(artifact: Artifact, original: Artifact) -> float | None:
    """Hold-out points that `artifact` loses against `original`, negative where it gains; None
    where one of them was not run on the hold-out images."""
    if artifact.holdout_accuracy is None or original.holdout_accuracy is None:
        return None
    return 100 * (original.holdout_accuracy - artifact.holdout_accuracy)


def original_of(artifact: Artifact, artifacts: Iterable[Artifact]) -> Artifact | None:
    """The fp32 file of the same format, if there is one."""
    wanted = artifact.format, "fp32"
    return next((a for a in artifacts if (a.format, a.precision) == wanted), None)


def verdict(artifact: Artifact, original: Artifact) -> str:
    """What a file loses, for people."""
    lost = drop_points(artifact, original)
    told = "was not run on the hold-out images" if lost is None else _told(artifact, lost)
    return f"the {artifact.precision} file {artifact.path} {told}"


def _told(artifact: Artifact, lost: float) -> str:
    assert artifact.holdout_accuracy is not None
    share = f"{100 * artifact.holdout_accuracy:.2f} % of the hold-out images"
    return f"classifies {share} correctly, {lost:.2f} points fewer than fp32"
