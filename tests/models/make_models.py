"""Makes the small models of the fast tests and the demo, each with three reference data sets.

    python make_models.py [OUT_FOLDER]      OUT_FOLDER defaults to the folder of this script

Every model is under 20 kB. Packages: tests/conformance_sklearn/requirements.txt. Seeded; the same packages on the same
machine give the same files.
"""
import os
import sys
import warnings

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import model_folder  # noqa: E402

warnings.filterwarnings("ignore")

import lightgbm  # noqa: E402
import onnxmltools  # noqa: E402
import xgboost  # noqa: E402
from onnxmltools.convert.common.data_types import FloatTensorType as MlToolsFloat  # noqa: E402
from skl2onnx import to_onnx  # noqa: E402
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType  # noqa: E402
from sklearn import (  # noqa: E402
    cluster, compose, datasets, ensemble, impute, linear_model, multioutput, naive_bayes, neighbors, neural_network,
    pipeline, preprocessing, svm, tree)

SEED = 42
X, Y = datasets.load_iris(return_X_y=True)
X = X.astype(np.float32)
ROWS = [X[60:61], X[120:121], X[3:4]]


def from_sklearn(fitted, rows=None, zipmap=None, kind=FloatTensorType, width=4, opset=None):
    options = None if zipmap is None else {id(fitted): {"zipmap": zipmap}}
    model = to_onnx(fitted, initial_types=[("X", kind([None, width]))], options=options, target_opset=opset)
    return model, ROWS if rows is None else rows


def linear_regression():
    x = np.array([[1, 1], [1, 2], [2, 2], [2, 3]], dtype=np.float32)
    fitted = linear_model.LinearRegression().fit(x, x @ np.array([1, 2], dtype=np.float32) + 3)
    return from_sklearn(fitted, [np.array([r]) for r in ([3, 5], [-1.5, 0.25], [9.75, -4])], width=2)


def linear_gemm():
    """Cast and Gemm, as hummingbird and torch export a linear model; the input is double."""
    graph = helper.make_graph(
        [helper.make_node("Cast", ["x"], ["real"], to=TensorProto.FLOAT),
         helper.make_node("Gemm", ["real", "w", "b"], ["y"])], "linear_gemm",
        [helper.make_tensor_value_info("x", TensorProto.DOUBLE, ["rows", 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", 1])],
        [numpy_helper.from_array(np.array([[1], [2]], dtype=np.float32), "w"),
         numpy_helper.from_array(np.array([3], dtype=np.float32), "b")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    return model, [np.array([r]) for r in ([3, 5], [-1.5, 0.25], [9.75, -4])]


def tree_classifier():
    return from_sklearn(ensemble.RandomForestClassifier(5, max_depth=4, random_state=SEED).fit(X, Y), zipmap=False)


def tree_classifier_words():
    """String labels and ZipMap."""
    names = np.array(["setosa", "versicolor", "virginica"])
    return from_sklearn(ensemble.RandomForestClassifier(3, max_depth=3, random_state=SEED).fit(X, names[Y]))


def multi_output():
    """Two targets: the second output is a sequence of two tables of probabilities."""
    two = np.stack([Y, Y % 2], axis=1)
    fitted = multioutput.MultiOutputClassifier(tree.DecisionTreeClassifier(max_depth=3, random_state=SEED))
    return from_sklearn(fitted.fit(X, two), zipmap=False)


def tree_regressor_gaps():
    """Missing values are legal inputs: each node says where NaN goes."""
    rng = np.random.default_rng(SEED)
    x = X.copy()
    x[rng.random(x.shape) < 0.15] = np.nan
    fitted = ensemble.HistGradientBoostingRegressor(max_iter=4, max_leaf_nodes=6, random_state=SEED).fit(x, Y)
    rows = [np.array([[6.1, np.nan, 4.7, 1.2]]), np.array([[np.nan, 2.9, np.nan, np.nan]]), X[3:4]]
    return from_sklearn(fitted, rows)


def xgboost_regressor():
    fitted = xgboost.XGBRegressor(n_estimators=10, max_depth=3).fit(X, X @ np.array([1, -1, 2, 0.5]))
    return onnxmltools.convert_xgboost(fitted, initial_types=[("X", MlToolsFloat([None, 4]))], target_opset=15), ROWS


def xgboost_classifier():
    fitted = xgboost.XGBClassifier(n_estimators=3, max_depth=3).fit(X, Y)
    return onnxmltools.convert_xgboost(fitted, initial_types=[("X", MlToolsFloat([None, 4]))], target_opset=15), ROWS


def lightgbm_binary():
    fitted = lightgbm.LGBMClassifier(n_estimators=4, num_leaves=6, verbose=-1).fit(X, (Y == 2).astype(int))
    return onnxmltools.convert_lightgbm(fitted, initial_types=[("X", MlToolsFloat([None, 4]))], target_opset=15,
                                        zipmap=False), ROWS


def scaled_logistic():
    return pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression()).fit(X, Y)


def logistic_scaler():
    return from_sklearn(scaled_logistic(), zipmap=False)


def logistic_scaler_zipmap():
    return from_sklearn(scaled_logistic())


def svc_rbf():
    return from_sklearn(svm.SVC(gamma=0.5).fit(X[::3], Y[::3]), zipmap=False)


def svr_poly():
    return from_sklearn(svm.SVR(kernel="poly", degree=2).fit(X[::5], Y[::5]))


def mlp():
    fitted = neural_network.MLPClassifier((8,), max_iter=400, random_state=SEED).fit(X, Y)
    return from_sklearn(fitted, zipmap=False)


def knn():
    """Scan over the rows of the input."""
    return from_sklearn(neighbors.KNeighborsClassifier(3).fit(X[::8], Y[::8]), zipmap=False)


def gaussian_nb():
    return from_sklearn(naive_bayes.GaussianNB().fit(X, Y), zipmap=False)


def kmeans():
    return from_sklearn(cluster.KMeans(3, n_init=1, random_state=SEED).fit(X))


def onehot_pipeline():
    rng = np.random.default_rng(SEED)
    x = rng.integers(0, 5, size=(80, 3))
    fitted = pipeline.make_pipeline(preprocessing.OneHotEncoder(handle_unknown="ignore"),
                                    linear_model.LogisticRegression()).fit(x, (x[:, 0] + x[:, 1] > 4).astype(int))
    rows = [np.array([r]) for r in ([4, 2, 0], [0, 0, 3], [9, 1, 2])]
    return from_sklearn(fitted, rows, zipmap=False, kind=Int64TensorType, width=3)


def imputer_pipeline():
    rng = np.random.default_rng(SEED)
    x = X.copy()
    x[rng.random(x.shape) < 0.1] = np.nan
    fitted = pipeline.make_pipeline(impute.SimpleImputer(strategy="median"), preprocessing.MinMaxScaler(),
                                    linear_model.Ridge()).fit(x, X[:, 2])
    return from_sklearn(fitted, [np.array([[6.1, np.nan, 4.7, 1.2]]), np.full((1, 4), np.nan), X[3:4]])


def normalizer_pipeline():
    fitted = pipeline.make_pipeline(preprocessing.Normalizer("l2"), linear_model.LogisticRegression()).fit(X, Y)
    return from_sklearn(fitted, zipmap=False)


def label_encoder():
    """Words to numbers."""
    fitted = preprocessing.LabelEncoder().fit(["blue", "green", "red"])
    rows = [np.array([[w]]) for w in ("red", "blue", "green")]
    return from_sklearn(fitted, rows, kind=StringTensorType, width=1)


def mixed_columns():
    """Two graph inputs of different types through a ColumnTransformer."""
    import pandas
    rng = np.random.default_rng(SEED)
    frame = pandas.DataFrame({"size": rng.normal(size=60).astype(np.float32),
                              "colour": rng.choice(["red", "green", "blue"], size=60)})
    encode = compose.ColumnTransformer([("numbers", preprocessing.StandardScaler(), ["size"]),
                                        ("words", preprocessing.OneHotEncoder(handle_unknown="ignore"), ["colour"])])
    fitted = pipeline.make_pipeline(encode, linear_model.LogisticRegression()).fit(
        frame, ((frame["size"] > 0) | (frame["colour"] == "red")).astype(int))
    model = to_onnx(fitted, initial_types=[("size", FloatTensorType([None, 1])),
                                           ("colour", StringTensorType([None, 1]))],
                    options={id(fitted): {"zipmap": False}})
    rows = [{"size": [[s]], "colour": [[c]]} for s, c in ((0.5, "blue"), (-1.25, "red"), (-0.75, "violet"))]
    return model, rows


def tree_every_mode():
    """TreeEnsembleRegressor of ai.onnx.ml 3, one tree for each branch mode, two targets, base values, LOGISTIC."""
    modes = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
    count = len(modes)
    leaf = [["LEAF", "LEAF"] for _ in modes]
    node = helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", n_targets=2, aggregate_function="SUM",
        base_values=[0.25, -0.5], post_transform="LOGISTIC",
        nodes_treeids=[t for t in range(count) for _ in range(3)], nodes_nodeids=[0, 1, 2] * count,
        nodes_featureids=[0, 0, 0, 1, 0, 0] * (count // 2),
        nodes_modes=[m for mode, leaves in zip(modes, leaf) for m in [mode] + leaves],
        nodes_values=[1.5, 0, 0] * count, nodes_truenodeids=[1, 0, 0] * count,
        nodes_falsenodeids=[2, 0, 0] * count,
        target_treeids=[t for t in range(count) for _ in range(3)], target_nodeids=[1, 1, 2] * count,
        target_ids=[0, 1, 0] * count, target_weights=[0.5 * (i % 5) - 1 for i in range(3 * count)])
    graph = helper.make_graph([node], "tree_every_mode",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", 2])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", 2])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("ai.onnx.ml", 3)], ir_version=8)
    return model, [np.array([r]) for r in ([1.5, 1.5], [1.4999999, 1.5000001], [-0.0, 3])]


def tree_ensemble_v5():
    """TreeEnsemble of ai.onnx.ml 5: a set-membership node over a comparison, and a tree that is one leaf of two."""
    node = helper.make_node(
        "TreeEnsemble", ["x"], ["y"], domain="ai.onnx.ml", n_targets=2, aggregate_function=1, post_transform=0,
        tree_roots=[0, 2],
        nodes_featureids=[0, 1, 1],
        nodes_modes=numpy_helper.from_array(np.array([6, 0, 3], dtype=np.uint8), "modes"),
        nodes_splits=numpy_helper.from_array(np.array([0, 0.5, 2.5], dtype=np.float32), "splits"),
        membership_values=numpy_helper.from_array(np.array([1, 3, 7, np.nan], dtype=np.float32), "members"),
        nodes_truenodeids=[0, 1, 3], nodes_trueleafs=[1, 1, 1],
        nodes_falsenodeids=[1, 2, 4], nodes_falseleafs=[0, 1, 1],
        leaf_targetids=[0, 1, 0, 1, 0],
        leaf_weights=numpy_helper.from_array(np.array([1.5, -2, 4.25, 8, -0.125], dtype=np.float32), "weights"))
    graph = helper.make_graph([node], "tree_ensemble_v5",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", 2])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", 2])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("ai.onnx.ml", 5),
                                                    helper.make_opsetid("", 21)], ir_version=10)
    return model, [np.array([r]) for r in ([3, 0], [2, 0.5], [2, 3])]


def small_cnn():
    """Two convolutions, a pool and a Gemm: what contraction circuits are for."""
    rng = np.random.default_rng(SEED)

    def weights(name, *shape):
        spread = np.sqrt(np.prod(shape[1:])) if len(shape) > 1 else 4
        return numpy_helper.from_array((rng.normal(size=shape) / spread).astype(np.float32), name)

    graph = helper.make_graph(
        [helper.make_node("Conv", ["image", "w1", "b1"], ["c1"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
         helper.make_node("Relu", ["c1"], ["r1"]),
         helper.make_node("MaxPool", ["r1"], ["p1"], kernel_shape=[2, 2], strides=[2, 2]),
         helper.make_node("Conv", ["p1", "w2", "b2"], ["c2"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
         helper.make_node("Relu", ["c2"], ["r2"]),
         helper.make_node("Flatten", ["r2"], ["f"]),
         helper.make_node("Gemm", ["f", "w3", "b3"], ["scores"], transB=1)], "small_cnn",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 2, 8, 8])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 3])],
        [weights("w1", 6, 2, 3, 3), weights("b1", 6), weights("w2", 8, 6, 3, 3), weights("b2", 8), weights("w3", 3, 32),
         weights("b3", 3)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    return model, [rng.uniform(-1, 1, size=(1, 2, 8, 8)).astype(np.float32) for _ in range(3)]


def external_weights():
    """The weights lie in a file beside the model."""
    model, rows = linear_gemm()
    model.graph.name = "external_weights"
    return model, rows


BY_REFERENCE = {"tree_ensemble_v5"}
MODELS = [linear_regression, linear_gemm, tree_classifier, tree_classifier_words, tree_regressor_gaps,
          xgboost_regressor, xgboost_classifier, lightgbm_binary, logistic_scaler, logistic_scaler_zipmap, svc_rbf,
          svr_poly, mlp, knn, gaussian_nb, kmeans, onehot_pipeline, imputer_pipeline, normalizer_pipeline,
          label_encoder, mixed_columns, tree_every_mode, tree_ensemble_v5, external_weights, multi_output,
          small_cnn]


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else HERE
    for make in MODELS:
        name = make.__name__
        model, rows = make()
        folder = os.path.join(out, name)
        outputs = model_folder.write_folder(folder, model, rows, name in BY_REFERENCE)
        if name == "external_weights":
            if os.path.exists(os.path.join(folder, "weights.bin")):
                os.unlink(os.path.join(folder, "weights.bin"))
            onnx.save(model, os.path.join(folder, "model.onnx"), save_as_external_data=True, location="weights.bin",
                      size_threshold=0)
        size = os.path.getsize(os.path.join(folder, "model.onnx"))
        print(f"{name}: {size} bytes, {[n.op_type for n in model.graph.node]}, set 0 gives "
              f"{[o if isinstance(o, list) else np.asarray(o).reshape(-1)[:4].tolist() for o in outputs[0]]}")
        assert size < 20000, name


if __name__ == "__main__":
    main()
