"""Whether an ONNX model keeps data in other files, without the onnx package: no board has it.

A tensor may name a file, an offset and a length instead of its numbers, and ONNX Runtime follows
that name out of the model's folder (1.23 does, 1.32 no longer). What lies there may decide how long
the model takes: the latencies of a stranger's model would tell what is in files of the board.

Only the messages of onnx.proto that can hold a tensor are looked into. What is no protobuf is
refused: ONNX Runtime could read it otherwise than we do.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path

from edge.runtimes.base import ModelRejected, OtherFiles

_HOLDS: Mapping[str, Mapping[int, str]] = {  # message → number of a field → message in it
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # of a tensor: what it names, and 0 where it names nothing
_MOST_DEPTH = 100  # protobuf's own limit
_VARINT, _FIXED_64, _MESSAGE, _FIXED_32 = 0, 1, 2, 5  # on the wire; groups are not in onnx.proto
_Field = tuple[int, int | slice | None]  # its number; its value, or where its bytes are


class _Malformed(ValueError):
    """Bytes that are no protobuf."""


def refuse_other_files(path: Path) -> None:
    """Raises OtherFiles where the model in `path` keeps data in other files, ModelRejected where it
    is no protobuf, and OSError where it cannot be read."""
    if not path.stat().st_size:  # which cannot be mapped
        raise ModelRejected(f"{path.name} is empty")
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        try:
            elsewhere = _is_elsewhere(data, "model", slice(0, len(data)))
        except _Malformed as error:
            raise ModelRejected(f"{path.name} is no ONNX model: {error}") from error
    if elsewhere:
        raise OtherFiles(
            f"{path.name} keeps data in other files, and an order brings one: save it as one file, "
            "as onnx.save does with save_as_external_data=False"
        )


def _is_elsewhere(data: mmap.mmap, message: str, place: slice, depth: int = 0) -> bool:
    """Whether a tensor in the message at `place` names a file."""
    if depth > _MOST_DEPTH:
        raise _Malformed(f"it nests more than {_MOST_DEPTH} deep")
    for number, value in _fields(data, place):
        if message == "tensor" and number in (_EXTERNAL_DATA, _DATA_LOCATION) and value:
            return True
        inner = _HOLDS[message].get(number)
        if inner and isinstance(value, slice) and _is_elsewhere(data, inner, value, depth + 1):
            return True
    return False


def _fields(data: mmap.mmap, place: slice) -> Iterator[_Field]:
    """The fields of the message at `place`, in their order; no byte of it is copied."""
    at, end = place.start, place.stop
    while at < end:
        tag, at = _varint(data, at, end)
        number, wire = tag >> 3, tag & 7
        if not 0 < number < 1 << 29:
            raise _Malformed(f"a field cannot have the number {number}")
        value: int | slice | None = None
        if wire == _VARINT:
            value, at = _varint(data, at, end)
        elif wire == _MESSAGE:
            size, at = _varint(data, at, end)
            value = slice(at, at + size)
            at += size
        elif wire in (_FIXED_32, _FIXED_64):
            at += 4 if wire == _FIXED_32 else 8
        else:
            raise _Malformed(f"a field cannot be of the type {wire}")
        if at > end:
            raise _Malformed("it is cut short")
        yield number, value


def _varint(data: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    """The number that begins at `at`, seven bits a byte, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            raise _Malformed("it is cut short")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise _Malformed("a number has more than ten bytes")
