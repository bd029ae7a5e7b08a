"""The data set."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, Field, field_validator, model_validator

from pipeline.sections.base import Section, Seed, setting


class Outline(NamedTuple):
    """What is known of a data set before it is read: enough to say what a run will cost."""

    images: int  # to train on
    height: int  # pixels
    width: int
    classes: tuple[str, ...] = ()  # where the names of folders tell
    doubt: str = ""  # why those may not be the classes


PUBLIC = {"fashion-mnist": Outline(60_000, 28, 28), "cifar-10": Outline(50_000, 32, 32)}


def _whole_or_share(amount: float) -> float:
    if amount >= 1 and amount != int(amount):
        raise ValueError("write a whole number of images, or a share below 1")
    return amount


Amount = Annotated[float, Field(gt=0), AfterValidator(_whole_or_share)]
Side = Annotated[int, Field(ge=1, le=1024)]


class DataParams(Section):
    """The data set and the split of its training images.

    The parts are numbers of images, or shares of the training images where they are below 1.
    """

    name: Literal["fashion-mnist", "cifar-10", "images", "npz"] = setting(
        "fashion-mnist", "A public data set, `images` (a folder per class) or an `npz` file"
    )
    path: Path | None = setting(
        None, "Folder or file that holds the data; null: the usual places of a public data set"
    )
    size: tuple[Side, Side] | None = setting(
        None, "[height, width] to resize to, pixels; null: the images' own"
    )
    channels: Literal["auto", 1, 3] = setting(
        "auto", "1: grey, 3: RGB, `auto`: RGB where any image has colour"
    )
    test_share: float = setting(
        0.2, "Share of every class that becomes the test set where there is none", gt=0, lt=1
    )
    seed: Seed = 0
    weights: Amount = setting(40_000, "Images the supernet's weights learn from; below 1: a share")
    architecture: Amount = setting(14_000, "Images the hypernetwork learns from; below 1: a share")
    holdout: Amount = setting(6_000, "Images that rank architectures; below 1: a share")

    @field_validator("path")
    @classmethod
    def _of_the_home_folder(cls, path: Path | None) -> Path | None:
        """A shell would have expanded the tilde."""
        return path.expanduser() if path and path.parts[:1] == ("~",) else path

    @property
    def title(self) -> str:
        """What the data set is called: its name, or that of the user's own folder or file."""
        return self.name if self.name in PUBLIC or self.path is None else self.path.stem

    def parts(self, images: int) -> tuple[int, int, int]:
        """How many of `images` training images the three parts get.

        Raises ValueError where they are more than there are, or one is empty.
        """
        amounts = {name: getattr(self, name) for name in ("weights", "architecture", "holdout")}
        sizes = {name: _of(images, amount) for name, amount in amounts.items()}
        empty = [name for name, size in sizes.items() if size == 0]
        if empty:
            raise ValueError(
                f"{empty[0]} = {amounts[empty[0]]:g} of {images} images is no image; raise it"
            )
        needed = sum(sizes.values())
        if needed > images:
            raise ValueError(
                f"weights + architecture + holdout = {needed} images, but {self.title} has "
                f"{images} to train on; lower one of them, or write shares, such as 0.65, 0.25, 0.1"
            )
        weights, architecture, holdout = sizes.values()
        return weights, architecture, holdout

    @model_validator(mode="after")
    def _split_fits(self) -> DataParams:
        if self.name in PUBLIC:
            self.parts(PUBLIC[self.name].images)
        elif self.path is None:
            raise ValueError(f"name: {self.name} needs data.path, the place of your images")
        shares = [a for a in (self.weights, self.architecture, self.holdout) if a < 1]
        if sum(shares) > 1 + 1e-9:
            raise ValueError(f"the shares of the split sum to {sum(shares):g}, more than 1")
        return self


def _of(images: int, amount: float) -> int:
    # The small number is for shares like 0.29 of 100, which is 28.999999999999996.
    return int(amount) if amount >= 1 else math.floor(amount * images + 1e-9)
