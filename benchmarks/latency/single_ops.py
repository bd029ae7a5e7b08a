"""An ONNX model as its single operations, each a model of its own.

What a latency table of operations would be made of. Runtimes fuse operations, and every model
costs a call: their sum is no latency of the network, which is what the benchmark shows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Operation:
    """One node as a model; equal keys cost the same."""

    key: str
    model: Any  # onnx.ModelProto


def operations(model: Any) -> Iterator[Operation]:
    """Every node of a ModelProto that computes something of its input, in order."""
    from onnx import shape_inference

    graph = shape_inference.infer_shapes(model, data_prop=True).graph
    fixed = {tensor.name: tensor for tensor in graph.initializer}
    fixed |= {node.output[0]: _constant(node) for node in graph.node if node.op_type == "Constant"}
    values = {value.name: value for value in (*graph.input, *graph.value_info, *graph.output)}
    for node in graph.node:
        if node.op_type != "Constant" and any(name in values for name in _moving(node, fixed)):
            yield Operation(_key(node, fixed, values), _alone(model, node, fixed, values))


def _constant(node: Any) -> Any:
    return node.attribute[0].t


def _moving(node: Any, fixed: dict[str, Any]) -> list[str]:
    """The inputs that depend on the model's own, each once."""
    return list(dict.fromkeys(name for name in node.input if name and name not in fixed))


def _key(node: Any, fixed: dict[str, Any], values: dict[str, Any]) -> str:
    """What decides the cost: weights count by their shape, indices and axes by their value."""
    from onnx import helper, numpy_helper

    def of(name: str) -> Any:
        if name not in fixed:
            return _shape(values[name]) if name else None
        array = numpy_helper.to_array(fixed[name])
        return array.tolist() if array.dtype.kind == "i" else ["weights", *array.shape]

    attributes = sorted(helper.printable_attribute(attribute) for attribute in node.attribute)
    return json.dumps([node.op_type, attributes, [of(name) for name in node.input]])


def _shape(value: Any) -> list[int]:
    return [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]


def _alone(model: Any, node: Any, fixed: dict[str, Any], values: dict[str, Any]) -> Any:
    from onnx import TensorProto, helper

    weights = []
    for name in dict.fromkeys(name for name in node.input if name in fixed):
        tensor = TensorProto()
        tensor.CopyFrom(fixed[name])
        tensor.name = name  # that of a Constant has another one, or none
        weights.append(tensor)
    inputs = [values[name] for name in _moving(node, fixed)]
    outputs = [values[name] for name in node.output if name in values]
    graph = helper.make_graph([node], node.op_type, inputs, outputs, weights)
    return helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
