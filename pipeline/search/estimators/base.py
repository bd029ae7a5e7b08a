"""What an estimator is, and the registry of them; a new one changes nothing in the search."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

import torch
from torch import Tensor

from models.spaces import Space
from models.supernet import Selection
from pipeline.params import SearchParams

LossOf: TypeAlias = Callable[[Selection], Tensor]
"""The cross-entropy of what a selection runs, always on the same batch of images."""


class Estimator:
    """Draws what to run and returns a loss whose gradient reaches the logits."""

    points = 1  # points (S, κ) that one step looks at
    looks_at = (0, 0)  # how many paths it wants to see before the first step, on how many images

    def __init__(self, space: Space, params: SearchParams) -> None:
        self.space, self.params = space, params

    def prepare(self, paths: Tensor, losses: Tensor) -> None:
        """Learn from the losses (n,) of the paths (n, decisions) that it wanted to see, all on the
        same images."""

    def known(self, logits: Tensor) -> Tensor:
        """Cross-entropies (n,) at logits (n, E, k) as far as those paths tell."""
        raise AssertionError("an estimator that looks at paths knows something")

    def cross_entropy(self, logits: Tensor, loss_of: LossOf, generator: torch.Generator) -> Tensor:
        """Estimated cross-entropies (n,) at n points with logits (n, E, k)."""
        raise AssertionError("every estimator has its own")

    def state(self) -> dict[str, Any]:
        """Everything that a restart needs."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`."""


_E = TypeVar("_E", bound=type[Estimator])

ESTIMATORS: dict[str, type[Estimator]] = {}


def estimator(name: str) -> Callable[[_E], _E]:
    """Register an estimator under the name that `search.estimator` gives it."""

    def register(kind: _E) -> _E:
        if name in ESTIMATORS:
            raise ValueError(f"estimator {name!r} is registered twice")
        ESTIMATORS[name] = kind
        return kind

    return register
