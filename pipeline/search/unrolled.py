"""The gradient of DARTS: architecture parameters at weights that are one step ahead."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

_RADIUS = 0.01  # how far the weights move for the finite difference


def unrolled_gradient(
    weights: Sequence[Tensor],
    alphas: Sequence[Tensor],
    learned: Callable[[], Tensor],
    held_out: Callable[[], Tensor],
    xi: float,
) -> list[Tensor]:
    """d/dα of the held-out loss at w' = w − ξ ∇_w learned(w, α), one tensor per α.

        ∇_α held_out(w', α) − ξ [∇_α learned(w⁺, α) − ∇_α learned(w⁻, α)] / (2 ε)

    with w± = w ± ε ∇_w' held_out(w', α) and ε = 0.01 / |∇_w' held_out| (Liu et al., 2019, DARTS,
    equations 6 to 8). The weights are where they were afterwards. Both losses are functions of
    `weights` and `alphas` as they are when they are called.
    """
    start = [weight.detach().clone() for weight in weights]
    try:
        ahead = _gradients(learned(), weights)
        _move(weights, start, ahead, -xi)
        found = _gradients(held_out(), [*alphas, *weights])
        direct, vector = found[: len(alphas)], found[len(alphas) :]
        length = torch.sqrt(sum((part.square().sum() for part in vector), torch.tensor(0.0)))
        epsilon = _RADIUS / max(float(length), 1e-12)
        sides = []
        for sign in (1, -1):
            _move(weights, start, vector, sign * epsilon)
            sides.append(_gradients(learned(), alphas))
    finally:
        _move(weights, start, start, 0.0)
    return [
        gradient - xi * (up - down) / (2 * epsilon)
        for gradient, up, down in zip(direct, *sides, strict=True)
    ]


def _gradients(loss: Tensor, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Zero where a loss does not depend on an input: a width that did not run."""
    return torch.autograd.grad(loss, list(inputs), materialize_grads=True)


@torch.no_grad()
def _move(
    weights: Sequence[Tensor], start: Sequence[Tensor], along: Sequence[Tensor], by: float
) -> None:
    for weight, origin, direction in zip(weights, start, along, strict=True):
        weight.copy_(origin + by * direction)
