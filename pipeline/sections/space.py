"""The search space: one section per kind, told apart by `space.name`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from math import prod
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator

from edge import nb201
from edge.spec import NONE, SKIP
from pipeline.problems import did_you_mean
from pipeline.sections.base import Section, setting

OPERATION = re.compile(r"skip|sep_k3|mbconv_k[357]_e[1-8]|fused_k[35]_e[1-8]|conv_k[135]")
OPERATION_NAMES = "skip, sep_k3, mbconv_k{3,5,7}_e{1..8}, fused_k{3,5}_e{1..8}, conv_k{1,3,5}"
EDGE_OPERATION = re.compile(
    r"none|skip|(max|avg)_pool_bn_k3|relu_conv_k[135]|sep_conv_k[357]|dil_conv_k[35]"
)
EDGE_OPERATION_NAMES = (
    "none, skip, max_pool_bn_k3, avg_pool_bn_k3, relu_conv_k{1,3,5}, sep_conv_k{3,5,7}, "
    "dil_conv_k{3,5}"
)

Activation: TypeAlias = Literal["relu", "relu6", "hardswish"]
Width: TypeAlias = Annotated[int, Field(ge=1, le=4096)]
MAX_VARIANTS = 64  # sets of fixed layers; each is a network that the profile measures


class MBConvParams(Section):
    """`mbconv`: a chain of stages of searched blocks."""

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
    act: Activation = setting("relu", "Activation")
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
        return _require_known(operations, OPERATION, OPERATION_NAMES, known)


class CellParams(Section):
    """`cell`: stacked cells as in DARTS, a normal and a reducing kind, each the same everywhere."""

    name: Literal["cell"] = setting("cell", "Search space")
    stem_width: Width = setting(48, "Channels after the stem")
    stem_stride: Literal[1, 2] = setting(1, "Stride of the stem")
    width: Width = setting(
        16, "Channels of a node of the first cell; a reducing cell doubles them", multiple_of=2
    )
    cells: int = setting(
        3, "Cells; those a third and two thirds of the way reduce, where there are two", ge=1, le=64
    )
    nodes: int = setting(4, "Nodes of a cell, beside its two inputs", ge=2, le=8)
    act: Activation = setting("relu", "Activation")
    operations: tuple[str, ...] = setting(
        (
            *("none", "skip", "max_pool_bn_k3", "avg_pool_bn_k3"),
            *("sep_conv_k3", "sep_conv_k5", "dil_conv_k3", "dil_conv_k5"),
        ),
        f"Candidates of every edge: {EDGE_OPERATION_NAMES}",
        min_length=2,
    )
    elastic: ClassVar[bool] = False  # no width is searched

    @field_validator("operations")
    @classmethod
    def _known_and_distinct(cls, operations: tuple[str, ...]) -> tuple[str, ...]:
        known = cls.model_fields["operations"].default
        _require_known(operations, EDGE_OPERATION, EDGE_OPERATION_NAMES, known)
        if len(set(operations) - {NONE}) < 2:
            raise ValueError("name two operations beside none: there would be no choice")
        return operations


class NB201Params(Section):
    """`nb201`: the space of NAS-Bench-201, one cell of six edges, the same everywhere."""

    name: Literal["nb201"] = setting("nb201", "Search space")
    stem_stride: Literal[1, 2] = setting(1, "Stride of the stem")
    widths: tuple[Width, ...] = setting(
        (16, 32, 64), "Channels of each stage; half the side between two", min_length=1
    )
    cells: int = setting(1, "Cells of each stage; the benchmark has 5", ge=1, le=64)
    act: Activation = setting("relu", "Activation")
    operations: tuple[str, ...] = setting(
        nb201.OPERATIONS, f"Candidates of every edge: {', '.join(nb201.OPERATIONS)}", min_length=2
    )
    elastic: ClassVar[bool] = False  # no width is searched

    @field_validator("operations")
    @classmethod
    def _those_of_the_benchmark(cls, operations: tuple[str, ...]) -> tuple[str, ...]:
        names = "|".join(nb201.OPERATIONS)
        _require_known(operations, re.compile(names), names.replace("|", ", "), nb201.OPERATIONS)
        missing = {NONE, SKIP} - set(operations)
        if missing:
            raise ValueError(f"{' and '.join(sorted(missing))} must be among them")
        return operations


def _name(given: Any) -> str:
    """Which kind of section it is; without a name the default one."""
    if isinstance(given, dict):
        return str(given.get("name", "mbconv"))
    return str(getattr(given, "name", "mbconv"))


SpaceParams: TypeAlias = Annotated[
    Annotated[MBConvParams, Tag("mbconv")]
    | Annotated[CellParams, Tag("cell")]
    | Annotated[NB201Params, Tag("nb201")],
    Discriminator(
        _name,
        custom_error_type="space",
        custom_error_message="unknown space",
        custom_error_context={"problems": {"name": "unknown space; allowed: mbconv, cell, nb201"}},
    ),
]


def _require_known(
    operations: tuple[str, ...], pattern: re.Pattern[str], names: str, known: Iterable[str]
) -> tuple[str, ...]:
    unknown = [op for op in operations if not pattern.fullmatch(op)]
    wrong = [f"unknown operation {op!r}{did_you_mean(op, known)}" for op in unknown]
    wrong += [f"{op!r} is listed twice" for op, n in Counter(operations).items() if n > 1]
    if wrong:
        raise ValueError("; ".join([*wrong, f"allowed: {names}"]))
    return operations
