"""The idx format of the MNIST family: a magic number, the sizes, then bytes.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits" (1998).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edge.errors import EdgeError

_UNSIGNED_BYTE = 0x08


class IdxError(EdgeError, ValueError):
    """Bytes that are not an idx array of unsigned bytes."""


def parse(content: bytes) -> NDArray[np.uint8]:
    """The array in `content`, read-only. Raises IdxError for a wrong magic number or size."""
    if len(content) < 4 or content[:3] != bytes([0, 0, _UNSIGNED_BYTE]):
        raise IdxError(
            f"magic number {content[:4].hex()!r} is not that of unsigned bytes, 000008xx"
        )
    dimensions = content[3]
    header_bytes = 4 + 4 * dimensions
    if len(content) < header_bytes:
        raise IdxError(f"the header ends after {len(content)} of {header_bytes} bytes")
    shape = tuple(int(n) for n in np.frombuffer(content, ">u4", dimensions, offset=4))
    expected = header_bytes + math.prod(shape)
    if len(content) != expected:
        raise IdxError(f"{len(content)} bytes, but shape {shape} needs {expected}")
    return np.frombuffer(content, np.uint8, offset=header_bytes).reshape(shape)
