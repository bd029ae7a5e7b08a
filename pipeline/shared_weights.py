"""The weights that members have in the supernet of the search: a start for their training."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from torch import Tensor

from models.inherit import inherit
from pipeline import dataset
from pipeline.members import Member
from pipeline.params import Params
from pipeline.search import state
from pipeline.space import make_space

Weights: TypeAlias = Mapping[str, Tensor]  # a state dict


def of_members(members: Sequence[Member], params: Params) -> dict[str, Weights]:
    """The first weights of every member, by its name.

    Raises SearchResultError where the search is missing or of another space, SpaceError where a
    member is not of this space.
    """
    space = make_space(params.space, dataset.load().shape)
    supernet = state.load(space, params.search).supernet
    return {
        member.name: inherit(
            supernet, space, space.choices(member.read_architecture())
        ).state_dict()
        for member in members
    }


def digest(weights: Weights) -> str:
    """64 hex digits of the names and the values: another search gives others."""
    found = hashlib.sha256()
    for name, value in sorted(weights.items()):
        found.update(name.encode())
        found.update(value.contiguous().numpy().tobytes())
    return found.hexdigest()
