"""How good what shared weights run is on one batch, which is normalised by its own statistics."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from models.supernet import Selection


def on_batch(
    supernet: nn.Module, selection: Selection, x: Tensor, y: Tensor
) -> tuple[Tensor, Tensor]:
    """Cross-entropy and accuracy of a selection on images (B, C, H, W) with labels (B,).

    In a search `supernet` is what Fabric made of the weights: it alone knows their precision.
    """
    supernet.train()
    logits: Tensor = supernet(x, selection)
    return F.cross_entropy(logits, y), (logits.argmax(1) == y).float().mean()
