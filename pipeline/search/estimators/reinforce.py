"""REINFORCE whose variance an additive model of the cross-entropy takes away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from models.spaces import Space
from models.supernet import single
from pipeline.params import SearchParams
from pipeline.search.estimators.additive import AdditiveModel
from pipeline.search.estimators.base import Estimator, LossOf, estimator


@estimator("reinforce-cv")
class ReinforceCV(Estimator):
    """REINFORCE with a leave-one-out baseline (Kool et al., 2019) and an additive control
    variate v (the linear control variates of Tucker et al., 2017, REBAR, and Grathwohl et al.,
    2018, RELAX, with a model whose expectation is exact).

    Paths are drawn at the first few points, one each, and only run forward. With r = CE − v(path),

        E[CE](p) = Σ p·v + E[r],   ∇ ≈ ∇ Σ p·v + mean_i (r_i − mean_{j≠i} r_j) ∇ log p(path_i).

    The first term costs no images, so that it is averaged over many points. Unbiased up to the
    constant of each batch, which has no gradient.
    """

    def __init__(self, space: Space, params: SearchParams) -> None:
        super().__init__(space, params)
        self.points = params.reinforce.points
        self.looks_at = (params.reinforce.prepared, params.reinforce.images)
        self._step_weight = step_weight(params)
        decisions, operations = space.mask.shape
        self.model = AdditiveModel(decisions, operations, params.reinforce.ridge)

    def prepare(self, paths: Tensor, losses: Tensor) -> None:
        self.model.add(paths, losses)

    def known(self, logits: Tensor) -> Tensor:
        values = self.model.values.to(logits)
        return (logits.softmax(-1) * values).sum((-2, -1))

    def cross_entropy(self, logits: Tensor, loss_of: LossOf, generator: torch.Generator) -> Tensor:
        p = logits[: self.params.reinforce.paths].detach().softmax(-1).cpu()
        paths = draw_paths(p, generator)
        expected, values = self.known(logits), self.model.values.to(logits)
        losses = losses_of(self.space, paths, loss_of).to(logits)
        residuals = losses - _sum_over(values, paths.to(logits.device))
        advantages = leave_one_out(residuals)
        log_p = log_probability(logits[: len(paths)], paths)
        score = (advantages * log_p) * (len(logits) / len(paths))
        self.model.add(paths, losses.cpu(), self._step_weight)
        # The score adds a gradient and no value: what is logged is the cross-entropy itself.
        estimate = expected + (losses.mean() - expected.mean()).detach()
        return torch.cat(
            [
                estimate[: len(paths)] + score - score.detach(),
                estimate[len(paths) :],
            ]
        )

    def state(self) -> dict[str, Any]:
        return self.model.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        self.model.restore(state)


def draw_paths(p: Tensor, generator: torch.Generator) -> Tensor:
    """One path (m, decisions) from each of the probabilities (m, decisions, options)."""
    drawn = torch.multinomial(p.flatten(0, 1), 1, generator=generator)
    return drawn.view(p.shape[:2])


def log_probability(logits: Tensor, paths: Tensor) -> Tensor:
    """log p (m,) of paths (m, decisions) under logits (m, decisions, options)."""
    return _sum_over(logits.log_softmax(-1), paths.to(logits.device))


@torch.no_grad()
def losses_of(space: Space, paths: Tensor, loss_of: LossOf) -> Tensor:
    """Cross-entropies (m,) of the networks that paths (m, decisions) stand for."""
    networks = [space.canonical(path) for path in paths.tolist()]
    return torch.stack([loss_of(single(network)) for network in networks])


def step_weight(params: SearchParams) -> float:
    """How exact the losses of a step are beside those of the prepared paths, by their images."""
    return min(1.0, params.batch_size / params.reinforce.images)


def leave_one_out(values: Tensor) -> Tensor:
    """Every value minus the mean of the others (m,); nothing to compare one value with."""
    if len(values) == 1:
        return torch.zeros_like(values)
    return (values - values.mean()) * len(values) / (len(values) - 1)


def _sum_over(table: Tensor, paths: Tensor) -> Tensor:
    """Σ_e table[e, path_e] per path: a table (E, k) for all, or one (m, E, k) each; (m,)."""
    chosen = table.expand(len(paths), *table.shape[-2:]).gather(2, paths[:, :, None])
    return chosen.sum((1, 2))
