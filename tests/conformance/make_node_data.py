#!/usr/bin/env python3
"""Writes the backend tests of the installed onnx package as files, FOLDER/node and the others.

    python make_node_data.py FOLDER

From 1.23 on the package makes its node tests when it is run and carries no files of them.
"""
import pathlib
import shutil
import sys

import onnx
import onnx.backend.test
from onnx import numpy_helper
from onnx.backend.test.case.model import collect_testcases
from onnx.backend.test.loader import load_node_model_tests


def message(value, info):
    kind = info.type.WhichOneof("value")
    if kind == "map_type":
        return numpy_helper.from_dict(value, info.name)
    if kind == "sequence_type":
        return numpy_helper.from_list(value, info.name)
    if kind == "optional_type":
        return numpy_helper.from_optional(value, info.name)
    return value if isinstance(value, onnx.TensorProto) else numpy_helper.from_array(value, info.name)


def write(case, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(case.model.SerializeToString())
    graph = case.model.graph
    for k, (inputs, outputs) in enumerate(case.data_sets):
        place = folder / f"test_data_set_{k}"
        place.mkdir(exist_ok=True)
        for name, values, infos in (("input", inputs, graph.input), ("output", outputs, graph.output)):
            for i, value in enumerate(values):
                (place / f"{name}_{i}.pb").write_bytes(message(value, infos[i]).SerializeToString())


def main():
    root = pathlib.Path(sys.argv[1])
    for case in load_node_model_tests() + list(collect_testcases()):
        if case.model is not None and case.data_sets is not None:
            write(case, root / case.kind / case.name)
    data = pathlib.Path(onnx.backend.test.__file__).parent / "data"
    for kind in ("pytorch-operator", "pytorch-converted"):
        shutil.copytree(data / kind, root / kind, dirs_exist_ok=True)


if __name__ == "__main__":
    main()
