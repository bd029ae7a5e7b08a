"""An additive model of the cross-entropy of paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

FORGET = 0.999  # per batch: the weights that the losses belong to go on training


class AdditiveModel:
    """Cross-entropy of a path ≈ a constant of its batch + Σ_e v[e, choice_e].

    Ridge regression on differences inside a batch, so that easy and hard batches do not count
    as good and bad paths. Losses of older batches fade.
    """

    def __init__(self, decisions: int, operations: int, ridge: float = 1.0) -> None:
        size = decisions * operations
        self.shape = (decisions, operations)
        self.gram = torch.zeros(size, size, dtype=torch.float64)
        self.moment = torch.zeros(size, dtype=torch.float64)
        self.ridge = ridge
        self._solved: Tensor | None = None

    def add(self, paths: Tensor, losses: Tensor, weight: float = 1.0) -> None:
        """Learn from the losses (m,) of paths (m, E) on one batch, as exact as `weight` says: the
        inverse of their variance."""
        x = self._one_hot(paths)
        x, y = x - x.mean(0), losses.double() - losses.double().mean()
        self.gram = FORGET * self.gram + weight * x.T @ x
        self.moment = FORGET * self.moment + weight * x.T @ y
        self._solved = None

    @property
    def values(self) -> Tensor:
        """v (E, k): of every operation at every decision, 0 for what was never seen."""
        if self._solved is None:
            eye = torch.eye(len(self.moment), dtype=torch.float64)
            solution = torch.linalg.solve(self.gram + self.ridge * eye, self.moment)
            self._solved = solution.view(self.shape)
        return self._solved

    def state(self) -> dict[str, Any]:
        """Everything that a restart needs."""
        return {"gram": self.gram, "moment": self.moment}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`."""
        self.gram, self.moment = state["gram"], state["moment"]
        self._solved = None

    def _one_hot(self, paths: Tensor) -> Tensor:
        one_hot = torch.nn.functional.one_hot(paths, self.shape[1])
        return one_hot.flatten(1).double()
