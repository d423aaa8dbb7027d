"""Writes the tensor-operator versions of the benchmark workloads that EZKL reads, since it takes no ai.onnx.ml operators.

    python make_ezkl_models.py [OUT_FOLDER]     OUT_FOLDER defaults to ezkl_models/ beside this script

The estimators are those of benchmarks/models/make_models.py, exported as the BrainBench comparison does it: hummingbird
for the linear regression and the trees, sk2torch for the linear SVC; the forest in two forms, as the mean of its trees'
labels (sk2torch, the form of that comparison) and with probabilities (hummingbird, tree_trav). Needs the packages of
ezkl_models/requirements.txt, which are not needed to measure: the files are committed.
"""
import os
import sys
import warnings

import onnx
import sk2torch
import torch
from hummingbird.ml import convert

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "models"))
import make_models  # noqa: E402


class Labels(torch.nn.Module):
    """The labels of a linear classifier, in float32."""

    def __init__(self, fitted):
        super().__init__()
        self.inner = sk2torch.wrap(fitted).float()

    def forward(self, x):
        return self.inner.predict(x)


class MeanLabel(torch.nn.Module):
    """The mean over a forest's trees of the label each gives, one value.

    The matrices of conditions become float32: torch exports a product of int8 as one of int64, which EZKL cannot read.
    """

    def __init__(self, fitted):
        super().__init__()
        self.trees = torch.nn.ModuleList(sk2torch.wrap(t).float() for t in fitted.estimators_)
        for tree in self.trees:
            tree.cond = tree.cond.float()
            tree.cond_mask = tree.cond_mask.float()

    def forward(self, x):
        total = sum(tree.predict(x).float() for tree in self.trees)
        return total / len(self.trees)


class Probabilities(torch.nn.Module):
    """The second of the two outputs of a converted classifier."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x)[1]


def modules():
    """The torch module and a sample input of each workload."""
    fits = make_models.fit_all()
    made = {}
    for name, trees in (("linear_regression", None), ("tree_ensemble", "perf_tree_trav")):
        fitted, rows = fits[name]
        extra = {"tree_implementation": trees} if trees else {}
        made[name] = (convert(fitted, "torch", rows[0], extra_config=extra).model, rows[0])
    fitted, rows = fits["linear_svc"]
    made["linear_svc"] = (Labels(fitted), rows[0])
    fitted, rows = fits["random_forest"]
    made["random_forest"] = (MeanLabel(fitted), rows[0])
    inner = convert(fitted, "torch", rows[0], extra_config={"tree_implementation": "tree_trav"}).model
    made["random_forest_probabilities"] = (Probabilities(inner), rows[0])
    return made


def main():
    warnings.filterwarnings("ignore")
    out = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "ezkl_models")
    os.makedirs(out, exist_ok=True)
    for name, (module, row) in modules().items():
        path = os.path.join(out, f"{name}.onnx")
        torch.onnx.export(module.eval(), torch.tensor(row), path, dynamo=False, opset_version=13,
                          input_names=["input"], output_names=["output"])
        nodes = len(onnx.load(path).graph.node)
        print(f"{name}: {nodes} nodes, {os.path.getsize(path)} bytes, gives {module(torch.tensor(row)).reshape(-1)[:5]}")


if __name__ == "__main__":
    main()
