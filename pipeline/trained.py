"""The networks that `retrain` trained, with their weights."""

from __future__ import annotations

import pickle
from pathlib import Path

from torch import nn

from edge.errors import EdgeError
from models.network import network
from pipeline import store
from pipeline.members import TrainedMember


class WeightsError(EdgeError, ValueError):
    """Weights that are missing, belong to another network, or are no numbers."""


def load_network(member: TrainedMember, folder: Path) -> nn.Module:
    """The member with its trained weights, which lie below `folder`. Raises WeightsError."""
    net = network(member.read_architecture())
    path = folder / member.weights
    again = "train it again: dvc repro -sf retrain"
    try:
        state = store.load(path)
        if state is None:
            raise WeightsError(f"{path}, of member {member.name!r}, does not exist; {again}")
        net.load_state_dict(state)
    except (RuntimeError, TypeError, EOFError, pickle.UnpicklingError) as error:
        raise WeightsError(f"{path} does not fit member {member.name!r}; {again}") from error
    return net.eval()
