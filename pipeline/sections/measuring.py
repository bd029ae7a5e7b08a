"""Measuring the target: the sections of `profile`, `calibrate` and `verify`."""

from __future__ import annotations

from typing import Literal

from pipeline.sections.base import Count, Positive, Section, Seed, setting


class ProfileParams(Section):
    """How the latency table is measured."""

    seed: Seed = 0
    anchors: int = setting(
        10, "Random whole networks of every size that the calibration is fitted on", ge=0
    )
    heldout: int = setting(20, "Random whole networks that nothing is fitted on", ge=0)
    blocks: int = setting(13, "Blocks of runs per model, randomly interleaved", ge=3)
    block_s: float = setting(0.05, "Least duration of a block of runs, s", gt=0, le=60)
    warmup_s: float = setting(0.1, "Warm-up before the first block, s", ge=0, le=60)
    workers: Count = setting(2, "Processes that export; timing is never parallel")


class CalibrateParams(Section):
    """How measurements of whole networks correct the table."""

    confidence: float = setting(0.9, "Confidence of a prediction's interval", gt=0, lt=1)
    half_life_days: Positive = setting(180, "Age at which a record weighs half, days")
    accept: Literal["usable", "suspect", "auto"] = setting(
        "auto", "Records that count: usable ones, suspect ones too, or those only where needed"
    )


class VerifyParams(Section):
    """How members are measured on the target."""

    percentile: Literal[90, 95, 99] = setting(95, "Percentile that a budget is about, %")
    blocks: int = setting(7, "Blocks of runs per model, randomly interleaved", ge=3)
    block_s: float = setting(0.5, "Least duration of a block of runs, s", gt=0, le=60)
    warmup_s: float = setting(0.5, "Warm-up before the first block, s", ge=0, le=60)
