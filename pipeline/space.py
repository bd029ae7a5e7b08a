"""The search space that `params.yaml` and the data set describe together."""

from __future__ import annotations

from models.spaces import Space, mbconv
from pipeline.dataset import Dataset
from pipeline.params import SpaceParams


def make_space(params: SpaceParams, data: Dataset) -> Space:
    """The space for the images and classes of `data`."""
    return mbconv(
        input_shape=data.input_shape,
        classes=len(data.classes),
        **params.model_dump(exclude={"name"}),
    )
