"""Makes pairs of models of one shape whose weights differ: everything published about them must be the same but for
the parameter commitments, the setup proof and digests made from these. Run: python3 make_pairs.py (needs onnx 1.19 or later and numpy);
the results are committed."""
import json
import os

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

HERE = os.path.dirname(os.path.abspath(__file__))


def model(nodes, inputs, outputs, initializers, opsets):
    graph = helper.make_graph(nodes, "pair", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid(d, v) for d, v in opsets], ir_version=8)


def value(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def put(name, side, built):
    folder = os.path.join(HERE, name)
    os.makedirs(folder, exist_ok=True)
    save(built, os.path.join(folder, f"{side}.onnx"))


def mlp(side):
    """Gemm, Relu, MatMul: initializers, one matrix in a Constant node; zeros, ones and equal weights, elsewhere in the b sides: inputs and hidden
    units are permuted. Widths come out of calibration and are public; the test takes a b side that has those of side a."""
    rng = np.random.default_rng(7)
    w1 = rng.uniform(-1, 1, (4, 6)).astype(np.float32)
    b1 = rng.uniform(-1, 1, 6).astype(np.float32)
    w2 = rng.uniform(-1, 1, (6, 2)).astype(np.float32)
    w1[0, 0] = w2[0, 0] = 1.25
    w1[1, :3] = 0
    w1[2, :3] = 1
    w1[3, 2:5] = 0.5
    w2[3, :] = 0
    if side != "a":
        order = np.random.default_rng(int(side[1:]))
        inputs, hidden = order.permutation(4), order.permutation(6)
        w1, b1, w2 = w1[inputs][:, hidden].copy(), b1[hidden].copy(), w2[hidden].copy()
    nodes = [
        helper.make_node("Gemm", ["x", "w1", "b1"], ["h"]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("Constant", [], ["w2"], value=numpy_helper.from_array(w2, "w2")),
        helper.make_node("MatMul", ["r", "w2"], ["y"]),
    ]
    initializers = [numpy_helper.from_array(w1, "w1"), numpy_helper.from_array(b1, "b1")]
    put("mlp", side, model(nodes, [value("x", [1, 4])], [value("y", [1, 2])], initializers, [("", 13)]))


def linear(side):
    """LinearRegressor: weights in attributes; a zero and two equal weights, permuted in side b."""
    w = [0.71875, 0.0, -0.3125, -0.3125] if side == "a" else [-0.3125, -0.3125, 0.71875, 0.0]
    node = helper.make_node("LinearRegressor", ["x"], ["y"], domain="ai.onnx.ml", coefficients=w, intercepts=[0.45], targets=1)
    put("linear", side, model([node], [value("x", [1, 4])], [value("y", [1, 1])], [], [("", 13), ("ai.onnx.ml", 3)]))


def trees(side):
    """Two trees of 7 nodes and depth 3: side a is a chain to the left, side b a chain to the right, on other features and thresholds."""
    columns = {k: [] for k in ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids")}
    target = {k: [] for k in ("treeids", "nodeids", "ids", "weights")}

    def node(tree, index, mode, feature=0, threshold=0.0, yes=0, no=0):
        for key, item in zip(columns, (tree, index, feature, mode, threshold, yes, no)):
            columns[key].append(item)

    for tree in range(2):
        for level in range(3):
            inner, leaf, deeper = 2 * level, 2 * level + 1, 2 * level + 2
            feature = (level + tree) % 3 if side == "a" else (2 * level + tree + 1) % 3
            threshold = float(level - tree) if side == "a" else 0.5 * level + tree
            yes, no = (deeper, leaf) if side == "a" else (leaf, deeper)
            node(tree, inner, "BRANCH_LEQ", feature, threshold, yes, no)
            node(tree, leaf, "LEAF")
        node(tree, 6, "LEAF")
        for place, leaf in enumerate((1, 3, 5, 6)):
            for key, item in zip(target, (tree, leaf, 0, (0.75, 0.5, -0.25, 0.125)[place if side == "a" else 3 - place])):
                target[key].append(item)
    attributes = {"nodes_" + k: v for k, v in columns.items()} | {"target_" + k: v for k, v in target.items()}
    built = helper.make_node("TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", n_targets=1, **attributes)
    put("trees", side, model([built], [value("x", [1, 3])], [value("y", [1, 1])], [], [("", 13), ("ai.onnx.ml", 3)]))


def data(features):
    """Calibration data: all inputs of a set have one value."""
    sets = [{"x": [[v] * features]} for v in (-3.5, -1.25, -0.5, 0.25, 0.8125, 1.5, 2.75, 3.9)]
    with open(os.path.join(HERE, f"data_{features}.json"), "w", encoding="utf-8") as out:
        json.dump(sets, out)


if __name__ == "__main__":
    for s in ["a"] + [f"b{i}" for i in range(8)]:
        mlp(s)
    for s in ("a", "b0"):
        linear(s)
        trees(s)
    data(3)
    data(4)
