"""What the family must be fast on."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import ValidationInfo, field_validator

from edge.orders import Name
from pipeline.sections.base import Section, setting

Precision: TypeAlias = Literal["fp32", "int8", "fp16"]


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
        if precision == "fp16" and info.data.get("runtime") == "onnxruntime":
            raise ValueError("there are fp16 files for litert only; take fp32 or int8")
        return precision
