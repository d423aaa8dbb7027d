"""Writes a model with reference data in ONNX's own test layout.

    <folder>/model.onnx
    <folder>/input.json                     the inputs of set 0 by graph-input name, nested lists
    <folder>/output.json                    the outputs of set 0 by name, nested lists; maps as objects
    <folder>/calibration.json               where asked for: a list of further inputs by name
    <folder>/test_data_set_<k>/input_<i>.pb   in the order of the graph's inputs
    <folder>/test_data_set_<k>/output_<i>.pb  in the order of the graph's outputs

Outputs come from onnxruntime on one CPU thread with graph optimizations off, or from onnx.reference for a model that is
newer than onnxruntime. A tensor is one serialized TensorProto; what
ZipMap returns is a SequenceProto of MapProto, as ONNX itself stores such values.

Used by the scripts that make the models of tests/ and benchmarks/; no build and no check of the project needs it.
"""
import json
import os

import numpy as np
import onnx
import onnx.reference
import onnxruntime
from onnx import helper, numpy_helper

ORT_TYPES = {
    "tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(int64)": np.int64,
    "tensor(int32)": np.int32, "tensor(bool)": np.bool_, "tensor(string)": np.str_,
    "tensor(uint8)": np.uint8, "tensor(int8)": np.int8,
}


def open_session(model):
    """A session that computes what the file says, node by node."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options,
                                        providers=["CPUExecutionProvider"])


def typed_inputs(session, values):
    """The values as arrays of the declared types, by graph-input name; `values` is a dict, or an array for a single input."""
    declared = session.get_inputs()
    if not isinstance(values, dict):
        values = {declared[0].name: values}
    feed = {}
    for item in declared:
        array = np.asarray(values[item.name])
        kind = ORT_TYPES[item.type]
        feed[item.name] = array.astype(object) if kind is np.str_ else array.astype(kind)
    return feed


def _tensor(array, name):
    array = np.asarray(array)
    if array.dtype.kind in "UOS":
        return helper.make_tensor(name, onnx.TensorProto.STRING, array.shape,
                                  [str(x).encode() for x in array.reshape(-1)])
    return numpy_helper.from_array(np.ascontiguousarray(array), name)


def _map(pairs, name):
    made = onnx.MapProto(name=name)
    keys = list(pairs)
    if isinstance(keys[0], str):
        made.key_type = onnx.TensorProto.STRING
        made.string_keys.extend(k.encode() for k in keys)
    else:
        made.key_type = onnx.TensorProto.INT64
        made.keys.extend(int(k) for k in keys)
    made.values.name = name
    made.values.elem_type = onnx.SequenceProto.TENSOR
    made.values.tensor_values.extend(_tensor(np.float32(v), "") for v in pairs.values())
    return made


def to_proto(value, name):
    """The value as a TensorProto, or as a SequenceProto of MapProto when it is a list of dicts."""
    if not isinstance(value, list):
        return _tensor(value, name)
    made = onnx.SequenceProto(name=name)
    if value and isinstance(value[0], dict):
        made.elem_type = onnx.SequenceProto.MAP
        made.map_values.extend(_map(v, "") for v in value)
    else:
        made.elem_type = onnx.SequenceProto.TENSOR
        made.tensor_values.extend(_tensor(v, "") for v in value)
    return made


def to_json(array):
    """Nested lists; a float that JSON cannot hold becomes the string that the command line takes."""
    if isinstance(array, (list, tuple)):
        return [to_json(a) for a in array]
    if isinstance(array, dict):
        return {str(key): to_json(value) for key, value in array.items()}
    array = np.asarray(array)
    if array.ndim:
        return [to_json(a) for a in array]
    value = array.item()
    if isinstance(value, float):
        if np.isnan(value):
            return "NaN"
        if np.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
    return value


class ReferenceSession:
    """onnx.reference behind the three calls used here, for models newer than onnxruntime."""

    class Value:
        def __init__(self, info):
            self.name = info.name
            self.type = "tensor(%s)" % onnx.TensorProto.DataType.Name(info.type.tensor_type.elem_type).lower()

    def __init__(self, model):
        self.model = model
        self.inner = onnx.reference.ReferenceEvaluator(model)

    def get_inputs(self):
        return [self.Value(i) for i in self.model.graph.input]

    def get_outputs(self):
        return [self.Value(o) for o in self.model.graph.output]

    def run(self, names, feed):
        return self.inner.run(names, feed)


def write_folder(folder, model, data_sets, by_reference=False):
    """Writes model and data sets; returns the outputs of each set as the engine gives them.

    Two things that exporters leave to chance are settled: a random graph name becomes the folder's, and the imported
    domains are listed in order.
    """
    os.makedirs(folder, exist_ok=True)
    if len(model.graph.name) == 32:
        model.graph.name = os.path.basename(folder)
    opsets = sorted(((o.domain, o.version) for o in model.opset_import))
    del model.opset_import[:]
    model.opset_import.extend(helper.make_opsetid(*o) for o in opsets)
    onnx.save(model, os.path.join(folder, "model.onnx"))
    return write_data(folder, model, data_sets, by_reference)


def write_data(folder, model, data_sets, by_reference=False):
    """Writes the data sets alone, for a model whose file is already there."""
    session = ReferenceSession(model) if by_reference else open_session(model)
    results = []
    for k, values in enumerate(data_sets):
        feed = typed_inputs(session, values)
        outputs = session.run(None, feed)
        place = os.path.join(folder, f"test_data_set_{k}")
        os.makedirs(place, exist_ok=True)
        for i, item in enumerate(session.get_inputs()):
            _write(place, f"input_{i}.pb", to_proto(feed[item.name], item.name))
        for i, item in enumerate(session.get_outputs()):
            _write(place, f"output_{i}.pb", to_proto(outputs[i], item.name))
        if k == 0:
            _write_json(folder, "input.json", {name: to_json(v) for name, v in feed.items()})
            _write_json(folder, "output.json", {
                item.name: to_json(outputs[i]) for i, item in enumerate(session.get_outputs())})
        results.append(outputs)
    return results


def write_inputs(folder, name, model, data_sets):
    """Writes inputs alone as one JSON list, each an object by graph-input name."""
    session = open_session(model)
    feeds = [typed_inputs(session, values) for values in data_sets]
    _write_json(folder, name, [{key: to_json(v) for key, v in feed.items()} for feed in feeds])


def _write_json(folder, name, value):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
        json.dump(value, out)
        out.write("\n")


def _write(place, name, proto):
    with open(os.path.join(place, name), "wb") as out:
        out.write(proto.SerializeToString())
