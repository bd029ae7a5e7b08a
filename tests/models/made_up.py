"""A small space with every kind of operation, and images for it."""

import torch

from models.mbconv import mbconv

MBCONVS = ["mbconv_k3_e3", "mbconv_k5_e3", "mbconv_k3_e6", "mbconv_k5_e6"]
SKIP, SEP, K3E3, K5E3, K3E6, K5E6, CONV = range(7)
SPACE = mbconv(
    input_shape=(3, 12, 8),
    classes=5,
    operations=["skip", "sep_k3", *MBCONVS, "conv_k3"],
    stem_width=4,
    stem_stride=2,
    widths=[4, 8],
    depths=[2, 1],
    head_width=16,
    act="relu",
)


def images():
    """Two of them, (B, C, H, W)."""
    return torch.randn(2, *SPACE.input_shape, generator=torch.Generator().manual_seed(0))
