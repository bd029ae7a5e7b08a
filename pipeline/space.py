"""The search space that `params.yaml` and the data set describe together."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from models.darts import darts
from models.mbconv import mbconv
from models.nb201 import nb201
from models.spaces import Space
from pipeline.data_shape import DataShape
from pipeline.params import SpaceParams

SPACES: Mapping[str, Callable[..., Space]] = {"mbconv": mbconv, "cell": darts, "nb201": nb201}


def make_space(params: SpaceParams, shape: DataShape) -> Space:
    """The space for images and classes of this shape."""
    options = params.model_dump(exclude={"name"})
    return SPACES[params.name](input_shape=shape.input_shape, classes=shape.classes, **options)
