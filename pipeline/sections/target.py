"""What the family must be fast on."""

from __future__ import annotations

from typing import Literal

from edge.orders import Name
from pipeline.sections.base import Section, setting


class TargetParams(Section):
    """What the family must be fast on: the first one steers the search, all are measured."""

    device: Name = setting(
        "local",
        "`local`: this machine; else the name of a board, which is reached through a hub or by "
        "bundles (docs/boards.md)",
    )
    runtime: Literal["onnxruntime", "litert"] = setting("onnxruntime", "Inference runtime")
    precision: Literal["fp32"] = setting("fp32", "Numbers the models compute in")
    threads: int = setting(1, "Threads of one inference", ge=1, le=256)
