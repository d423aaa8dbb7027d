"""Makes the models that must be refused: each is wrong in one way, and the compiler must say so in one sentence.

    python make_bad_models.py [OUT_FOLDER]      OUT_FOLDER defaults to bad/ beside this script

Writes bad/<name>.onnx, or bad/<name>/model.onnx where other files belong to it, and bad/list.tsv: path, a tab, what is
wrong. Files of several kinds: bytes that are no model, graphs that are no graphs, types and shapes that do not fit, sizes
that no machine holds, data outside the model's folder, numbers that mean nothing, attributes that contradict each other.
"""
import os
import shutil
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = os.path.dirname(os.path.abspath(__file__))
ML = "ai.onnx.ml"
REAL = TensorProto.FLOAT
MODELS = {}


def bad(what):
    """Registers a function that returns a model (or bytes) under its own name."""
    def keep(make):
        MODELS[make.__name__] = (what, make)
        return make
    return keep


def value(name, shape, kind=REAL):
    return helper.make_tensor_value_info(name, kind, shape)


def tensor(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def model(nodes, inputs=None, outputs=None, constants=(), opsets=(("", 17), (ML, 3))):
    graph = helper.make_graph(nodes, "bad", [value("x", [1, 2])] if inputs is None else inputs,
                              [value("y", [1, 1])] if outputs is None else outputs, list(constants))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid(*o) for o in opsets], ir_version=8)


def gemm(w=((1.0,), (2.0,)), b=(3.0,)):
    return model([helper.make_node("Gemm", ["x", "w", "b"], ["y"], name="scores")],
                 constants=[tensor("w", np.array(w, dtype=np.float32)), tensor("b", np.array(b, dtype=np.float32))])


def patched(change, made=None):
    """A sound model with one change made to it."""
    made = gemm() if made is None else made
    change(made)
    return made


# ---- bytes that are no model ----------------------------------------------------------------------------------------

@bad("the file is empty")
def empty():
    return b""


@bad("the file is text")
def text():
    return b"This is not an ONNX file, it only has the name of one.\n" * 4


@bad("the last third of the file is missing")
def truncated():
    whole = gemm().SerializeToString()
    return whole[:2 * len(whole) // 3]


@bad("the graph is missing")
def no_graph():
    made = onnx.ModelProto(ir_version=8)
    made.opset_import.append(helper.make_opsetid("", 17))
    return made


@bad("a length field says 2^60 bytes")
def length_lies():
    return b"\x08\x08\x3a" + b"\x80" * 8 + b"\x10" + b"abc"


@bad("a varint has eleven bytes")
def endless_varint():
    return b"\x08" + b"\xff" * 11


@bad("a subgraph in a subgraph, 3,000 deep")
def deep():
    inner = b""
    for _ in range(3000):
        attribute = b"\x0a\x01b" + _field(6, inner) + b"\xa0\x01\x05"
        inner = _field(1, b"\x22\x02If" + _field(5, attribute))
    return b"\x08\x08" + _field(7, inner) + _field(8, b"\x10\x11")


def _varint(number):
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def _field(number, payload):
    return _varint(number << 3 | 2) + _varint(len(payload)) + payload


# ---- graphs that are no graphs --------------------------------------------------------------------------------------

@bad("the graph has a cycle: a needs b and b needs a")
def cyclic():
    return model([helper.make_node("Add", ["x", "b"], ["a"], name="first"),
                  helper.make_node("Relu", ["a"], ["b"], name="second"),
                  helper.make_node("Relu", ["b"], ["y"], name="third")], outputs=[value("y", [1, 2])])


@bad("a node reads a value that nothing makes")
def undefined_input():
    return model([helper.make_node("Add", ["x", "nowhere"], ["y"], name="sum")], outputs=[value("y", [1, 2])])


@bad("a graph output that nothing makes")
def undefined_output():
    return model([helper.make_node("Relu", ["x"], ["z"])])


@bad("two nodes make the same value")
def made_twice():
    return model([helper.make_node("Relu", ["x"], ["y"], name="one"), helper.make_node("Abs", ["x"], ["y"], name="two")],
                 outputs=[value("y", [1, 2])])


@bad("many inputs of one name")
def input_twice():
    return model([helper.make_node("Relu", ["x"], ["y"])], inputs=[value("x", [1, 2])] * 500, outputs=[value("y", [1, 2])])


@bad("an old Dropout without an input")
def dropout_of_nothing():
    return model([helper.make_node("Dropout", [""], ["y", "mask"])], outputs=[value("mask", [1, 2])], opsets=(("", 7),))


@bad("two initializers of one name")
def constant_twice():
    return patched(lambda m: m.graph.initializer.append(tensor("w", np.zeros((2, 1), dtype=np.float32))))


@bad("the graph has no output")
def no_outputs():
    return patched(lambda m: m.graph.ClearField("output"))


@bad("a local function that calls itself")
def recursive_function():
    made = model([helper.make_node("Again", ["x"], ["y"], domain="local")], outputs=[value("y", [1, 2])],
                 opsets=(("", 17), ("local", 1)))
    made.functions.append(helper.make_function(
        "local", "Again", ["a"], ["b"], [helper.make_node("Again", ["a"], ["b"], domain="local")],
        [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]))
    return made


# ---- operators and versions -----------------------------------------------------------------------------------------

@bad("an operator that ONNX does not have")
def unknown_operator():
    return model([helper.make_node("Frobnicate", ["x"], ["y"], name="odd")], outputs=[value("y", [1, 2])])


@bad("an operator of a domain nobody knows")
def unknown_domain():
    return model([helper.make_node("Gemm", ["x"], ["y"], domain="com.example")], outputs=[value("y", [1, 2])],
                 opsets=(("", 17), ("com.example", 1)))


@bad("no version for the default domain")
def no_opset():
    return patched(lambda m: m.ClearField("opset_import"))


@bad("an opset from the far future")
def future_opset():
    return patched(lambda m: setattr(m.opset_import[0], "version", 9000))


@bad("opset 0")
def opset_zero():
    return patched(lambda m: setattr(m.opset_import[0], "version", 0))


@bad("an operator used before its opset: Einsum at 11")
def too_early():
    return model([helper.make_node("Einsum", ["x"], ["y"], equation="ij->ji")], outputs=[value("y", [2, 1])],
                 opsets=(("", 11),))


@bad("Gemm with one input where it needs two or three")
def too_few_inputs():
    return model([helper.make_node("Gemm", ["x"], ["y"], name="lonely")])


@bad("three problems at once: an unknown operator, an unknown domain, an undefined value")
def three_problems():
    return model([helper.make_node("Frobnicate", ["x"], ["a"], name="first"),
                  helper.make_node("Scale", ["a"], ["b"], name="second", domain="com.example"),
                  helper.make_node("Add", ["b", "nowhere"], ["y"], name="third")], outputs=[value("y", [1, 2])],
                 opsets=(("", 17), ("com.example", 1)))


@bad("a problem of every stage: an input left open, a misspelt operator, a shape that stays open, two determinants too large")
def every_stage():
    return model([helper.make_node("Det", ["m"], ["d"], name="before"),
                  helper.make_node("Rellu", ["d"], ["r"], name="misspelt"),
                  helper.make_node("Softmax", ["r"], ["a"], name="after", axis=7),
                  helper.make_node("NonZero", ["m"], ["b"], name="open"),
                  helper.make_node("Det", ["m"], ["c"], name="beside"),
                  helper.make_node("Softmax", ["w"], ["e"], name="unbound", axis=7)],
                 inputs=[value("m", [11, 11]), value("w", [1, "width"])],
                 outputs=[value(n, None, k) for n, k in (("a", REAL), ("b", TensorProto.INT64), ("c", REAL), ("e", REAL))])


# ---- types and shapes -----------------------------------------------------------------------------------------------

@bad("Gemm of a float by an int64")
def type_wrong():
    return patched(lambda m: m.graph.initializer[0].CopyFrom(tensor("w", np.array([[1], [2]], dtype=np.int64))))


@bad("a string where a number is added")
def string_sum():
    return model([helper.make_node("Add", ["x", "s"], ["y"])], outputs=[value("y", [1, 2])],
                 constants=[helper.make_tensor("s", TensorProto.STRING, [1, 2], [b"a", b"b"])])


@bad("Gemm of [1,2] by [3,1]")
def shape_wrong():
    return gemm(w=((1.0,), (2.0,), (4.0,)))


@bad("an input of unknown element type 99")
def element_type_unknown():
    return patched(lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", 99))


@bad("an input without a type")
def input_untyped():
    return patched(lambda m: m.graph.input[0].ClearField("type"))


@bad("a negative dimension in an initializer")
def dimension_negative():
    return patched(lambda m: m.graph.initializer[0].dims.__setitem__(0, -2))


@bad("a reshape to a different number of elements")
def reshape_wrong():
    return model([helper.make_node("Reshape", ["x", "s"], ["y"])], outputs=[value("y", [3, 3])],
                 constants=[tensor("s", np.array([3, 3], dtype=np.int64))])


# ---- sizes ----------------------------------------------------------------------------------------------------------

@bad("an initializer of 2^40 elements in a file of a few bytes")
def huge_initializer():
    def change(m):
        m.graph.initializer[0].dims[:] = [1 << 20, 1 << 20]
    return patched(change)


@bad("dimensions whose product is 2^64 + 2")
def product_overflows():
    def change(m):
        m.graph.initializer[0].dims[:] = [6, 3074457345618258603]
    return patched(change)


@bad("a ConstantOfShape of 2^50 elements")
def huge_constant():
    return model([helper.make_node("ConstantOfShape", ["s"], ["y"])], inputs=[value("x", [1, 2])],
                 outputs=[value("y", None)], constants=[tensor("s", np.array([1 << 25, 1 << 25], dtype=np.int64))])


@bad("an input of 2^62 rows")
def huge_input():
    return patched(lambda m: setattr(m.graph.input[0].type.tensor_type.shape.dim[0], "dim_value", 1 << 62))


@bad("a Range of 10^18 numbers")
def huge_range():
    return model([helper.make_node("Range", ["a", "b", "c"], ["r"]), helper.make_node("Cast", ["r"], ["y"], to=REAL)],
                 outputs=[value("y", None)],
                 constants=[tensor(n, np.array(v, dtype=np.int64)) for n, v in (("a", 0), ("b", 10**18), ("c", 1))])


@bad("an initializer of rank 1,000")
def rank_1000():
    def change(m):
        m.graph.initializer[0].dims[:] = [2] + [1] * 999
    return patched(change)


@bad("raw data two bytes short of the shape")
def data_short():
    return patched(lambda m: setattr(m.graph.initializer[0], "raw_data", m.graph.initializer[0].raw_data[:-2]))


@bad("raw data longer than the shape")
def data_long():
    return patched(lambda m: setattr(m.graph.initializer[0], "raw_data", m.graph.initializer[0].raw_data + b"\0" * 4))


@bad("both raw data and float data")
def data_twice():
    return patched(lambda m: m.graph.initializer[0].float_data.extend([1.0, 2.0]))


# ---- numbers that mean nothing --------------------------------------------------------------------------------------

@bad("a weight that is NaN")
def nan_weight():
    return gemm(w=((float("nan"),), (2.0,)))


@bad("a bias that is infinite")
def infinite_bias():
    return gemm(b=(float("inf"),))


@bad("an RBF kernel whose gamma is NaN")
def nan_gamma():
    return svm(kernel_params=[float("nan"), 0.0, 3.0])


# ---- ai.onnx.ml -------------------------------------------------------------------------------------------------------

def trees(**change):
    attributes = {
        "n_targets": 1, "nodes_treeids": [0, 0, 0], "nodes_nodeids": [0, 1, 2], "nodes_featureids": [0, 0, 0],
        "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"], "nodes_values": [1.5, 0.0, 0.0],
        "nodes_truenodeids": [1, 0, 0], "nodes_falsenodeids": [2, 0, 0], "target_treeids": [0, 0],
        "target_nodeids": [1, 2], "target_ids": [0, 0], "target_weights": [1.0, 2.0]}
    attributes.update(change)
    return model([helper.make_node("TreeEnsembleRegressor", ["x"], ["y"], name="trees", domain=ML, **attributes)])


def svm(**change):
    attributes = {"coefficients": [1.0, -1.0], "kernel_params": [0.5, 0.0, 3.0], "kernel_type": "RBF", "n_supports": 2,
                  "rho": [0.25], "support_vectors": [1.0, 2.0, 3.0, 4.0]}
    attributes.update(change)
    return model([helper.make_node("SVMRegressor", ["x"], ["y"], name="svm", domain=ML, **attributes)])


@bad("a tree whose child does not exist")
def tree_child_missing():
    return trees(nodes_truenodeids=[5, 0, 0])


@bad("a tree whose child is its own parent")
def tree_cycle():
    return trees(nodes_modes=["BRANCH_LEQ", "BRANCH_LEQ", "LEAF"], nodes_truenodeids=[1, 0, 0],
                 nodes_falsenodeids=[2, 2, 0])


@bad("two tree nodes of one id")
def tree_node_twice():
    return trees(nodes_nodeids=[0, 1, 1])


@bad("tree arrays of different lengths")
def tree_lengths():
    return trees(nodes_values=[1.5, 0.0])


@bad("a tree that compares feature 7 of 2")
def tree_feature():
    return trees(nodes_featureids=[7, 0, 0])


@bad("a negative feature index")
def tree_feature_negative():
    return trees(nodes_featureids=[-1, 0, 0])


@bad("a branch mode that ONNX does not have")
def tree_mode():
    return trees(nodes_modes=["BRANCH_MAYBE", "LEAF", "LEAF"])


@bad("a vote for target 3 of 1")
def tree_target():
    return trees(target_ids=[0, 3])


@bad("a vote at a node that does not exist")
def tree_vote_missing():
    return trees(target_nodeids=[1, 9])


@bad("support vectors that are no multiple of their count")
def svm_vectors():
    return svm(support_vectors=[1.0, 2.0, 3.0])


@bad("fewer coefficients than support vectors")
def svm_coefficients():
    return svm(coefficients=[1.0])


@bad("a kernel that ONNX does not have")
def svm_kernel():
    return svm(kernel_type="QUANTUM")


@bad("a linear classifier of three classes with coefficients for two")
def linear_classes():
    return model([helper.make_node("LinearClassifier", ["x"], ["label", "y"], name="linear", domain=ML,
                                   classlabels_ints=[0, 1, 2], coefficients=[1.0, 2.0, 3.0, 4.0],
                                   intercepts=[0.0, 0.0, 0.0], post_transform="SOFTMAX")], outputs=[value("y", [1, 3])])


@bad("a label encoder with three keys and two values")
def label_lengths():
    return model([helper.make_node("LabelEncoder", ["x"], ["y"], name="codes", domain=ML, keys_floats=[1.0, 2.0, 3.0],
                                   values_floats=[1.0, 2.0])], outputs=[value("y", [1, 2])])


@bad("a scaler of three offsets over two features")
def scaler_width():
    return model([helper.make_node("Scaler", ["x"], ["y"], name="scale", domain=ML, offset=[0.0, 0.0, 0.0],
                                   scale=[1.0, 1.0, 1.0])], outputs=[value("y", [1, 2])])


# ---- attributes -------------------------------------------------------------------------------------------------------

@bad("an attribute of the wrong type: axis as text")
def attribute_type():
    return model([helper.make_node("Softmax", ["x"], ["y"], name="soft", axis="last")], outputs=[value("y", [1, 2])])


@bad("an axis outside the rank")
def axis_outside():
    return model([helper.make_node("Softmax", ["x"], ["y"], name="soft", axis=5)], outputs=[value("y", [1, 2])])


@bad("an attribute given twice")
def attribute_twice():
    made = model([helper.make_node("Softmax", ["x"], ["y"], name="soft", axis=1)], outputs=[value("y", [1, 2])])
    made.graph.node[0].attribute.append(helper.make_attribute("axis", 0))
    return made


@bad("a Transpose whose perm repeats an axis")
def perm_repeats():
    return model([helper.make_node("Transpose", ["x"], ["y"], perm=[0, 0])], outputs=[value("y", None)])


# ---- external data ------------------------------------------------------------------------------------------------------

def external(location, **more):
    """The weight lies elsewhere."""
    made = gemm()
    weight = made.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    for key, text_ in (("location", location), *((k, str(v)) for k, v in more.items())):
        weight.external_data.add(key=key, value=text_)
    return made


EXTERNAL = {
    "external_parent": ("external data at ../outside.bin", external("../outside.bin")),
    "external_parent_inside": ("external data at sub/../../outside.bin", external("sub/../../outside.bin")),
    "external_absolute": ("external data at an absolute path", external("/etc/hostname")),
    "external_symlink": ("external data at a link that leaves the folder", external("weights.bin")),
    "external_missing": ("external data in a file that is not there", external("weights.bin")),
    "external_offset": ("external data past the end of its file", external("weights.bin", offset=4096, length=8)),
    "external_offset_huge": ("an offset of 2^63", external("weights.bin", offset=1 << 63, length=8)),
    "external_offset_text": ("an offset that is no number", external("weights.bin", offset="eight", length=8)),
    "external_length": ("external data of the wrong length", external("weights.bin", offset=0, length=12)),
    "external_unnamed": ("external data without a location", external("")),
    "external_folder": ("external data that is a folder", external("weights.bin")),
}


def write_external(out):
    with open(os.path.join(out, "outside.bin"), "wb") as file:
        file.write(np.array([1, 2], dtype=np.float32).tobytes())
    for name, (_, made) in EXTERNAL.items():
        folder = os.path.join(out, name)
        os.makedirs(folder)
        onnx.save(made, os.path.join(folder, "model.onnx"))
        weights = os.path.join(folder, "weights.bin")
        if name == "external_symlink":
            os.symlink("../outside.bin", weights)
        elif name == "external_folder":
            os.makedirs(weights)
            with open(os.path.join(weights, "keep"), "wb"):
                pass
        elif name in ("external_offset", "external_offset_huge", "external_offset_text", "external_length"):
            with open(weights, "wb") as file:
                file.write(np.array([1, 2, 3, 4], dtype=np.float32).tobytes())


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "bad")
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    lines = []
    for name, (what, make) in MODELS.items():
        made = make()
        with open(os.path.join(out, f"{name}.onnx"), "wb") as file:
            file.write(made if isinstance(made, bytes) else made.SerializeToString())
        lines.append(f"{name}.onnx\t{what}\n")
    write_external(out)
    lines += [f"{name}/model.onnx\t{what}\n" for name, (what, _) in EXTERNAL.items()]
    with open(os.path.join(out, "list.tsv"), "w", encoding="utf-8") as file:
        file.writelines(lines)
    print(f"{len(lines)} models that must be refused")


if __name__ == "__main__":
    main()
