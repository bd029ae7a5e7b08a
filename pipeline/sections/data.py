"""The data set."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import model_validator

from pipeline.sections.base import Count, Section, Seed, setting

TRAINING_IMAGES = {"fashion-mnist": 60_000}
IMAGE_SIZE = 28  # of an image, pixels


class DataParams(Section):
    """The data set and the split of its training images."""

    name: Literal["fashion-mnist"] = setting("fashion-mnist", "Data set")
    folder: Path | None = setting(
        None, "Folder that holds the idx files already; null: the usual places"
    )
    seed: Seed = 0
    weights: Count = setting(40_000, "Images the supernet's weights learn from")
    architecture: Count = setting(14_000, "Images the hypernetwork learns from")
    holdout: Count = setting(6_000, "Images that rank architectures")

    @model_validator(mode="after")
    def _split_fits(self) -> DataParams:
        needed, there = self.weights + self.architecture + self.holdout, TRAINING_IMAGES[self.name]
        if needed > there:
            raise ValueError(
                f"weights + architecture + holdout = {needed} images, "
                f"but {self.name} has {there}; lower one of them"
            )
        return self
