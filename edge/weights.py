"""How many weights a block has, by the name of its operation, and how many values it touches.

Normalisation counts nothing: it is folded into the convolution before it on export. models/ builds
what is counted here; a test compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from edge.spec import Architecture, BlockSpec

Counter: TypeAlias = Callable[..., int]

_COUNTERS: dict[str, Counter] = {}


def counted(pattern: str) -> Callable[[Counter], Counter]:
    """Register what counts the operations whose name matches `pattern`; its groups are whole
    numbers, passed after the input and output channels."""

    def register(counter: Counter) -> Counter:
        if pattern in _COUNTERS:
            raise ValueError(f"the weights of {pattern!r} are counted twice")
        _COUNTERS[pattern] = counter
        return counter

    return register


@lru_cache(maxsize=4096)
def of_block(key: str) -> int | None:
    """The weights of a block by its key; None where its operation is somebody's own."""
    block = BlockSpec.from_key(key)
    for pattern, counter in _COUNTERS.items():
        if match := re.fullmatch(pattern, block.op):
            numbers = map(int, filter(None, match.groups()))
            return counter(block.in_channels, block.out_channels, *numbers)
    return None


@lru_cache(maxsize=4096)
def touched(key: str) -> int:
    """The values that a run of a block by its key touches: its weights, none of an operation that
    is somebody's own, and what it reads and writes; what it keeps inside is left out."""
    block = BlockSpec.from_key(key)
    read = block.operands * block.in_channels * block.height * block.width
    written = block.out_channels * block.out_height * block.out_width
    return (of_block(key) or 0) + read + written


def touched_by(architecture: Architecture) -> int:
    """The same of all rows of a network."""
    return sum(touched(row.block.key) for row in architecture.rows)


@counted("skip|none|add|concat_[0-9]+|(?:avg|max)_pool(?:_bn)?_k[0-9]+")
def _nothing(cin: int, cout: int) -> int:
    return 0


@counted(r"(?:relu_)?conv_k(\d+)|stem_k(\d+)")
def _dense(cin: int, cout: int, kernel: int) -> int:
    return cin * cout * kernel**2


@counted(r"sep_k(\d+)|dil_conv_k(\d+)")
def _separable(cin: int, cout: int, kernel: int) -> int:
    return cin * kernel**2 + cin * cout


@counted(r"sep_conv_k(\d+)")
def _twice_separable(cin: int, cout: int, kernel: int) -> int:
    return _separable(cin, cin, kernel) + _separable(cin, cout, kernel)


@counted(r"mbconv_k(\d+)_e(\d+)")
def _inverted(cin: int, cout: int, kernel: int, expansion: int) -> int:
    return cin * expansion * (cin + kernel**2 + cout)


@counted(r"fused_k(\d+)_e(\d+)")
def _fused(cin: int, cout: int, kernel: int, expansion: int) -> int:
    return cin * expansion * (cin * kernel**2 + cout)


@counted("reduce|mean_head|norm_head")
def _pointwise(cin: int, cout: int) -> int:
    return cin * cout


@counted(r"resnet_k(\d+)")
def _residual_reduction(cin: int, cout: int, kernel: int) -> int:
    return (cin + cout) * cout * kernel**2 + cin * cout


@counted(r"head_(\d+)")
def _head(cin: int, cout: int, features: int) -> int:
    return cin * features + features * cout
