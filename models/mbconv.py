"""The space `mbconv`: a stem, stages of searched residual blocks, fixed transitions, a head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

from edge.spec import SKIP, BlockSpec, Row
from models.spaces import Decision, Space, Step, after


def mbconv(
    *,
    input_shape: tuple[int, int, int],
    classes: int,
    operations: Sequence[str],
    stem_width: int | None,
    stem_stride: int,
    widths: Sequence[int | Sequence[int]],
    depths: Sequence[int],
    head_width: int,
    act: str,
) -> Space:
    """The edge space: a stem, stages of searched residual blocks, fixed transitions, a head.

    The transitions between stages (dense 3×3, stride 2) are not searched: searching them
    costs the shared weights most of their accuracy. Several widths of a stage are an elastic
    width (Cai et al., 2020, once-for-all). The first stage follows the stem without a transition
    where their widths agree; without a `stem_width` they always do.
    """
    options = tuple(
        (width,) if isinstance(width, int) else tuple(sorted(width)) for width in widths
    )
    channels, height, width = input_shape
    stem = BlockSpec("conv_k3", channels, 1, height, width, stem_stride, act)
    variants = {
        chosen: _steps(
            replace(stem, out_channels=stem_width or chosen[0]),
            list(zip(chosen, depths, strict=True)),
            operations,
            (f"head_{head_width}", classes),
        )
        for chosen in product(*options)
    }
    return Space("mbconv", input_shape, classes, tuple(operations), options, variants)


def _steps(
    stem: BlockSpec,
    stages: Sequence[tuple[int, int]],  # width and depth
    operations: Sequence[str],
    head: tuple[str, int],  # operation and classes
) -> tuple[Step, ...]:
    place = stem
    steps: list[Step] = [Row("stem", place)]
    for stage, (out, depth) in enumerate(stages, 1):
        if stage > 1 or out != place.out_channels:
            place = after(place, "conv_k3", out, 2 if stage > 1 else 1)
            steps.append(Row(f"down{stage}", place))
        place = after(place, SKIP, out, 1)
        candidates = tuple(replace(place, op=op) for op in operations)
        steps += [
            Decision(f"stage{stage}.{index}", candidates, stage - 1)
            for index in range(1, depth + 1)
        ]
    steps.append(Row("head", after(place, *head, 1)))
    return tuple(steps)
