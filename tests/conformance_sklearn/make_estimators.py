"""Exports estimators of scikit-learn, XGBoost and LightGBM to ONNX as their users do, each with reference data sets.

    python make_estimators.py OUT_FOLDER [--only SUBSTRING] [--table FILE.md]

Writes OUT_FOLDER/<name>/{model.onnx, calibration.json, input.json, test_data_set_<k>/} and OUT_FOLDER/estimators.json
(name, group, nodes, operators). --table writes the table of all distinct operators over the exported models. Needs the
packages of requirements.txt. Everything is seeded: the same packages on the same machine give the same files.

Calibration data are inputs the estimator was trained on. The reference data come from the part it never saw, nor does
the compiler: ten inputs, the first three of different classes where the target has classes.
"""
import argparse
import json
import os
import sys
import traceback
import warnings

import numpy as np
import onnx

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "models"))
import model_folder  # noqa: E402
import operator_table  # noqa: E402

warnings.filterwarnings("ignore")

import lightgbm  # noqa: E402
import onnxmltools  # noqa: E402
import xgboost  # noqa: E402
from onnxmltools.convert.common.data_types import FloatTensorType as MlToolsFloat  # noqa: E402
from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm  # noqa: E402
from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost  # noqa: E402
from skl2onnx import to_onnx, update_registered_converter  # noqa: E402
from skl2onnx.common.data_types import (  # noqa: E402
    DoubleTensorType, FloatTensorType, Int64TensorType, StringTensorType)
from skl2onnx.common.shape_calculator import (  # noqa: E402
    calculate_linear_classifier_output_shapes, calculate_linear_regressor_output_shapes)
from sklearn import (  # noqa: E402
    calibration, cluster, compose, cross_decomposition, datasets, decomposition, discriminant_analysis, ensemble,
    feature_selection, gaussian_process, impute, linear_model, mixture, model_selection, multiclass, multioutput,
    naive_bayes, neighbors, neural_network, pipeline, preprocessing, random_projection, svm, tree)
from sklearn.gaussian_process import kernels  # noqa: E402

SEED = 42
ESTIMATORS = []


# ---- data -----------------------------------------------------------------------------------------------------------

def _split(x, y):
    return model_selection.train_test_split(x, y, test_size=0.25, random_state=SEED)


IRIS = _split(*datasets.load_iris(return_X_y=True))
CANCER = _split(*(lambda d: (d[0][:, :8], d[1]))(datasets.load_breast_cancer(return_X_y=True)))
# Raw areas make kernels of a million, whose sums float32 cannot hold: there onnxruntime itself is wrong by a fifth.
CANCER_SCALED = tuple(a / CANCER[0].max(axis=0) if a.ndim == 2 else a for a in CANCER)
DIABETES = _split(*datasets.load_diabetes(return_X_y=True))
WINE = _split(*datasets.load_wine(return_X_y=True))
IRIS_NAMES = np.array(["setosa", "versicolor", "virginica"])


def away_from_zero(count):
    """Iris with targets 1, 2, 3: a float32 run that cancels large terms is still right to a thousandth."""
    x, x_test, y, y_test = (a[:count] for a in IRIS)
    return x, x_test, y + 1, y_test + 1


def iris_two_targets():
    x, x_test, y, y_test = IRIS
    return x[:, :2], x_test[:, :2], x[:, 2:], x_test[:, 2:]


def counts():
    """Small non-negative whole numbers, for the naive Bayes models over counts."""
    x, x_test, y, y_test = IRIS
    return np.round(x * 3), np.round(x_test * 3), y, y_test


def with_gaps():
    """Diabetes with a tenth of its entries missing."""
    x, x_test, y, y_test = (np.array(a) for a in DIABETES)
    rng = np.random.default_rng(SEED)
    x[rng.random(x.shape) < 0.1] = np.nan
    x_test[rng.random(x_test.shape) < 0.2] = np.nan
    return x, x_test, y, y_test


def mixed_rows(count):
    """Rows of two numbers, one small integer and one word, with a class that depends on all of them."""
    rng = np.random.default_rng(SEED)
    numbers = rng.normal(size=(count, 2))
    whole = rng.integers(0, 5, size=(count, 1))
    words = rng.choice(["red", "green", "blue"], size=(count, 1))
    y = (numbers[:, 0] + whole[:, 0] / 2 + (words[:, 0] == "red") > 1).astype(np.int64)
    return numbers, whole, words, y


CALIBRATION_INPUTS, TEST_INPUTS = 40, 10


def inputs_of(x, count, batch=1):
    """Up to `count` inputs of `batch` consecutive rows each."""
    return [x[at:at + batch] for at in range(0, len(x) - batch + 1, batch)][:count]


def test_order(y_test):
    """All rows, first three of different classes where the target has few values."""
    values = np.unique(y_test) if y_test.ndim == 1 else []
    first = [np.flatnonzero(y_test == v)[0] for v in values][:3] if 2 <= len(values) <= 4 else []
    return first + [i for i in range(len(y_test)) if i not in first]


def split_inputs(x, x_test, y_test, batch=1):
    """Inputs to calibrate with and inputs to test with."""
    return inputs_of(x, CALIBRATION_INPUTS, batch), inputs_of(x_test[test_order(y_test)], TEST_INPUTS, batch)


# ---- how users export -------------------------------------------------------------------------------------------------

def add(name, group, make, data, **export):
    ESTIMATORS.append((name, group, lambda: _sklearn(make, data, **export)))


def _sklearn(make, data, options=None, opset=None, double=False, target=True, labels=None, final_types=None,
             int_input=False, strings=False, batch=1):
    """Fits and exports with to_onnx; returns the model, inputs to calibrate with and inputs to test with."""
    x, x_test, y, y_test = data() if callable(data) else data
    kind = np.float64 if double else np.float32
    if int_input:
        kind = np.int64
    if strings:
        kind = object
    x, x_test = x.astype(kind), x_test.astype(kind)
    calibration, tests = split_inputs(x, x_test, y_test, batch)
    if labels is not None:
        y = labels[y]
    fitted = make()
    fitted = fitted.fit(x, y) if target else fitted.fit(x)
    if options is not None:
        options = {id(fitted): options}
    width = x.shape[1]
    declared = {np.float32: FloatTensorType, np.float64: DoubleTensorType, np.int64: Int64TensorType,
                object: StringTensorType}[kind]
    model = to_onnx(fitted, initial_types=[("X", declared([None, width]))], options=options, target_opset=opset,
                    final_types=final_types)
    return model, calibration, tests


def _boosted(fitted, convert, data, opset=None, batch=1, **more):
    x, x_test, y, y_test = data() if callable(data) else data
    x, x_test = x.astype(np.float32), x_test.astype(np.float32)
    fitted.fit(x, y)
    model = convert(fitted, initial_types=[("X", MlToolsFloat([None, x.shape[1]]))], target_opset=opset, **more)
    return model, *split_inputs(x, x_test, y_test, batch)


def add_xgboost(name, make, data, opset=15, **more):
    ESTIMATORS.append((name, "xgboost", lambda: _boosted(make(), onnxmltools.convert_xgboost, data, opset, **more)))


def add_lightgbm(name, make, data, opset=15, **more):
    ESTIMATORS.append((name, "lightgbm", lambda: _boosted(make(), onnxmltools.convert_lightgbm, data, opset, **more)))


def register_boosters():
    """The registration that the documentation of skl2onnx gives for boosters inside a pipeline."""
    update_registered_converter(
        xgboost.XGBClassifier, "XGBoostXGBClassifier", calculate_linear_classifier_output_shapes, convert_xgboost,
        options={"nocl": [True, False], "zipmap": [True, False, "columns"]})
    update_registered_converter(
        lightgbm.LGBMRegressor, "LightGbmLGBMRegressor", calculate_linear_regressor_output_shapes, convert_lightgbm,
        options={"split": None})


# ---- the list ---------------------------------------------------------------------------------------------------------

NO_MAP = {"zipmap": False}


def list_linear_regressors():
    group = "regressor"
    for make in (linear_model.LinearRegression, linear_model.Ridge, linear_model.Lasso, linear_model.ElasticNet,
                 linear_model.Lars, linear_model.LassoLars, linear_model.OrthogonalMatchingPursuit,
                 linear_model.BayesianRidge, linear_model.ARDRegression, linear_model.HuberRegressor,
                 linear_model.QuantileRegressor, linear_model.PoissonRegressor, linear_model.GammaRegressor,
                 linear_model.RidgeCV):
        add(make.__name__, group, make, DIABETES)
    for make in (linear_model.TheilSenRegressor, linear_model.RANSACRegressor, linear_model.SGDRegressor,
                 linear_model.PassiveAggressiveRegressor, svm.LinearSVR, linear_model.LassoCV):
        add(make.__name__, group, lambda make=make: make(random_state=SEED), DIABETES)
    add("TweedieRegressor_power1_5", group, lambda: linear_model.TweedieRegressor(power=1.5), DIABETES)
    add("LinearRegression_double", group, linear_model.LinearRegression, DIABETES, double=True)
    add("LinearRegression_two_outputs", group, linear_model.LinearRegression, iris_two_targets)
    add("MultiTaskLasso", group, lambda: linear_model.MultiTaskLasso(alpha=0.01), iris_two_targets)
    add("PLSRegression", group, lambda: cross_decomposition.PLSRegression(2), iris_two_targets)
    add("MultiOutputRegressor_Ridge", group, lambda: multioutput.MultiOutputRegressor(linear_model.Ridge()),
        iris_two_targets)
    add("BayesianRidge_std", group, linear_model.BayesianRidge, DIABETES, options={"return_std": True})


def list_tree_regressors():
    group = "tree regressor"
    for make in (tree.DecisionTreeRegressor, tree.ExtraTreeRegressor):
        add(make.__name__, group, lambda make=make: make(max_depth=5, random_state=SEED), DIABETES)
    for make in (ensemble.RandomForestRegressor, ensemble.ExtraTreesRegressor, ensemble.GradientBoostingRegressor):
        add(make.__name__, group, lambda make=make: make(n_estimators=10, max_depth=4, random_state=SEED), DIABETES)
    add("RandomForestRegressor_two_outputs", group,
        lambda: ensemble.RandomForestRegressor(5, max_depth=4, random_state=SEED), iris_two_targets)
    add("RandomForestClassifier_double", group,
        lambda: ensemble.RandomForestClassifier(5, max_depth=4, random_state=SEED), IRIS, double=True,
        options=NO_MAP)
    add("HistGradientBoostingRegressor", group,
        lambda: ensemble.HistGradientBoostingRegressor(max_iter=10, random_state=SEED), DIABETES)
    add("HistGradientBoostingRegressor_gaps", group,
        lambda: ensemble.HistGradientBoostingRegressor(max_iter=10, random_state=SEED), with_gaps)
    add("HistGradientBoostingRegressor_poisson", group,
        lambda: ensemble.HistGradientBoostingRegressor(loss="poisson", max_iter=10, random_state=SEED), DIABETES)
    add("BaggingRegressor", group, lambda: ensemble.BaggingRegressor(
        tree.DecisionTreeRegressor(max_depth=4), n_estimators=5, random_state=SEED), DIABETES)
    add("AdaBoostRegressor", group, lambda: ensemble.AdaBoostRegressor(n_estimators=5, random_state=SEED), DIABETES)
    add("VotingRegressor", group, lambda: ensemble.VotingRegressor(
        [("a", linear_model.Ridge()), ("b", tree.DecisionTreeRegressor(max_depth=3, random_state=SEED))]), DIABETES)
    add("StackingRegressor", group, lambda: ensemble.StackingRegressor(
        [("a", linear_model.Ridge()), ("b", tree.DecisionTreeRegressor(max_depth=3, random_state=SEED))]), DIABETES)


def list_svms():
    group = "svm"
    for kernel in ("linear", "poly", "rbf", "sigmoid"):
        add(f"SVR_{kernel}", group, lambda k=kernel: svm.SVR(kernel=k, C=10), DIABETES)
        add(f"SVC_{kernel}", group, lambda k=kernel: svm.SVC(kernel=k), IRIS, options={"zipmap": False})
        add(f"SVC_{kernel}_binary", group, lambda k=kernel: svm.SVC(kernel=k), CANCER_SCALED, options={"zipmap": False})
        add(f"NuSVC_{kernel}", group, lambda k=kernel: svm.NuSVC(kernel=k, nu=0.2), IRIS, options={"zipmap": False})
    add("NuSVR_rbf", group, lambda: svm.NuSVR(kernel="rbf"), DIABETES)
    add("SVC_rbf_probability", group, lambda: svm.SVC(probability=True, random_state=SEED), IRIS, options=NO_MAP)
    add("SVC_rbf_probability_binary", group, lambda: svm.SVC(probability=True, random_state=SEED), CANCER_SCALED,
        options=NO_MAP)
    add("SVC_linear_raw_scores", group, lambda: svm.SVC(kernel="linear"), IRIS,
        options={"zipmap": False, "raw_scores": True})
    add("OneClassSVM", group, lambda: svm.OneClassSVM(nu=0.1), IRIS)
    add("LinearSVC", group, lambda: svm.LinearSVC(random_state=SEED), IRIS)
    add("LinearSVC_binary", group, lambda: svm.LinearSVC(random_state=SEED), CANCER)
    add("SGDOneClassSVM", group, lambda: linear_model.SGDOneClassSVM(random_state=SEED), IRIS)


def list_linear_classifiers():
    group = "classifier"
    logistic = linear_model.LogisticRegression
    add("LogisticRegression", group, lambda: logistic(max_iter=500), IRIS)
    add("LogisticRegression_no_zipmap", group, lambda: logistic(max_iter=500), IRIS, options=NO_MAP)
    add("LogisticRegression_columns", group, lambda: logistic(max_iter=500), IRIS, options={"zipmap": "columns"})
    add("LogisticRegression_binary", group, lambda: logistic(max_iter=5000), CANCER, options=NO_MAP)
    add("LogisticRegression_ovr", group, lambda: multiclass.OneVsRestClassifier(logistic(max_iter=500)), IRIS,
        options=NO_MAP)
    add("LogisticRegression_words", group, lambda: logistic(max_iter=500), IRIS, labels=IRIS_NAMES)
    add("LogisticRegression_words_no_zipmap", group, lambda: logistic(max_iter=500), IRIS, labels=IRIS_NAMES,
        options=NO_MAP)
    add("LogisticRegression_raw_scores", group, lambda: logistic(max_iter=500), IRIS,
        options={"zipmap": False, "raw_scores": True})
    add("LogisticRegression_double", group, lambda: logistic(max_iter=500), IRIS, double=True, options=NO_MAP)
    add("LogisticRegressionCV", group, lambda: linear_model.LogisticRegressionCV(max_iter=500), IRIS, options=NO_MAP)
    add("RidgeClassifier", group, linear_model.RidgeClassifier, IRIS, options=NO_MAP)
    add("RidgeClassifierCV", group, linear_model.RidgeClassifierCV, IRIS, options=NO_MAP)
    add("Perceptron", group, lambda: linear_model.Perceptron(random_state=SEED), IRIS, options=NO_MAP)
    add("PassiveAggressiveClassifier", group,
        lambda: linear_model.PassiveAggressiveClassifier(random_state=SEED), IRIS, options=NO_MAP)
    for loss in ("log_loss", "hinge", "modified_huber"):
        add(f"SGDClassifier_{loss}", group, lambda loss=loss: pipeline.make_pipeline(
            preprocessing.StandardScaler(), linear_model.SGDClassifier(loss=loss, random_state=SEED)), IRIS,
            options=NO_MAP)
    add("LinearDiscriminantAnalysis", group, discriminant_analysis.LinearDiscriminantAnalysis, IRIS, options=NO_MAP)
    add("QuadraticDiscriminantAnalysis", group, discriminant_analysis.QuadraticDiscriminantAnalysis, IRIS,
        options=NO_MAP)
    add("OneVsRestClassifier", group, lambda: multiclass.OneVsRestClassifier(logistic()), IRIS, options=NO_MAP)
    add("OneVsOneClassifier", group, lambda: multiclass.OneVsOneClassifier(logistic()), IRIS, options=NO_MAP)
    add("MultiOutputClassifier", group, lambda: multioutput.MultiOutputClassifier(logistic()),
        lambda: (IRIS[0], IRIS[1], np.stack([IRIS[2], IRIS[2] % 2], axis=1), IRIS[3]), options=NO_MAP)
    add("CalibratedClassifierCV_sigmoid", group, lambda: calibration.CalibratedClassifierCV(
        svm.LinearSVC(random_state=SEED), cv=2, method="sigmoid"), IRIS, options=NO_MAP)
    add("CalibratedClassifierCV_isotonic", group, lambda: calibration.CalibratedClassifierCV(
        svm.LinearSVC(random_state=SEED), cv=2, method="isotonic"), IRIS, options=NO_MAP)


def list_tree_classifiers():
    group = "tree classifier"
    for make in (tree.DecisionTreeClassifier, tree.ExtraTreeClassifier):
        add(make.__name__, group, lambda make=make: make(max_depth=5, random_state=SEED), IRIS, options=NO_MAP)
    add("DecisionTreeClassifier_zipmap", group, lambda: tree.DecisionTreeClassifier(random_state=SEED), IRIS)
    add("DecisionTreeClassifier_binary", group, lambda: tree.DecisionTreeClassifier(max_depth=4, random_state=SEED),
        CANCER, options=NO_MAP)
    add("DecisionTreeClassifier_leaf", group, lambda: tree.DecisionTreeClassifier(max_depth=3, random_state=SEED),
        IRIS, options={"zipmap": False, "decision_leaf": True})
    add("DecisionTreeClassifier_words", group, lambda: tree.DecisionTreeClassifier(random_state=SEED), IRIS,
        labels=IRIS_NAMES)
    for make in (ensemble.RandomForestClassifier, ensemble.ExtraTreesClassifier):
        add(make.__name__, group, lambda make=make: make(10, max_depth=4, random_state=SEED), IRIS, options=NO_MAP)
    add("RandomForestClassifier_binary", group,
        lambda: ensemble.RandomForestClassifier(10, max_depth=4, random_state=SEED), CANCER)
    add("RandomForestClassifier_int", group,
        lambda: ensemble.RandomForestClassifier(5, max_depth=4, random_state=SEED), counts, int_input=True,
        options=NO_MAP)
    add("GradientBoostingClassifier", group,
        lambda: ensemble.GradientBoostingClassifier(n_estimators=5, random_state=SEED), IRIS, options=NO_MAP)
    add("GradientBoostingClassifier_binary", group,
        lambda: ensemble.GradientBoostingClassifier(n_estimators=10, random_state=SEED), CANCER, options=NO_MAP)
    add("HistGradientBoostingClassifier", group,
        lambda: ensemble.HistGradientBoostingClassifier(max_iter=5, random_state=SEED), IRIS, options=NO_MAP)
    add("HistGradientBoostingClassifier_binary", group,
        lambda: ensemble.HistGradientBoostingClassifier(max_iter=10, random_state=SEED), CANCER, options=NO_MAP)
    add("BaggingClassifier", group, lambda: ensemble.BaggingClassifier(
        tree.DecisionTreeClassifier(max_depth=3), n_estimators=5, random_state=SEED), IRIS, options=NO_MAP)
    add("AdaBoostClassifier", group, lambda: ensemble.AdaBoostClassifier(
        n_estimators=5, algorithm="SAMME", random_state=SEED), IRIS, options=NO_MAP)
    add("AdaBoostClassifier_binary", group, lambda: ensemble.AdaBoostClassifier(
        n_estimators=5, algorithm="SAMME", random_state=SEED), CANCER, options=NO_MAP)
    members = [("a", linear_model.LogisticRegression(max_iter=5000)),
               ("b", tree.DecisionTreeClassifier(max_depth=3, random_state=SEED)), ("c", naive_bayes.GaussianNB())]
    add("VotingClassifier_soft", group, lambda: ensemble.VotingClassifier(members, voting="soft", flatten_transform=False), IRIS,
        options=NO_MAP)
    add("VotingClassifier_hard", group, lambda: ensemble.VotingClassifier(members, voting="hard", flatten_transform=False), IRIS,
        options=NO_MAP)
    add("StackingClassifier", group, lambda: ensemble.StackingClassifier(members), IRIS, options=NO_MAP)


def list_neighbours_and_bayes():
    group = "neighbours"
    for weights in ("uniform", "distance"):
        add(f"KNeighborsClassifier_{weights}", group,
            lambda w=weights: neighbors.KNeighborsClassifier(3, weights=w), IRIS, options=NO_MAP)
        add(f"KNeighborsRegressor_{weights}", group,
            lambda w=weights: neighbors.KNeighborsRegressor(3, weights=w), IRIS)
    add("KNeighborsClassifier_manhattan", group,
        lambda: neighbors.KNeighborsClassifier(3, metric="manhattan"), IRIS, options=NO_MAP)
    add("KNeighborsClassifier_cdist", group, lambda: neighbors.KNeighborsClassifier(3), IRIS,
        options={"zipmap": False, "optim": "cdist"})
    add("RadiusNeighborsClassifier", group, lambda: neighbors.RadiusNeighborsClassifier(1.0), IRIS, options=NO_MAP)
    add("RadiusNeighborsRegressor", group, lambda: neighbors.RadiusNeighborsRegressor(1.0), IRIS)
    add("NearestNeighbors", group, lambda: neighbors.NearestNeighbors(n_neighbors=2, radius=None), IRIS)
    add("LocalOutlierFactor", group, lambda: neighbors.LocalOutlierFactor(n_neighbors=3, novelty=True), IRIS)
    add("NeighborhoodComponentsAnalysis", group,
        lambda: neighbors.NeighborhoodComponentsAnalysis(2, random_state=SEED), IRIS)
    group = "naive bayes"
    add("GaussianNB", group, naive_bayes.GaussianNB, IRIS, options=NO_MAP)
    add("BernoulliNB", group, lambda: naive_bayes.BernoulliNB(binarize=3.0), IRIS, options=NO_MAP)
    add("MultinomialNB", group, naive_bayes.MultinomialNB, counts, options=NO_MAP)
    add("ComplementNB", group, naive_bayes.ComplementNB, counts, options=NO_MAP)
    add("CategoricalNB", group, lambda: naive_bayes.CategoricalNB(min_categories=30), counts, options=NO_MAP,
        int_input=True)


def list_other_models():
    group = "neural network"
    for act in ("relu", "tanh", "logistic", "identity"):
        add(f"MLPRegressor_{act}", group, lambda act=act: neural_network.MLPRegressor(
            (8,), activation=act, max_iter=300, random_state=SEED), DIABETES)
        add(f"MLPClassifier_{act}", group, lambda act=act: neural_network.MLPClassifier(
            (8, 4), activation=act, max_iter=300, random_state=SEED), IRIS, options=NO_MAP)
    add("MLPClassifier_binary", group, lambda: neural_network.MLPClassifier(
        (8,), max_iter=300, random_state=SEED), CANCER, options=NO_MAP)
    group = "gaussian process"
    rbf = kernels.ConstantKernel(1.0) * kernels.RBF(1.0)
    for name, kernel in (("rbf", rbf), ("dot", kernels.DotProduct()), ("rational", kernels.RationalQuadratic()),
                         ("matern", kernels.Matern(nu=1.5))):
        add(f"GaussianProcessRegressor_{name}", group, lambda k=kernel: gaussian_process.GaussianProcessRegressor(
            k, alpha=0.1, normalize_y=True, optimizer=None), lambda: away_from_zero(40))
    add("GaussianProcessRegressor_std", group, lambda: gaussian_process.GaussianProcessRegressor(
        rbf, alpha=0.1, optimizer=None), lambda: tuple(a[:30] for a in IRIS), options={"return_std": True})
    group = "cluster"
    add("KMeans", group, lambda: cluster.KMeans(3, n_init=1, random_state=SEED), IRIS)
    add("MiniBatchKMeans", group, lambda: cluster.MiniBatchKMeans(3, n_init=1, random_state=SEED), IRIS)
    add("GaussianMixture", group, lambda: mixture.GaussianMixture(3, random_state=SEED), IRIS)
    for kind in ("tied", "diag", "spherical"):
        add(f"GaussianMixture_{kind}", group, lambda kind=kind: mixture.GaussianMixture(
            3, covariance_type=kind, random_state=SEED), IRIS)
    add("BayesianGaussianMixture", group, lambda: mixture.BayesianGaussianMixture(n_components=3, random_state=SEED), IRIS)
    add("IsolationForest", group, lambda: ensemble.IsolationForest(n_estimators=10, max_samples=32, random_state=SEED), IRIS,
        opset={"": 17, "ai.onnx.ml": 3})


def list_transformers():
    group = "transformer"
    plain = (preprocessing.StandardScaler, preprocessing.MinMaxScaler, preprocessing.MaxAbsScaler,
             preprocessing.RobustScaler, preprocessing.Binarizer, preprocessing.PolynomialFeatures,
             preprocessing.PowerTransformer, feature_selection.VarianceThreshold, decomposition.IncrementalPCA)
    for make in plain:
        add(make.__name__, group, make, IRIS)
    add("MinMaxScaler_clip", group, lambda: preprocessing.MinMaxScaler((-1, 1), clip=True), IRIS)
    for norm in ("l1", "l2", "max"):
        add(f"Normalizer_{norm}", group, lambda norm=norm: preprocessing.Normalizer(norm), IRIS)
    for encode in ("onehot-dense", "ordinal"):
        add(f"KBinsDiscretizer_{encode}", group,
            lambda e=encode: preprocessing.KBinsDiscretizer(4, encode=e, strategy="quantile"), IRIS)
    add("PowerTransformer_box_cox", group, lambda: preprocessing.PowerTransformer("box-cox"), IRIS)
    for strategy in ("mean", "median", "most_frequent"):
        add(f"SimpleImputer_{strategy}", group, lambda s=strategy: impute.SimpleImputer(strategy=s), with_gaps)
    add("KNNImputer", group, lambda: impute.KNNImputer(n_neighbors=2), with_gaps)
    add("OneHotEncoder_int", group, lambda: preprocessing.OneHotEncoder(
        sparse_output=False, handle_unknown="ignore"), counts, int_input=True)
    add("OneHotEncoder_words", group, lambda: preprocessing.OneHotEncoder(
        sparse_output=False, handle_unknown="ignore"), word_table, strings=True)
    add("OrdinalEncoder_int", group, preprocessing.OrdinalEncoder, small_table, int_input=True)
    add("OrdinalEncoder_words", group, preprocessing.OrdinalEncoder, word_table, strings=True)
    add("LabelEncoder_words", group, LabelEncoderColumn, label_column, strings=True, target=False)
    add("LabelBinarizer", group, LabelBinarizerColumn, small_column, int_input=True, target=False)
    add("PCA", group, lambda: decomposition.PCA(2), IRIS)
    add("PCA_whiten", group, lambda: decomposition.PCA(2, whiten=True), IRIS)
    for kernel in ("rbf", "poly", "cosine"):
        add(f"KernelPCA_{kernel}", group, lambda k=kernel: decomposition.KernelPCA(2, kernel=k),
            lambda: tuple(a[:40] for a in IRIS))
    add("TruncatedSVD", group, lambda: decomposition.TruncatedSVD(2, random_state=SEED), IRIS)
    add("GaussianRandomProjection", group,
        lambda: random_projection.GaussianRandomProjection(2, random_state=SEED), IRIS)
    add("SelectKBest", group, lambda: feature_selection.SelectKBest(k=2), IRIS)
    add("RandomTreesEmbedding", group, lambda: ensemble.RandomTreesEmbedding(
        3, max_depth=3, random_state=SEED, sparse_output=False), IRIS)


class LabelEncoderColumn(preprocessing.LabelEncoder):
    """LabelEncoder fitted on a table of one column."""

    def fit(self, x):
        return preprocessing.LabelEncoder().fit(x.ravel())


class LabelBinarizerColumn(preprocessing.LabelBinarizer):
    """LabelBinarizer fitted on a table of one column."""

    def fit(self, x):
        return preprocessing.LabelBinarizer().fit(x.ravel())


def word_table():
    _, _, words, y = mixed_rows(120)
    rng = np.random.default_rng(SEED + 1)
    table = np.concatenate([words, rng.choice(["S", "M", "L", "XL"], size=(120, 1))], axis=1)
    return table[:90], table[90:], y[:90], y[90:]


def small_table():
    rng = np.random.default_rng(SEED)
    x = rng.integers(0, 6, size=(120, 3))
    y = x[:, 0] % 2
    return x[:90], x[90:], y[:90], y[90:]


def label_column():
    x, x_test, y, y_test = word_table()
    return x[:, :1], x_test[:, :1], y, y_test


def small_column():
    x, x_test, y, y_test = small_table()
    return x[:, :1], x_test[:, :1], y, y_test


def list_pipelines():
    group = "pipeline"
    logistic = linear_model.LogisticRegression
    for scaler in (preprocessing.StandardScaler, preprocessing.MinMaxScaler, preprocessing.MaxAbsScaler,
                   preprocessing.RobustScaler, preprocessing.Normalizer, preprocessing.PolynomialFeatures,
                   preprocessing.PowerTransformer, preprocessing.Binarizer):
        add(f"{scaler.__name__}_LogisticRegression", group, lambda s=scaler: pipeline.make_pipeline(
            s(), logistic(max_iter=1000)), IRIS, options=NO_MAP)
    add("KBinsDiscretizer_LogisticRegression", group, lambda: pipeline.make_pipeline(
        preprocessing.KBinsDiscretizer(4, encode="onehot-dense"), logistic(max_iter=1000)), IRIS, options=NO_MAP)
    add("SimpleImputer_StandardScaler_Ridge", group, lambda: pipeline.make_pipeline(
        impute.SimpleImputer(), preprocessing.StandardScaler(), linear_model.Ridge()), with_gaps)
    add("OneHotEncoder_LogisticRegression", group, lambda: pipeline.make_pipeline(
        preprocessing.OneHotEncoder(handle_unknown="ignore"), logistic()), word_table, strings=True, options=NO_MAP)
    add("OrdinalEncoder_RandomForest", group, lambda: pipeline.make_pipeline(
        preprocessing.OrdinalEncoder(), ensemble.RandomForestClassifier(5, max_depth=4, random_state=SEED)),
        small_table, int_input=True, options=NO_MAP)
    add("PCA_SVC", group, lambda: pipeline.make_pipeline(
        preprocessing.StandardScaler(), decomposition.PCA(2), svm.SVC()), IRIS, options=NO_MAP)
    add("FeatureUnion_LogisticRegression", group, lambda: pipeline.make_pipeline(pipeline.make_union(
        preprocessing.StandardScaler(), decomposition.PCA(2)), logistic(max_iter=500)), IRIS, options=NO_MAP)
    add("SelectKBest_MLP", group, lambda: pipeline.make_pipeline(
        preprocessing.StandardScaler(), feature_selection.SelectKBest(k=2),
        neural_network.MLPClassifier((6,), max_iter=300, random_state=SEED)), IRIS, options=NO_MAP)
    add("GridSearchCV_SVC", group, lambda: model_selection.GridSearchCV(svm.SVC(), {"C": [1, 10]}), IRIS,
        options=NO_MAP)
    add("StandardScaler_Lasso_wine", group, lambda: pipeline.make_pipeline(
        preprocessing.StandardScaler(), linear_model.Lasso(0.1)), WINE)
    ESTIMATORS.append(("ColumnTransformer_mixed", group, column_transformer))
    ESTIMATORS.append(("ColumnTransformer_passthrough", group, column_transformer_numbers))
    ESTIMATORS.append(("StandardScaler_XGBClassifier", group, scaler_xgboost))
    ESTIMATORS.append(("StandardScaler_LGBMRegressor", group, scaler_lightgbm))


def column_transformer():
    """Three graph inputs of different types, as a data frame gives them."""
    import pandas
    numbers, whole, words, y = mixed_rows(160)
    frame = pandas.DataFrame({"a": numbers[:, 0], "b": numbers[:, 1], "size": whole[:, 0], "colour": words[:, 0]})
    encode = compose.ColumnTransformer([
        ("numbers", preprocessing.StandardScaler(), ["a", "b"]),
        ("codes", preprocessing.OneHotEncoder(handle_unknown="ignore"), ["size", "colour"])])
    fitted = pipeline.make_pipeline(encode, linear_model.LogisticRegression()).fit(frame[:120], y[:120])
    model = to_onnx(fitted, initial_types=[
        ("a", FloatTensorType([None, 1])), ("b", FloatTensorType([None, 1])), ("size", Int64TensorType([None, 1])),
        ("colour", StringTensorType([None, 1]))], options={id(fitted): NO_MAP})
    rows = [{"a": numbers[i:i + 1, :1], "b": numbers[i:i + 1, 1:], "size": whole[i:i + 1], "colour": words[i:i + 1]}
            for i in range(160)]
    return model, rows[:CALIBRATION_INPUTS], rows[-TEST_INPUTS:]


def column_transformer_numbers():
    encode = compose.ColumnTransformer([("scale", preprocessing.StandardScaler(), [0, 1]),
                                        ("range", preprocessing.MinMaxScaler(), [2])], remainder="passthrough")
    return _sklearn(lambda: pipeline.make_pipeline(encode, linear_model.LogisticRegression(max_iter=500)), IRIS,
                    options=NO_MAP)


def scaler_xgboost():
    return _sklearn(lambda: pipeline.make_pipeline(
        preprocessing.StandardScaler(), xgboost.XGBClassifier(n_estimators=3, max_depth=3)), IRIS, options=NO_MAP,
        opset={"": 15, "ai.onnx.ml": 3})


def scaler_lightgbm():
    return _sklearn(lambda: pipeline.make_pipeline(
        preprocessing.StandardScaler(), lightgbm.LGBMRegressor(n_estimators=5, verbose=-1)), DIABETES,
        opset={"": 15, "ai.onnx.ml": 3})


def list_boosters():
    xgb = {"n_estimators": 5, "max_depth": 4}
    add_xgboost("XGBRegressor", lambda: xgboost.XGBRegressor(**xgb), DIABETES)
    add_xgboost("XGBRegressor_gaps", lambda: xgboost.XGBRegressor(**xgb), with_gaps)
    add_xgboost("XGBRegressor_poisson", lambda: xgboost.XGBRegressor(objective="count:poisson", **xgb), IRIS)
    add_xgboost("XGBRegressor_logistic", lambda: xgboost.XGBRegressor(objective="reg:logistic", **xgb), CANCER)
    add_xgboost("XGBClassifier", lambda: xgboost.XGBClassifier(**xgb), IRIS)
    add_xgboost("XGBClassifier_binary", lambda: xgboost.XGBClassifier(**xgb), CANCER)
    add_xgboost("XGBRFRegressor", lambda: xgboost.XGBRFRegressor(**xgb), DIABETES)
    add_xgboost("XGBRFClassifier", lambda: xgboost.XGBRFClassifier(**xgb), CANCER)
    lgb = {"n_estimators": 5, "num_leaves": 8, "verbose": -1, "random_state": SEED}
    add_lightgbm("LGBMRegressor", lambda: lightgbm.LGBMRegressor(**lgb), DIABETES)
    add_lightgbm("LGBMRegressor_gaps", lambda: lightgbm.LGBMRegressor(**lgb), with_gaps)
    add_lightgbm("LGBMRegressor_poisson", lambda: lightgbm.LGBMRegressor(objective="poisson", **lgb), DIABETES)
    add_lightgbm("LGBMRegressor_dart", lambda: lightgbm.LGBMRegressor(boosting_type="dart", **lgb), DIABETES)
    add_lightgbm("LGBMRegressor_split", lambda: lightgbm.LGBMRegressor(**lgb), DIABETES, split=2)
    add_lightgbm("LGBMClassifier", lambda: lightgbm.LGBMClassifier(**lgb), IRIS, zipmap=False)
    add_lightgbm("LGBMClassifier_zipmap", lambda: lightgbm.LGBMClassifier(**lgb), IRIS)
    add_lightgbm("LGBMClassifier_binary", lambda: lightgbm.LGBMClassifier(**lgb), CANCER, zipmap=False)
    add_lightgbm("LGBMClassifier_categories", lambda: lightgbm.LGBMClassifier(
        min_data_per_group=1, cat_smooth=1, **lgb).set_params(categorical_feature=[0]), small_table, zipmap=False)


def list_batches():
    """Many rows at once, and ensembles of a hundred trees."""
    group = "batch"
    add("StandardScaler_batch32", group, preprocessing.StandardScaler, IRIS, batch=32)
    add("LinearRegression_batch20", group, linear_model.LinearRegression, DIABETES, batch=20)
    add("LinearSVC_batch20", group, lambda: svm.LinearSVC(random_state=SEED), IRIS, batch=20)
    add("LogisticRegression_batch20", group, lambda: linear_model.LogisticRegression(max_iter=500), IRIS, batch=20,
        options=NO_MAP)
    add("MLPClassifier_batch10", group, lambda: neural_network.MLPClassifier((8, 4), max_iter=300, random_state=SEED),
        IRIS, batch=10, options=NO_MAP)
    add("SVC_rbf_batch5", group, svm.SVC, IRIS, batch=5, options=NO_MAP)
    add("KNeighborsClassifier_batch5", group, lambda: neighbors.KNeighborsClassifier(3), IRIS, batch=5, options=NO_MAP)
    add("GaussianNB_batch10", group, naive_bayes.GaussianNB, IRIS, batch=10, options=NO_MAP)
    add("KMeans_batch20", group, lambda: cluster.KMeans(3, n_init=1, random_state=SEED), IRIS, batch=20)
    add("DecisionTreeClassifier_batch20", group, lambda: tree.DecisionTreeClassifier(random_state=SEED), IRIS, batch=20,
        options=NO_MAP)
    add("RandomForestClassifier_batch10", group, lambda: ensemble.RandomForestClassifier(10, random_state=SEED), IRIS,
        batch=10, options=NO_MAP)
    group = "100 trees"
    for make in (ensemble.RandomForestClassifier, ensemble.ExtraTreesClassifier, ensemble.GradientBoostingClassifier):
        add(f"{make.__name__}_100", group, lambda make=make: make(n_estimators=100, random_state=SEED), IRIS,
            options=NO_MAP)
    for make in (ensemble.RandomForestRegressor, ensemble.GradientBoostingRegressor):
        add(f"{make.__name__}_100", group, lambda make=make: make(n_estimators=100, max_depth=5, random_state=SEED),
            DIABETES)
    add("HistGradientBoostingRegressor_100", group,
        lambda: ensemble.HistGradientBoostingRegressor(max_iter=100, random_state=SEED), DIABETES)
    add("IsolationForest_100", group, lambda: ensemble.IsolationForest(random_state=SEED), IRIS,
        opset={"": 17, "ai.onnx.ml": 3})
    add_xgboost("XGBClassifier_100", lambda: xgboost.XGBClassifier(n_estimators=100), IRIS)
    add_xgboost("XGBRegressor_100", lambda: xgboost.XGBRegressor(n_estimators=100), DIABETES)
    add_lightgbm("LGBMClassifier_100", lambda: lightgbm.LGBMClassifier(verbose=-1, random_state=SEED), IRIS, zipmap=False)
    add_lightgbm("LGBMRegressor_100", lambda: lightgbm.LGBMRegressor(verbose=-1, random_state=SEED), DIABETES)


# ---- main -------------------------------------------------------------------------------------------------------------

def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--only", default="")
    parser.add_argument("--table")
    options = parser.parse_args()
    register_boosters()
    for fill in (list_linear_regressors, list_tree_regressors, list_svms, list_linear_classifiers,
                 list_tree_classifiers, list_neighbours_and_bayes, list_other_models, list_transformers,
                 list_pipelines, list_boosters, list_batches):
        fill()
    made, failed, table = [], [], operator_table.OperatorTable()
    for name, group, build in ESTIMATORS:
        if options.only not in name:
            continue
        try:
            model, calibration, tests = build()
            folder = os.path.join(options.folder, name)
            model_folder.write_folder(folder, model, tests)
            model_folder.write_inputs(folder, "calibration.json", model, calibration)
            operators = table.add_model(name, model, tests[0])
            made.append({"name": name, "group": group, "nodes": len(model.graph.node), "operators": operators})
        except Exception as problem:  # noqa: BLE001  one exporter's defect must not hide the others
            failed.append((name, f"{type(problem).__name__}: {str(problem)[:200]}"))
            if options.only:
                traceback.print_exc()
    with open(os.path.join(options.folder, "estimators.json"), "w", encoding="utf-8") as out:
        json.dump(made, out, indent=1)
        out.write("\n")
    if options.table:
        with open(options.table, "w", encoding="utf-8") as out:
            out.write(table.markdown(made))
    print(f"{len(made)} exported, {len(failed)} refused by their exporter or by onnxruntime")
    for name, why in failed:
        print(f"  {name}: {why}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
