"""Module → TFLite file, the one way that profiled models and deployed members share.

The same module gives the same bytes, on every machine that has the same versions: a model is
known by the sha256 of its file.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from edge.files import write_atomic
from pipeline.exporter import INPUT_NAME, OUTPUT_NAME, ExportError, first_line, quiet

METADATA_NAME = "edgefacet"  # of the buffer that holds our metadata, as one JSON object
_ALIGNMENT = 16  # bytes, of every buffer
_CHATTY = ("torch.utils._pytree", "root")
_SILENCE = {"LITERT_TORCH_SHOW_PROGRESS": "n", "TF_CPP_MIN_LOG_LEVEL": "2"}


class ChannelsLast(nn.Module):
    """A module whose image is (1, H, W, C), as LiteRT computes and as cameras give it."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.module(image.permute(0, 3, 1, 2))  # (1, C, H, W)
        return logits


def export_tflite(
    module: nn.Module,
    input_shape: tuple[int, int, int],
    path: Path,
    *,
    metadata: Mapping[str, str] = {},
) -> None:
    """Write `module`, in eval mode, to `path` in one step.

    `input_shape` is (C, H, W), and the model maps ``image`` (1, H, W, C) to ``logits``;
    BatchNorm is folded into the convolutions; `read_metadata` gives `metadata` back. The module
    itself is not changed. Raises ExportError where litert-torch refuses it.
    """
    channels, height, width = input_shape
    frozen = ChannelsLast(copy.deepcopy(module).cpu()).eval().requires_grad_(False)
    try:
        with quiet(_CHATTY, _SILENCE), torch.no_grad():
            import litert_torch  # takes seconds

            image = torch.zeros(1, height, width, channels)
            content = litert_torch.convert(frozen, (image,)).model_content()
    except Exception as error:  # the converter's errors share no base of their own
        raise ExportError(f"litert-torch cannot export {path.name}: {first_line(error)}") from error
    write_tflite(unpack(content), path, metadata)


def write_tflite(model: Any, path: Path, metadata: Mapping[str, str]) -> None:
    """Write a ModelT with the names and the `metadata` that all files have.

    Raises ExportError where an operation of it is none of TFLite's.
    """
    if len(model.subgraphs) > 1:
        kept = ", ".join(graph.name.decode() for graph in model.subgraphs[1:])
        raise ExportError(
            f"{path.name}: litert-torch makes no operation of TFLite of {kept}: write the module "
            "in another way"
        )
    _rename(model)
    model.metadata = [one for one in model.metadata or [] if one.name.decode() != METADATA_NAME]
    if metadata:
        _add_metadata(model, json.dumps(metadata, sort_keys=True, ensure_ascii=False))
    write_atomic(path, pack(model))


def read_metadata(path: Path) -> dict[str, str]:
    """What `export_tflite` was told to put into the file; nothing where it was told nothing."""
    model = unpack(path.read_bytes())
    for entry in model.metadata or []:
        if entry.name.decode() == METADATA_NAME:
            found: dict[str, str] = json.loads(model.buffers[entry.buffer].data.tobytes())
            return found
    return {}


def _rename(model: Any) -> None:
    """Name input and output as in other formats, and nothing else: the converter names every
    tensor after all modules around it, which is a tenth of a small model."""
    (graph,), (signature,) = model.subgraphs, model.signatureDefs
    for tensor in graph.tensors:
        tensor.name = None
    for name, maps in ((INPUT_NAME, signature.inputs), (OUTPUT_NAME, signature.outputs)):
        (only,) = maps
        only.name = name
        graph.tensors[only.tensorIndex].name = name


def _add_metadata(model: Any, text: str) -> None:
    import numpy as np
    from ai_edge_litert import schema_py_generated as schema

    buffer = schema.BufferT(data=np.frombuffer(text.encode(), np.uint8))
    model.metadata = [*model.metadata, schema.MetadataT(METADATA_NAME, len(model.buffers))]
    model.buffers = [*model.buffers, buffer]


def unpack(content: bytes) -> Any:
    """The ModelT of a file's bytes, with all weights inside: writers of larger models put them
    behind the flatbuffer, where an offset from the file's start finds them."""
    import numpy as np
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content)
    for buffer in model.buffers:
        if buffer.offset > 1:  # 0 and 1 say that there is none
            buffer.data = np.frombuffer(content, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0
    return model


def pack(model: Any) -> bytes:
    """The bytes of a ModelT's file."""
    import flatbuffers

    class Builder(flatbuffers.Builder):  # type: ignore[misc]
        """Aligns as TFLite's schema demands, which the generated code forgets, and writes arrays
        that are equal once: zero points alone are an eighth of a small int8 model."""

        def __init__(self) -> None:
            super().__init__()
            self._written: dict[tuple[str, bytes], Any] = {}

        def CreateNumpyVector(self, array: Any) -> Any:  # noqa: N802
            content = array.dtype.str, array.tobytes()
            if content not in self._written:
                self._written[content] = super().CreateNumpyVector(array)
            return self._written[content]

        def StartVector(self, size: int, count: int, alignment: int) -> Any:  # noqa: N802
            return super().StartVector(size, count, max(_ALIGNMENT, alignment))

    builder = Builder()
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())
