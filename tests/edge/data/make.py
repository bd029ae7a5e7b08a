"""Makes the model files beside it: ``python tests/edge/data/make.py`` (litert-torch 0.10)."""

from pathlib import Path

import flatbuffers
import litert_torch
import torch
from ai_edge_litert import schema_py_generated as schema
from torch import nn

FOLDER = Path(__file__).parent
FLOAT32, INT8 = schema.TensorType.FLOAT32, schema.TensorType.INT8
ABS, CAST = schema.BuiltinOperator.ABS, schema.BuiltinOperator.CAST


def fill(cls, **fields):
    """An object of the generated schema, whose constructors take no arguments."""
    made = cls()
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def tensor(name, kind, shape):
    static = [2 if size < 0 else size for size in shape]  # what a reader must not take for fixed
    return fill(schema.TensorT, name=name, type=kind, shape=static, shapeSignature=shape, buffer=0)


def model(*layers):
    """Independent operations side by side, each (operator, input, output)."""
    tensors = [one for _, x, y in layers for one in (x, y)]
    operators = [
        fill(schema.OperatorT, opcodeIndex=n, inputs=[2 * n], outputs=[2 * n + 1])
        for n in range(len(layers))
    ]
    codes = [
        fill(schema.OperatorCodeT, builtinCode=code, deprecatedBuiltinCode=code, version=1)
        for code, _, _ in layers
    ]
    graph = fill(
        schema.SubGraphT,
        tensors=tensors,
        inputs=list(range(0, len(tensors), 2)),
        outputs=list(range(1, len(tensors), 2)),
        operators=operators,
    )
    whole = fill(
        schema.ModelT,
        version=3,
        operatorCodes=codes,
        subgraphs=[graph],
        buffers=[schema.BufferT()],
    )
    builder = flatbuffers.Builder()
    builder.Finish(whole.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def abs8():
    """y = |x|, both int8: x of shape (1, 2, 2, 1) is (q - 3) * 0.02, y is (q + 128) * 0.01."""
    layer = ABS, tensor("x", INT8, [1, 2, 2, 1]), tensor("y", INT8, [1, 2, 2, 1])
    for one, scale, zero_point in zip(layer[1:], (0.02, 0.01), (3, -128), strict=True):
        one.quantization = fill(
            schema.QuantizationParametersT, scale=[scale], zeroPoint=[zero_point]
        )
    return model(layer)


def conv():
    """y = relu(conv3x3(x)) with every weight 0.1, x of shape (1, 4, 8, 8)."""
    net = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.ReLU())
    nn.init.constant_(net[0].weight, 0.1)
    litert_torch.convert(net.eval(), (torch.zeros(1, 4, 8, 8),)).export(FOLDER / "conv.tflite")


def cast():
    return CAST, tensor("q", INT8, [2, 40]), tensor("cast_q", FLOAT32, [2, 40])


if __name__ == "__main__":
    conv()
    batch = ABS, tensor("x", FLOAT32, [-1, 3]), tensor("abs_x", FLOAT32, [-1, 3])
    scalar = ABS, tensor("s", FLOAT32, []), tensor("abs_s", FLOAT32, [])
    (FOLDER / "mixed.tflite").write_bytes(model(batch, cast(), scalar))
    (FOLDER / "abs8.tflite").write_bytes(abs8())
    (FOLDER / "cast.tflite").write_bytes(model(cast()))  # XNNPACK does not take it
