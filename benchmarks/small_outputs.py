#!/usr/bin/env python3
"""Small random models, compiled with one data set and checked on others of the same distribution.

How often outputs of inputs that did not calibrate, closer to 0 than those that did, miss the
tolerance of ONNX's own runner (rtol 1e-3, atol 1e-7): benchmarks/results/small_outputs.md.

    python benchmarks/small_outputs.py BIN FIRST LAST     needs numpy, onnx, onnxruntime
"""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

FRESH = 12  # data sets that do not calibrate


class Builder:
    def __init__(self, random):
        self.random, self.nodes, self.stored, self.count = random, [], [], 0

    def name(self):
        self.count += 1
        return f"v{self.count}"

    def store(self, numbers):
        name = self.name()
        self.stored.append(numpy_helper.from_array(np.array(numbers), name))
        return name

    def weights(self, *shape, scale=None):
        if scale is None:
            scale = 1 / np.sqrt(shape[0] if len(shape) == 2 else max(np.prod(shape[1:]), 1))
        return self.store((self.random.normal(0, 1, shape) * scale).astype(np.float32))

    def number(self, value):
        return self.store(np.float32(value))

    def add(self, op, *inputs, outputs=1, **attributes):
        names = [self.name() for _ in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, **attributes))
        return names[0] if outputs == 1 else names

    def size(self, low, high):
        return int(self.random.integers(low, high))

    def chance(self, part):
        return self.random.random() < part

    def activate(self, x):
        op = self.random.choice(
            ["Relu", "Tanh", "Sigmoid", "Elu", "LeakyRelu", "Softplus", "Gelu", "none"])
        if op == "none":
            return x
        if op != "Gelu":
            return self.add(op, x)
        erf = self.add("Erf", self.add("Mul", x, self.number(np.sqrt(0.5))))
        half = self.add("Mul", x, self.number(0.5))
        return self.add("Mul", half, self.add("Add", erf, self.number(1)))

    def head(self, x):
        op = self.random.choice(["Softmax", "Sigmoid", "Tanh", "LogSoftmax", "none"])
        if op == "none":
            return x
        return self.add(op, x, axis=-1) if "Softmax" in op else self.add(op, x)

    def normalise(self, x, width):
        centred = self.add("Sub", x, self.add("ReduceMean", x, axes=[-1]))
        variance = self.add("ReduceMean", self.add("Mul", centred, centred), axes=[-1])
        root = self.add("Sqrt", self.add("Add", variance, self.number(1e-5)))
        return self.add("Mul", self.add("Div", centred, root), self.weights(width, scale=1))


def mlp(b):
    width, batch, x = b.size(2, 16), b.size(1, 4), "x"
    shape = [batch, width]
    for _ in range(b.size(1, 4)):
        out = b.size(2, 20)
        x = b.activate(b.add("Gemm", x, b.weights(width, out), b.weights(out, scale=0.2)))
        width = out
        if b.chance(0.2):
            x = b.normalise(x, width)
    return shape, b.head(x)


def convolution(b):
    channels, side, x = b.size(1, 4), b.size(6, 10), "x"
    shape = [1, channels, side, side]
    for _ in range(b.size(1, 3)):
        out = b.size(1, 6)
        x = b.add("Conv", x, b.weights(out, channels, 3, 3), b.weights(out, scale=0.2),
                  pads=[1, 1, 1, 1])
        x, channels = b.activate(x), out
        pool = b.random.choice(["MaxPool", "AveragePool", "none"])
        if pool != "none":
            x = b.add(pool, x, kernel_shape=[2, 2], strides=[2, 2])
    if b.chance(0.5):
        return shape, x
    x = b.add("Flatten", b.add("GlobalAveragePool", x))
    return shape, b.head(b.add("Gemm", x, b.weights(channels, 5), b.weights(5, scale=0.2)))


def recurrent(b):
    width, hidden, steps = b.size(1, 6), b.size(2, 12), b.size(3, 9)
    op, gates = [("LSTM", 4), ("GRU", 3), ("RNN", 1)][b.size(0, 3)]
    scale = 1 / np.sqrt(hidden)
    y, last = b.add(op, "x", b.weights(1, gates * hidden, width, scale=scale),
                    b.weights(1, gates * hidden, hidden, scale=scale),
                    b.weights(1, 2 * gates * hidden, scale=0.2), hidden_size=hidden, outputs=2)
    shape = [steps, 1, width]
    if b.chance(0.4):
        return shape, y
    x = b.add("Squeeze", last, b.store(np.array([0])))
    if b.chance(0.3):
        return shape, x
    return shape, b.head(b.add("Gemm", x, b.weights(hidden, 4), b.weights(4, scale=0.2)))


def attention(b):
    length, width = b.size(2, 7), b.size(2, 10)
    q, k, v = [b.add("MatMul", "x", b.weights(width, width)) for _ in range(3)]
    scores = b.add("MatMul", q, b.add("Transpose", k, perm=[0, 2, 1]))
    scores = b.add("Mul", scores, b.number(1 / np.sqrt(width)))
    y = b.add("MatMul", b.add("Softmax", scores, axis=-1), v)
    if b.chance(0.5):
        y = b.add("Add", "x", b.add("MatMul", y, b.weights(width, width)))
    if b.chance(0.5):
        y = b.normalise(y, width)
    if b.chance(0.5):
        y = b.activate(b.add("MatMul", y, b.weights(width, width)))
    return [1, length, width], y


def svm(b):
    width, count, batch = b.size(2, 8), b.size(3, 15), b.size(1, 3)
    kernel = str(b.random.choice(["RBF", "POLY", "SIGMOID", "LINEAR"]))
    is_linear = kernel == "LINEAR"
    vectors = [0.0] if is_linear else b.random.normal(0, 1, count * width).tolist()
    y = b.add("SVMRegressor", "x", domain="ai.onnx.ml", kernel_type=kernel,
              kernel_params=[1 / width, 0.5, 3.0], n_supports=0 if is_linear else count,
              support_vectors=vectors, rho=[b.random.normal()],
              coefficients=b.random.normal(0, 1, width if is_linear else count).tolist())
    return [batch, width], y


def trees(b):
    width, batch, depth = b.size(2, 8), b.size(1, 4), b.size(1, 4)
    inner, size, count = 2**depth - 1, 2**(depth + 1) - 1, b.size(1, 6)
    places = [(t, i) for t in range(count) for i in range(size)]
    leaves = [(t, i) for t, i in places if i >= inner]
    branch = lambda make: [0 if i >= inner else make(i) for _, i in places]
    y = b.add("TreeEnsembleRegressor", "x", domain="ai.onnx.ml", n_targets=1,
              nodes_treeids=[t for t, _ in places], nodes_nodeids=[i for _, i in places],
              nodes_modes=["LEAF" if i >= inner else "BRANCH_LEQ" for _, i in places],
              nodes_featureids=branch(lambda i: b.size(0, width)),
              nodes_values=[float(v) for v in branch(lambda i: b.random.normal())],
              nodes_truenodeids=branch(lambda i: 2 * i + 1),
              nodes_falsenodeids=branch(lambda i: 2 * i + 2),
              target_treeids=[t for t, _ in leaves], target_nodeids=[i for _, i in leaves],
              target_ids=[0] * len(leaves), target_weights=b.random.normal(0, 1, len(leaves)).tolist())
    return [batch, width], b.add("Sigmoid", y) if b.chance(0.5) else y


KINDS = [mlp, mlp, convolution, recurrent, recurrent, attention, svm, trees, mlp, attention]


def build(seed):
    random = np.random.default_rng(seed)
    b, kind = Builder(random), KINDS[seed % len(KINDS)]
    shape, y = kind(b)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(b.nodes, "g", [value("x", TensorProto.FLOAT, shape)],
                              [value(y, TensorProto.FLOAT, None)], b.stored)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 1)]
    draw = [lambda: random.normal(0, 1, shape), lambda: random.uniform(0, 1, shape),
            lambda: random.normal(0, 0.1, shape), lambda: random.normal(0, 4, shape)][b.size(0, 4)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    return kind.__name__, model, [draw().astype(np.float32) for _ in range(1 + FRESH)]


def run(program, *arguments):
    done = subprocess.run([program, *arguments, "--json"], capture_output=True, text=True)
    return json.loads(done.stdout or "{}"), done.returncode


def flat(value):
    return np.array(np.array(value, dtype=object).ravel().tolist(), dtype=float)


def measure(folder, programs, seed):
    """(kind, report, worst part of the tolerance, data sets that were refused)"""
    kind, model, sets = build(seed)
    path, out = os.path.join(folder, "m.onnx"), os.path.join(folder, f"{seed}.sertn")
    onnx.save(model, path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(path, options)
    data = os.path.join(folder, "x.json")

    def write(x):
        with open(data, "w") as file:
            json.dump({"x": x.tolist()}, file)

    write(sets[0])
    report, failed = run(os.path.join(programs, "sertnc"), path, "-o", out, "--data", data)
    if failed:
        sys.exit(f"model {seed} does not compile: {report}")
    worst, refused = 0, 0
    for x in sets[1:]:
        write(x)
        answer, failed = run(os.path.join(programs, "sertn-run"), "check", out, "--input", data)
        if failed:
            refused += 1
            continue
        got, wanted = flat(list(answer["outputs"].values())[0]), flat(session.run(None, {"x": x})[0])
        worst = max(worst, np.max(np.abs(got - wanted) / (1e-7 + 1e-3 * np.abs(wanted))))
    return kind, report, worst, refused


def main():
    programs, first, last = os.path.abspath(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    rows = used = missed = sets = 0
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, last):
            kind, report, worst, refused = measure(folder, programs, seed)
            print(seed, kind, report["rows"], report["used_rows"], f"{worst:.3f}",
                  f"{refused} refused", "MISSED" if worst > 1 else "", flush=True)
            rows, used = rows + report["rows"], used + report["used_rows"]
            missed, sets = missed + (worst > 1), sets + refused
    print(f"{last - first} models, {missed} missed, {sets} sets refused, {rows} rows, {used} used")


if __name__ == "__main__":
    main()
