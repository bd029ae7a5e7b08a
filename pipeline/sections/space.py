"""The search space."""

from __future__ import annotations

import re
from collections import Counter
from math import prod
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, ValidationInfo, field_validator

from pipeline.problems import did_you_mean
from pipeline.sections.base import Section, setting

OPERATION = re.compile(r"skip|sep_k3|mbconv_k[357]_e[1-8]|fused_k[35]_e[1-8]|conv_k[135]")
OPERATION_NAMES = "skip, sep_k3, mbconv_k{3,5,7}_e{1..8}, fused_k{3,5}_e{1..8}, conv_k{1,3,5}"


Width: TypeAlias = Annotated[int, Field(ge=1, le=4096)]
MAX_VARIANTS = 64  # sets of fixed layers; each is a network that the profile measures


class SpaceParams(Section):
    """The search space: a chain of stages of searched blocks."""

    name: Literal["mbconv"] = setting("mbconv", "Search space")
    stem_width: Width | None = setting(
        None, "Channels after the stem; null: as many as the first stage has"
    )
    stem_stride: Literal[1, 2] = setting(2, "Stride of the stem")
    widths: tuple[Width | tuple[Width, ...], ...] = setting(
        ((16, 32), (32, 64), (64, 128)),
        "Channels of each stage; a list of several is searched",
        min_length=1,
    )
    depths: tuple[Annotated[int, Field(ge=1, le=64)], ...] = setting(
        (2, 3, 4), "Searched blocks of each stage", min_length=1
    )
    head_width: int = setting(128, "Channels before the classifier", ge=1, le=8192)
    act: Literal["relu", "relu6", "hardswish"] = setting("relu", "Activation")
    operations: tuple[str, ...] = setting(
        (
            "skip",
            "sep_k3",
            "mbconv_k3_e2",
            "mbconv_k3_e4",
            "mbconv_k5_e4",
            "fused_k3_e2",
            "conv_k3",
        ),
        f"Candidates of every decision: {OPERATION_NAMES}",
        min_length=2,
    )

    @property
    def width_options(self) -> tuple[tuple[int, ...], ...]:
        """The widths that every stage may have."""
        return tuple((width,) if isinstance(width, int) else width for width in self.widths)

    @property
    def elastic(self) -> bool:
        """Whether a width is searched."""
        return any(len(options) > 1 for options in self.width_options)

    @field_validator("widths")
    @classmethod
    def _options_ascend(
        cls, widths: tuple[int | tuple[int, ...], ...], info: ValidationInfo
    ) -> tuple[int | tuple[int, ...], ...]:
        several = [width for width in widths if not isinstance(width, int)]
        for options in several:
            if len(options) < 2 or list(options) != sorted(set(options)):
                raise ValueError(
                    f"the options {list(options)} of one stage are to be two or more, ascending"
                )
        variants = prod(map(len, several))
        if variants > MAX_VARIANTS:
            raise ValueError(
                f"{variants} combinations of widths, each of which is measured; the most is "
                f"{MAX_VARIANTS}: give fewer stages several widths"
            )
        first = widths[0]
        if not isinstance(first, int) and info.data.get("stem_width") is not None:
            raise ValueError(
                "the first stage has several widths and the stem one: write stem_width: null, and "
                "the stem is as wide as the first stage"
            )
        return widths

    @field_validator("depths")
    @classmethod
    def _one_depth_per_width(cls, depths: tuple[int, ...], info: ValidationInfo) -> tuple[int, ...]:
        widths = info.data.get("widths", depths)
        if len(depths) != len(widths):
            raise ValueError(f"{len(depths)} depths for {len(widths)} widths; give one per stage")
        return depths

    @field_validator("operations")
    @classmethod
    def _known_and_distinct(cls, operations: tuple[str, ...]) -> tuple[str, ...]:
        known = cls.model_fields["operations"].default
        unknown = [op for op in operations if not OPERATION.fullmatch(op)]
        wrong = [f"unknown operation {op!r}{did_you_mean(op, known)}" for op in unknown]
        wrong += [f"{op!r} is listed twice" for op, n in Counter(operations).items() if n > 1]
        if wrong:
            raise ValueError("; ".join([*wrong, f"allowed: {OPERATION_NAMES}"]))
        return operations
