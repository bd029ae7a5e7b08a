"""1×1 convolution with a stride, whose training keeps within its memory.

oneDNN's gradient for the weights of such a layer writes past its workspace where an image in
channels-last layout has fewer channels than a vector has lanes: it crashes, or is wrong (oneDNN
issue 6035, seen with 2 to 6 channels on x86 with AVX2). On the pixels that the stride picks, the
same layer has none.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class PointwiseConv2d(nn.Conv2d):
    """A drop-in for a 1×1 ``nn.Conv2d`` without bias."""

    def __init__(self, cin: int, cout: int, stride: int) -> None:
        super().__init__(cin, cout, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, O, ceil(H / stride), ceil(W / stride)). What does not learn keeps the
        stride: no runtime cuts images cheaply."""
        if not (torch.is_grad_enabled() and self.weight.requires_grad):
            return super().forward(x)
        rows, columns = self.stride
        return F.conv2d(x[..., ::rows, ::columns], self.weight)
