"""From architectures to model files: the sections of `retrain` and `export`."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from pipeline.sections.base import Count, Section, Seed, setting
from pipeline.sections.target import Precision


class RetrainParams(Section):
    """How every member is trained."""

    seed: Seed = 0
    init: Literal["scratch", "supernet"] = setting(
        "scratch", "First weights: random ones, or those the member has in the search's supernet"
    )
    epochs: Count = setting(8, "Epochs over all training images")
    batch_size: Count = setting(128, "Images per step")
    schedule: Literal["one-cycle", "cosine"] = setting("one-cycle", "Learning rate's path")
    lr: float = setting(0.15, "Peak learning rate (SGD)", gt=0, le=10)
    momentum: float = setting(0.9, "Momentum", ge=0, lt=1)
    weight_decay: float = setting(3e-4, "Weight decay", ge=0, le=1)
    label_smoothing: float = setting(0.05, "Label smoothing", ge=0, lt=1)
    shift: int = setting(1, "Largest random shift, pixels", ge=0, le=16)
    flip: bool = setting(True, "Random horizontal flips")
    workers: Count = setting(2, "Members trained at the same time, one thread each")


class ExportParams(Section):
    """How members become model files."""

    opset: int = setting(20, "ONNX opset", ge=18, le=25)
    parity_images: Count = setting(64, "Images compared with PyTorch")
    tolerance: float = setting(
        1e-4, "Largest error of a logit of an fp32 file, over the largest logit", gt=0, le=0.1
    )
    precisions: tuple[Precision, ...] = setting(
        ("fp32", "int8"), "Precisions to write in every format, beside those that targets name"
    )
    calibration_images: Count = setting(256, "Training images that the int8 ranges are taken from")
    max_drop_points: float = setting(
        1.0, "Hold-out points that an int8 or fp16 file may lose before it is rejected", ge=0
    )

    licence: str | None = setting(
        None,
        "Licence of the model files, an SPDX identifier; it stands in `family.json` and on the "
        "model cards",
        pattern=r"^[A-Za-z0-9.+-]+( (AND|OR|WITH) [A-Za-z0-9.+-]+)*$",
    )

    @field_validator("precisions")
    @classmethod
    def _starts_from_fp32(cls, precisions: tuple[Precision, ...]) -> tuple[Precision, ...]:
        if "fp32" not in precisions:
            raise ValueError("add fp32: the others are made from it and compared with it")
        return precisions
