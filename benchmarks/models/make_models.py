"""Trains and exports the five benchmark workloads, each with three reference data sets.

    python make_models.py [OUT_FOLDER]       OUT_FOLDER defaults to the folder of this script

linear_regression   LinearRegression on 4 points of y = x0 + 2 x1 + 3, input [1,2]
random_forest       RandomForestClassifier, 100 trees, iris with a 75/25 split, input [1,4]
linear_svc          LinearSVC on 20 rows of iris with labels +-1, all 20 in one inference, input [20,4]
tree_ensemble       RandomForestRegressor, 2 trees, 7 points of 2 features, input [1,2]
mlp_iris            MLP 4-30-30-30-3 with relu, trained on standardised iris, input [1,4]

The first four are the workloads of the BrainBench comparison, exported as users of scikit-learn export them (skl2onnx);
its forest and its split were unseeded, these are not. Packages: tests/conformance_sklearn/requirements.txt. The fitted
estimators are rebuilt by benchmarks/peers/ through `fit_all`, so that every prover gets the same model.
"""
import os
import sys
import warnings

import numpy as np
import onnx
from sklearn import datasets, ensemble, linear_model, model_selection, neural_network, preprocessing, svm

HERE = os.path.dirname(os.path.abspath(__file__))
SEED = 42


def fit_linear_regression():
    """Returns the estimator, the shape of one inference, and three inputs, as do the other fit_ functions."""
    x = np.array([[1, 1], [1, 2], [2, 2], [2, 3]], dtype=np.float32)
    y = x @ np.array([1, 2], dtype=np.float32) + 3
    rng = np.random.default_rng(SEED)
    rows = [np.array([[3.0, 5.0]], dtype=np.float32)]
    rows += [rng.uniform(-10, 10, size=(1, 2)).astype(np.float32) for _ in range(2)]
    return linear_model.LinearRegression().fit(x, y), rows


def fit_random_forest():
    x, y = datasets.load_iris(return_X_y=True)
    x, x_test, y, y_test = model_selection.train_test_split(x.astype(np.float32), y, test_size=0.25,
                                                            random_state=SEED)
    rows = [x_test[np.flatnonzero(y_test == c)[0]][None] for c in (1, 2, 0)]
    return ensemble.RandomForestClassifier(n_estimators=100, random_state=SEED).fit(x, y), rows


def fit_linear_svc():
    x, y = datasets.load_iris(return_X_y=True)
    x, y = x[y != 0].astype(np.float32), y[y != 0]
    rng = np.random.default_rng(SEED)
    order = rng.permutation(len(x))
    x, labels = x[order], np.where(y[order] == 1, -1, 1)
    fitted = svm.LinearSVC(random_state=SEED).fit(x[:20], labels[:20])
    return fitted, [x[20 * k:20 * k + 20] for k in range(3)]


def fit_tree_ensemble():
    x = np.array([[1, 2], [2, 1], [3, 4], [4, 3], [5, 6], [6, 5], [7, 8]], dtype=np.float32)
    y = np.array([5, 4, 11, 10, 17, 16, 23], dtype=np.float32)
    rows = [np.array([r], dtype=np.float32) for r in ([3.2, 4.1], [6.5, 5.0], [1.0, 1.5])]
    return ensemble.RandomForestRegressor(n_estimators=2, random_state=SEED).fit(x, y), rows


def fit_mlp_iris():
    x, y = datasets.load_iris(return_X_y=True)
    x = preprocessing.StandardScaler().fit_transform(x).astype(np.float32)
    x, x_test, y, y_test = model_selection.train_test_split(x, y, test_size=0.25, random_state=SEED)
    fitted = neural_network.MLPClassifier((30, 30, 30), max_iter=500, random_state=SEED).fit(x, y)
    return fitted, [x_test[np.flatnonzero(y_test == c)[0]][None] for c in (1, 2, 0)]


def fit_all():
    """The fitted estimator and three inputs of every workload, by name."""
    return {"linear_regression": fit_linear_regression(), "tree_ensemble": fit_tree_ensemble(),
            "linear_svc": fit_linear_svc(), "mlp_iris": fit_mlp_iris(), "random_forest": fit_random_forest()}


def mlp_graph(fitted):
    """Gemm and Relu four times, the last Relu too: the layers of the iris network that deep-prove and EZKL are shown with."""
    nodes, constants, value = [], [], "input"
    for i, (w, b) in enumerate(zip(fitted.coefs_, fitted.intercepts_)):
        constants += [onnx.numpy_helper.from_array(w.T.astype(np.float32).copy(), f"fc{i}.weight"),
                      onnx.numpy_helper.from_array(b.astype(np.float32), f"fc{i}.bias")]
        out = "output" if i == len(fitted.coefs_) - 1 else f"relu{i}"
        nodes.append(onnx.helper.make_node("Gemm", [value, f"fc{i}.weight", f"fc{i}.bias"], [f"hidden{i}"], transB=1))
        nodes.append(onnx.helper.make_node("Relu", [f"hidden{i}"], [out]))
        value = out
    real = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        nodes, "mlp_iris", [onnx.helper.make_tensor_value_info("input", real, ["batch", 4])],
        [onnx.helper.make_tensor_value_info("output", real, ["batch", 3])], constants)
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)


def export(name, fitted, rows):
    """The ONNX model; the batch axis is fixed for the workload of 20 rows and free in the others."""
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType
    if name == "mlp_iris":
        return mlp_graph(fitted)
    batch = 20 if name == "linear_svc" else None
    options = {id(fitted): {"zipmap": False}} if name == "random_forest" else None
    return to_onnx(fitted, initial_types=[("X", FloatTensorType([batch, rows[0].shape[1]]))], options=options)


def main():
    sys.path.insert(0, os.path.join(HERE, "..", "..", "tests", "models"))
    import model_folder
    warnings.filterwarnings("ignore")
    out = sys.argv[1] if len(sys.argv) > 1 else HERE
    for name, (fitted, rows) in fit_all().items():
        outputs = model_folder.write_folder(os.path.join(out, name), export(name, fitted, rows), rows)
        size = os.path.getsize(os.path.join(out, name, "model.onnx"))
        print(f"{name}: {size} bytes, set 0 gives {[np.asarray(o).reshape(-1)[:5].tolist() for o in outputs[0]]}")


if __name__ == "__main__":
    main()
