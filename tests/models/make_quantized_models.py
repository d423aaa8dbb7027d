"""Makes the quantized models of the tests: integer operators, QDQ graphs and the operators of com.microsoft.

    python make_quantized_models.py [OUT_FOLDER]      OUT_FOLDER defaults to the folder of this script

Outputs come from onnxruntime. Packages: tests/conformance_sklearn/requirements.txt. Seeded.
"""
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import model_folder  # noqa: E402

MS = "com.microsoft"
TYPES = {np.dtype(np.uint8): TensorProto.UINT8, np.dtype(np.int8): TensorProto.INT8,
         np.dtype(np.int32): TensorProto.INT32, np.dtype(np.float32): TensorProto.FLOAT}


class Graph:
    """Nodes, initializers and outputs of one model under construction."""

    def __init__(self, name, inputs):
        self.name, self.nodes, self.stored, self.outputs = name, [], [], []
        self.inputs = [helper.make_tensor_value_info(n, t, s) for n, t, s in inputs]

    def store(self, name, array):
        self.stored.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def node(self, op, inputs, name, domain=MS, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, domain=domain, **attributes))
        return name

    def output(self, name, kind, shape):
        self.outputs.append(helper.make_tensor_value_info(name, kind, shape))

    def model(self):
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, self.stored)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid(MS, 1)],
                                 ir_version=10)


def scales(graph):
    """Scale and zero point names for a, b and y."""
    graph.store("sa", np.float32(0.02))
    graph.store("za", np.uint8(128))
    graph.store("sb", np.float32(0.031))
    graph.store("zb", np.uint8(120))
    graph.store("sy", np.float32(0.05))
    graph.store("zy", np.uint8(131))
    return ["sa", "za"], ["sb", "zb"], ["sy", "zy"]


def microsoft_elementwise():
    """QLinearAdd, QLinearMul, QLinearSigmoid, QLinearLeakyRelu, QLinearSoftmax, QLinearConcat, QLinearWhere."""
    g = Graph("microsoft_elementwise", [("a", TensorProto.UINT8, [2, 6]), ("b", TensorProto.UINT8, [2, 6])])
    a, b, y = scales(g)
    one = [g.store("s1", np.float32(1 / 256)), g.store("z1", np.uint8(0))]
    mask = g.store("mask", np.arange(12).reshape(2, 6) % 3 == 0)
    made = [g.node("QLinearAdd", ["a", *a, "b", *b, *y], "sum"),
            g.node("QLinearMul", ["a", *a, "b", *b, *y], "product"),
            g.node("QLinearSigmoid", ["a", *a, *one], "sigmoid"),
            g.node("QLinearLeakyRelu", ["b", *b, *y], "leaky", alpha=0.1),
            g.node("QLinearSoftmax", ["a", *a, *one], "softmax", axis=-1, opset=13),
            g.node("QLinearWhere", [mask, "a", *a, "b", *b, *y], "where")]
    for name in made:
        g.output(name, TensorProto.UINT8, [2, 6])
    g.output(g.node("QLinearConcat", [*y, "a", *a, "b", *b], "both", axis=1), TensorProto.UINT8, [2, 12])
    rng = np.random.default_rng(1)
    return g.model(), [{"a": rng.integers(0, 256, (2, 6)), "b": rng.integers(0, 256, (2, 6))} for _ in range(3)]


def microsoft_matmul():
    """QGemm to uint8 and to float, MatMulIntegerToFloat, DynamicQuantizeMatMul, MatMulNBits."""
    rng = np.random.default_rng(2)
    g = Graph("microsoft_matmul", [("a", TensorProto.UINT8, [2, 16]), ("x", TensorProto.FLOAT, [2, 32])])
    a, _, y = scales(g)
    w = g.store("w", rng.integers(-128, 128, (16, 3)).astype(np.int8))
    sw = g.store("sw", np.array([0.01, 0.02, 0.015], np.float32))
    zw = g.store("zw", np.array([3, -4, 0], np.int8))
    bias = g.store("bias", np.array([1000, -2000, 50], np.int32))
    real_bias = g.store("real_bias", np.array([0.5, -0.25, 1], np.float32))
    wide = g.store("wide", rng.integers(-128, 128, (32, 3)).astype(np.int8))
    packed = g.store("packed", rng.integers(0, 256, (3, 2, 8)).astype(np.uint8))
    block_scales = g.store("block_scales", rng.uniform(0.01, 0.1, (6,)).astype(np.float32))
    zeros = g.store("zeros", rng.integers(0, 256, (3,)).astype(np.uint8))
    g.output(g.node("QGemm", ["a", *a, w, sw, zw, bias, *y], "gemm"), TensorProto.UINT8, [2, 3])
    g.output(g.node("QGemm", ["a", *a, w, sw, zw, bias], "gemm_real"), TensorProto.FLOAT, [2, 3])
    g.output(g.node("MatMulIntegerToFloat", ["a", w, "sa", sw, "za", zw, real_bias], "to_float"),
             TensorProto.FLOAT, [2, 3])
    g.output(g.node("DynamicQuantizeMatMul", ["x", wide, sw, zw, real_bias], "dynamic"), TensorProto.FLOAT, [2, 3])
    g.output(g.node("MatMulNBits", ["x", packed, block_scales, zeros], "nbits", K=32, N=3, bits=4, block_size=16),
             TensorProto.FLOAT, [2, 3])
    rows = [{"a": rng.integers(0, 256, (2, 16)), "x": rng.normal(0, 1, (2, 32))} for _ in range(3)]
    return g.model(), rows


def integer_matmul():
    """DynamicQuantizeLinear, MatMulInteger, Cast, Mul: dynamic quantization as onnxruntime writes it; QLinearMatMul."""
    rng = np.random.default_rng(3)
    g = Graph("integer_matmul", [("x", TensorProto.FLOAT, [2, 8]), ("a", TensorProto.UINT8, [2, 8])])
    a, _, y = scales(g)
    w = g.store("w", rng.integers(-128, 128, (8, 4)).astype(np.int8))
    zw = g.store("zw", np.int8(5))
    sw = g.store("sw", np.float32(0.013))
    g.nodes.append(helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"], name="quantize"))
    g.node("MatMulInteger", ["q", w, "z", zw], "sums", domain="")
    g.node("Cast", ["sums"], "real", domain="", to=TensorProto.FLOAT)
    g.node("Mul", ["s", sw], "scale", domain="")
    g.output(g.node("Mul", ["real", "scale"], "product", domain=""), TensorProto.FLOAT, [2, 4])
    g.output(g.node("QLinearMatMul", ["a", *a, w, sw, zw, *y], "quantized", domain=""), TensorProto.UINT8, [2, 4])
    rows = [{"x": rng.normal(0, 2, (2, 8)), "a": rng.integers(0, 256, (2, 8))} for _ in range(3)]
    return g.model(), rows


def qdq_mlp():
    """Two layers between QuantizeLinear and DequantizeLinear, weights in int8 for each column."""
    rng = np.random.default_rng(4)
    g = Graph("qdq_mlp", [("x", TensorProto.FLOAT, [1, 6])])
    last = "x"
    for i, (rows, columns) in enumerate(((6, 8), (8, 3))):
        scale, zero = g.store(f"s{i}", np.float32(0.03 * (i + 1))), g.store(f"z{i}", np.uint8(128 if i == 0 else 0))
        q = g.node("QuantizeLinear", [last, scale, zero], f"q{i}", domain="")
        d = g.node("DequantizeLinear", [q, scale, zero], f"d{i}", domain="")
        w = g.store(f"w{i}", rng.integers(-127, 128, (rows, columns)).astype(np.int8))
        sw = g.store(f"sw{i}", rng.uniform(0.004, 0.02, columns).astype(np.float32))
        zw = g.store(f"zw{i}", np.zeros(columns, np.int8))
        dw = g.node("DequantizeLinear", [w, sw, zw], f"dw{i}", domain="", axis=1)
        bias = g.store(f"b{i}", rng.normal(0, 0.3, columns).astype(np.float32))
        last = g.node("Gemm", [d, dw, bias], f"y{i}", domain="")
        if i == 0:
            last = g.node("Relu", [last], "relu", domain="")
    g.output(last, TensorProto.FLOAT, [1, 3])
    return g.model(), [{"x": rng.normal(0, 1.5, (1, 6))} for _ in range(3)]


MODELS = [microsoft_elementwise, microsoft_matmul, integer_matmul, qdq_mlp]


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else HERE
    for make in MODELS:
        model, rows = make()
        onnx.checker.check_model(model)
        outputs = model_folder.write_folder(os.path.join(out, make.__name__), model, rows)
        print(make.__name__, [np.asarray(o).reshape(-1)[:4].tolist() for o in outputs[0]])


if __name__ == "__main__":
    main()
