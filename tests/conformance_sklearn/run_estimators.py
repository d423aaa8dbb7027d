"""Runs exported models through sertnc and sertn-run and holds their outputs to onnxruntime's.

    python run_estimators.py MODELS_FOLDER PROGRAMS_FOLDER [--only TEXT] [--proofs N] [--out FILE.json] [--table FILE.md]
                             [--seconds S]

MODELS_FOLDER is what make_estimators.py wrote, or any folder of folders with model.onnx and test_data_set_<k>/. Each model
is compiled with its calibration.json (without one: with its data sets) as calibration data. Every data set is checked
(every constraint evaluated), and the first N (3) are proved and verified. Numbers must agree within rtol 1e-3
(atol 1e-6); integers, words and labels exactly. Prints a line a model and ends with 1 when one failed. --out and --table
write the figures. With --seconds no model is begun after S seconds, and models that --out holds from earlier runs are
not run again: for measuring in short turns. Needs the packages of requirements.txt.
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


def difference(ours, reference, record):
    """What is wrong with an output, or None; the record keeps the largest errors of real numbers."""
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
        if exact:
            if got != int(want):
                return f"{got} for {want}"
            continue
        want = float(want)
        if np.isfinite(got) and np.isfinite(want):
            error = abs(got - want)
            record["error"] = max(record.get("error", 0), error)
            record["share"] = max(record.get("share", 0), error / (ATOL + RTOL * abs(want)))
        if not np.isclose(got, want, rtol=RTOL, atol=ATOL, equal_nan=True):
            worst = max(worst or (0, ""), (abs(got - want), f"{got:.9g} for {want:.9g}"))
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


def compare(said, model, folder, name, record):
    """Holds all outputs of one data set to their files; returns what is wrong, or an empty text."""
    for i, info in enumerate(model.graph.output):
        reference = read_output(os.path.join(folder, name, f"output_{i}.pb"), info)
        wrong = difference(said.get("outputs", {}).get(info.name), reference, record)
        if wrong:
            return f"{name} output {info.name}: {wrong}"
    return ""


def compile_model(folder, programs, compiled, sets, record):
    calibration = os.path.join(folder, "calibration.json")
    data = [calibration] if os.path.exists(calibration) else [os.path.join(folder, s) for s in sets]
    start = time.time()
    status, said, words = call([os.path.join(programs, "sertnc"), os.path.join(folder, "model.onnx"), "-o", compiled,
                                "--json"] + [word for path in data for word in ("--data", path)])
    record["compile_seconds"] = round(time.time() - start, 3)
    if status != 0 or said is None:
        return f"compile ({status}): {words}"
    record.update({k: said.get(k) for k in ("rows", "used_rows", "table_rows", "columns", "proof_bytes", "gas",
                                            "meets_tolerance")})
    record["inserted_ranges"] = len(said.get("inserted_ranges", []))
    return ""


def check_model(folder, programs, compiled, sets, model, record):
    """Every constraint on every data set, and the outputs."""
    status, said, words = call([os.path.join(programs, "sertn-run"), "check", compiled, "--input", folder, "--json"])
    done = [] if said is None else said.get("sets", [said])
    for name, one in zip(sets, done):
        wrong = compare(one, model, folder, name, record) if one.get("verified") else ""
        if wrong:
            return wrong
    if status != 0 or len(done) != len(sets):
        return f"check ({status}): {words}"
    return ""


def prove_model(folder, programs, work, compiled, name, model, record):
    sertn_run, proof = os.path.join(programs, "sertn-run"), os.path.join(work, "proof.json")
    if "keys_seconds" not in record:
        status, said, words = call([sertn_run, "keys", compiled, "--json"])
        if status != 0 or said is None:
            return f"keys ({status}): {words}"
        record["keys_seconds"] = said["keys_seconds"]
    start = time.time()
    status, said, words = call([sertn_run, "prove", compiled, "--input", os.path.join(folder, name), "-o", proof, "--json"])
    seconds = time.time() - start
    if status != 0 or said is None:
        return f"prove {name} ({status}): {words}"
    record["prove_seconds"] = round(min(seconds, record.get("prove_seconds", seconds)), 4)
    record["proof_bytes_made"] = said["proof_bytes"]
    if said["proof_bytes"] != record["proof_bytes"] or said["rows"] != record["rows"]:
        return f"prove {name}: {said['rows']} rows and {said['proof_bytes']} bytes are not those of the report"
    wrong = compare(said, model, folder, name, record)
    if wrong:
        return wrong
    status, said, words = call([sertn_run, "verify", compiled, proof, "--json"])
    if status != 0 or not said or said.get("verified") is not True:
        return f"verify {name} ({status}): {words}"
    return ""


def run_model(folder, programs, work, proofs):
    """Compiles and runs one model; returns a record whose 'problem' is empty when all is well."""
    model = onnx.load(os.path.join(folder, "model.onnx"))
    sets = sorted((d for d in os.listdir(folder) if d.startswith("test_data_set_")), key=lambda d: int(d[14:]))
    compiled = os.path.join(work, "model.sertn")
    shutil.rmtree(compiled, ignore_errors=True)
    record = {"name": os.path.basename(folder)}
    record["problem"] = compile_model(folder, programs, compiled, sets, record) or check_model(
        folder, programs, compiled, sets, model, record)
    for name in sets[:proofs]:
        record["problem"] = record["problem"] or prove_model(folder, programs, work, compiled, name, model, record)
    return record


TABLE_TITLE = """# Estimators of scikit-learn, XGBoost and LightGBM

Made by `tests/conformance_sklearn/run --table`. Single rows unless the name says batch; private inputs and parameters, gas mode, on
{cpu}. *compile* and *prove* are whole processes, *keys* is made once; *prove* is the least of three. Errors are against
onnxruntime over ten inputs that neither estimator nor compiler has seen; the tolerance is 1e-6 + 1e-3 |reference|. Labels are equal
everywhere.

"""

TABLE_HEAD = """| estimator | rows | columns | proof bytes | compile s | keys s | prove s | largest error | part of the tolerance |
|---|---|---|---|---|---|---|---|---|
"""


def cpu_name():
    """Threads, model and what the kernels ask for of this machine's CPU."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        facts = dict(line.split(":", 1) for line in file if ":" in line)
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    ifma = "with" if "avx512ifma" in facts.get("flags", "").split() else "without"
    return f"{os.cpu_count()} threads of {facts.get('model name', 'an unnamed CPU')} {ifma} AVX-512 IFMA"


def table(records):
    lines = []
    for r in records:
        error = "exact" if r.get("error", 0) == 0 else f"{r['error']:.2g}"
        lines.append(f"| {r['name']} | {r['rows']} | {r['columns']} | {r['proof_bytes']} | {r['compile_seconds']:.2f} "
                     f"| {r.get('keys_seconds', 0):.2f} | {r.get('prove_seconds', 0):.3f} | {error} "
                     f"| {r.get('share', 0):.2g} |\n")
    return TABLE_HEAD + "".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models")
    parser.add_argument("programs")
    parser.add_argument("--only", default="")
    parser.add_argument("--proofs", type=int, default=3)
    parser.add_argument("--out")
    parser.add_argument("--table")
    parser.add_argument("--seconds", type=float)
    options = parser.parse_args()
    names = sorted(n for n in os.listdir(options.models)
                   if options.only in n and os.path.exists(os.path.join(options.models, n, "model.onnx")))
    records = []
    if options.seconds and options.out and os.path.exists(options.out):
        with open(options.out, encoding="utf-8") as file:
            records = [r for r in json.load(file) if not r["problem"]]
    known, start = {r["name"] for r in records}, time.time()
    with tempfile.TemporaryDirectory(prefix="run_estimators.") as work:
        for name in names:
            if name in known or (options.seconds and time.time() - start > options.seconds):
                continue
            records.append(run_model(os.path.join(options.models, name), options.programs, work, options.proofs))
            last = records[-1]
            print(f"{'failed' if last['problem'] else 'passed'}  {name}  rows {last.get('rows')}  {last['problem']}",
                  flush=True)
    passed = sum(not r["problem"] for r in records)
    print(f"{passed} passed, {len(records) - passed} failed")
    records.sort(key=lambda r: r["name"].lower())
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:
            json.dump(records, file, indent=1)
            file.write("\n")
    if options.table and passed == len(records) == len(names):
        with open(options.table, "w", encoding="utf-8") as file:
            file.write(TABLE_TITLE.format(cpu=cpu_name()) + table(records))
    return passed != len(records) or not records


if __name__ == "__main__":
    sys.exit(main())
