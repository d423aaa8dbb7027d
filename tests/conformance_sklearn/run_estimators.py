"""Runs exported models through sertnc and sertn-run and holds their outputs to onnxruntime's.

    python run_estimators.py MODELS_FOLDER PROGRAMS_FOLDER [--only TEXT] [--check] [--out FILE.json]

MODELS_FOLDER is what make_estimators.py wrote, or any folder of folders with model.onnx and test_data_set_<k>/. Each model
is compiled with its data sets as calibration data; then each data set is proved and verified (--check: only every
constraint evaluated, no keys). Numbers must agree within rtol 1e-3 (atol 1e-6); integers, words and labels exactly.
Prints a line a model and ends with 1 when one failed. Needs the packages of requirements.txt.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx
from onnx import numpy_helper

RTOL, ATOL = 1e-3, 1e-6
NAMED = {"NaN": np.nan, "Infinity": np.inf, "-Infinity": -np.inf}


def read_output(path, info):
    """A reference output: an array, or a list of dicts for what ZipMap returns."""
    with open(path, "rb") as file:
        data = file.read()
    if info.type.WhichOneof("value") == "sequence_type":
        sequence = onnx.SequenceProto.FromString(data)
        if sequence.elem_type != onnx.SequenceProto.MAP:
            return [numpy_helper.to_array(t) for t in sequence.tensor_values]
        made = []
        for one in sequence.map_values:
            keys = [k.decode() for k in one.string_keys] or list(one.keys)
            made.append(dict(zip(map(str, keys), (numpy_helper.to_array(t).item() for t in one.values.tensor_values))))
        return made
    return numpy_helper.to_array(onnx.TensorProto.FromString(data))


def flatten(value):
    """All leaves of nested lists and of objects by key order, in one list."""
    if isinstance(value, dict):
        return [leaf for key in sorted(value) for leaf in flatten(value[key])]
    if isinstance(value, np.ndarray):
        return value.reshape(-1).tolist()
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in flatten(item)]
    return [value]


def is_words(value):
    return isinstance(value, np.ndarray) and value.dtype.kind in "OSU"


def difference(ours, reference):
    """What is wrong with an output, or None."""
    exact = isinstance(reference, np.ndarray) and reference.dtype.kind in "iub"
    mine, wanted = flatten(ours), flatten(reference)
    if len(mine) != len(wanted):
        return f"{len(mine)} values for {len(wanted)}"
    worst = None
    for got, want in zip(mine, wanted):
        if is_words(reference):
            want = want.decode() if isinstance(want, bytes) else str(want)
            if got != want:
                return f"{got!r} for {want!r}"
            continue
        got = NAMED.get(got, got)
        try:
            got = int(got) if exact else float(got)
        except (TypeError, ValueError):
            return f"{got!r} for {want!r}"
        if exact and got != int(want):
            return f"{got} for {want}"
        if not exact and not np.isclose(got, float(want), rtol=RTOL, atol=ATOL, equal_nan=True):
            excess = abs(got - float(want))
            worst = max(worst or (0, ""), (excess, f"{got:.9g} for {float(want):.9g}"))
    return worst and worst[1]


def call(command):
    """Runs a program; returns its exit status, its JSON object or None, and the last line it wrote."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        said = json.loads(done.stdout)
    except ValueError:
        said = None
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
    error = said.get("error") if isinstance(said, dict) else None
    return done.returncode, said, str(error or (lines[-1] if lines else ""))[:300]


def run_model(folder, programs, work, check_only):
    """Compiles and runs one model; returns a record whose 'problem' is empty when all is well."""
    path = os.path.join(folder, "model.onnx")
    model = onnx.load(path)
    sets = sorted(d for d in os.listdir(folder) if d.startswith("test_data_set_"))
    compiled, proof = os.path.join(work, "model.sertn"), os.path.join(work, "proof.json")
    shutil.rmtree(compiled, ignore_errors=True)
    data = [word for s in sets for word in ("--data", os.path.join(folder, s))]
    start = time.time()
    status, said, words = call([os.path.join(programs, "sertnc"), path, "-o", compiled, *data, "--json"])
    record = {"name": os.path.basename(folder), "compile_seconds": round(time.time() - start, 3)}
    if status != 0 or said is None:
        return {**record, "problem": f"compile ({status}): {words}"}
    record.update({k: said.get(k) for k in ("rows", "proof_bytes")})
    sertn_run = os.path.join(programs, "sertn-run")
    for name in sets:
        inputs = ["--input", os.path.join(folder, name), "--json"]
        step = ["check", compiled] if check_only else ["prove", compiled, "-o", proof]
        start = time.time()
        status, said, words = call([sertn_run, *step, *inputs])
        record["run_seconds"] = round(time.time() - start, 3)
        if status != 0 or said is None:
            return {**record, "problem": f"{step[0]} {name} ({status}): {words}"}
        for i, info in enumerate(model.graph.output):
            reference = read_output(os.path.join(folder, name, f"output_{i}.pb"), info)
            wrong = difference(said.get("outputs", {}).get(info.name), reference)
            if wrong:
                return {**record, "problem": f"{name} output {info.name}: {wrong}"}
        if not check_only:
            status, said, words = call([sertn_run, "verify", compiled, proof, "--json"])
            if status != 0 or not said or said.get("verified") is not True:
                return {**record, "problem": f"verify {name} ({status}): {words}"}
    return {**record, "problem": ""}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models")
    parser.add_argument("programs")
    parser.add_argument("--only", default="")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--out")
    options = parser.parse_args()
    names = sorted(n for n in os.listdir(options.models)
                   if options.only in n and os.path.exists(os.path.join(options.models, n, "model.onnx")))
    records = []
    with tempfile.TemporaryDirectory(prefix="run_estimators.") as work:
        for name in names:
            records.append(run_model(os.path.join(options.models, name), options.programs, work, options.check))
            last = records[-1]
            print(f"{'failed' if last['problem'] else 'passed'}  {name}  rows {last.get('rows')}  {last['problem']}",
                  flush=True)
    passed = sum(not r["problem"] for r in records)
    print(f"{passed} passed, {len(records) - passed} failed")
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:
            json.dump(records, file, indent=1)
            file.write("\n")
    return passed != len(records) or not records


if __name__ == "__main__":
    sys.exit(main())
