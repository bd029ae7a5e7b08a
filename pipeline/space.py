"""The search space that `params.yaml` and the data set describe together."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from models.darts import darts
from models.mbconv import mbconv
from models.nb201 import nb201
from models.spaces import Space
from pipeline.dataset import Dataset
from pipeline.params import SpaceParams

SPACES: Mapping[str, Callable[..., Space]] = {"mbconv": mbconv, "cell": darts, "nb201": nb201}


def make_space(params: SpaceParams, data: Dataset) -> Space:
    """The space for the images and classes of `data`."""
    return space_for(params, data.input_shape, len(data.classes))


def space_for(params: SpaceParams, input_shape: tuple[int, int, int], classes: int) -> Space:
    """The space for images (C, H, W) of so many classes."""
    options = params.model_dump(exclude={"name"})
    return SPACES[params.name](input_shape=input_shape, classes=classes, **options)
