"""What the family must be fast on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

from pydantic import ValidationInfo, field_validator

from edge.orders import Name
from pipeline.sections.base import Section, setting

Precision: TypeAlias = Literal["fp32", "int8", "fp16"]

# Of the files that there are for a runtime: the first is exported, the others are made of it.
PRECISIONS: Mapping[str, tuple[Precision, ...]] = {
    "onnxruntime": ("fp32", "int8"),
    "litert": ("fp32", "int8", "fp16"),
}


class TargetParams(Section):
    """What the family must be fast on: the first one steers the search, all are measured."""

    device: Name = setting(
        "local",
        "`local`: this machine; else the name of a board, which is reached through a hub or by "
        "bundles (docs/boards.md)",
    )
    runtime: Literal["onnxruntime", "litert"] = setting("onnxruntime", "Inference runtime")
    precision: Precision = setting(
        "fp32", "Numbers the models compute in, or with litert are stored in (fp16)"
    )
    threads: int = setting(1, "Threads of one inference", ge=1, le=256)

    @field_validator("precision")
    @classmethod
    def _has_a_file(cls, precision: Precision, info: ValidationInfo) -> Precision:
        runtime = info.data.get("runtime", "")  # absent where it is wrong itself
        known = PRECISIONS.get(runtime, (precision,))
        if precision not in known:
            raise ValueError(f"there are none for {runtime}; take {' or '.join(known)}")
        return precision


def wanted_files(
    targets: Iterable[TargetParams], precisions: Iterable[Precision]
) -> dict[str, list[Precision]]:
    """What has to be exported: for every runtime of the `targets`, in their order, those of the
    `precisions` that there are for it and those that the targets name; fp32 comes first."""
    asked, everywhere = list(targets), list(precisions)
    wanted: dict[str, list[Precision]] = {}
    for runtime in dict.fromkeys(target.runtime for target in asked):
        possible = [one for one in everywhere if one in PRECISIONS[runtime]]
        named = [target.precision for target in asked if target.runtime == runtime]
        wanted[runtime] = list(dict.fromkeys([PRECISIONS[runtime][0], *possible, *named]))
    return wanted
