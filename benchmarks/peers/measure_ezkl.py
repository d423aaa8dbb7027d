"""Measures EZKL on the benchmark workloads, each step in a process of its own.

    PYTHON_OF_EZKL measure_ezkl.py [WORKLOAD...] [--runs N] [--budget SECONDS] [--search] [--work FOLDER] [--out FILE]

Input private, parameters private, output public. The settings below are the fastest found (--search tries them all again);
EZKL's own defaults need 2^15 rows for the smallest model, since the default range check has 16,384 values. The time is
that of the whole process that proves (start, keys and SRS from disk, proof on disk); its witness is made before, in another
process, as EZKL's command line does it too. --budget stops a workload's runs after so many seconds, though not before three.
"""
import argparse
import importlib.metadata
import itertools
import json
import os
import shutil
import sys
import tempfile

import process_cost

HERE = os.path.dirname(os.path.abspath(__file__))
STEP = os.path.join(HERE, "ezkl_step.py")
MODELS = os.path.join(HERE, "..", "models")


def plan(scale, base, legs, columns):
    return {"input_scale": scale, "param_scale": scale, "decomp_base": base, "decomp_legs": legs,
            "num_inner_cols": columns}


# Workload: the folder of its inputs, EZKL's model, the settings, and the settings that --search tries.
WORKLOADS = {
    "linear_regression": ("linear_regression", "ezkl_models/linear_regression.onnx", plan(7, 64, 2, 1),
                          ([7], [64, 128], [2, 3], [1, 2])),
    "tree_ensemble": ("tree_ensemble", "ezkl_models/tree_ensemble.onnx", plan(7, 64, 2, 1),
                      ([7], [64, 128], [2], [1, 2, 4])),
    "linear_svc": ("linear_svc", "ezkl_models/linear_svc.onnx", plan(7, 64, 2, 2),
                   ([7], [64, 128, 256], [2, 3], [1, 2, 4])),
    "mlp_iris": ("mlp_iris", "../models/mlp_iris/model.onnx", plan(7, 128, 2, 2),
                 ([7], [64, 128, 256], [2, 3], [1, 2])),
    "random_forest": ("random_forest", "ezkl_models/random_forest.onnx", plan(7, 128, 2, 2),
                      ([7], [64, 128, 256], [2], [2, 4])),
    "random_forest_probabilities": ("random_forest", "ezkl_models/random_forest_probabilities.onnx",
                                    plan(10, 1024, 2, 2), ([10], [256, 1024], [2, 3], [2])),
}


def step(name, folder):
    """Runs one step; returns what the process cost and what the step printed."""
    cost, text = process_cost.run([sys.executable, STEP, name, folder])
    return cost, json.loads(text.strip().splitlines()[-1])


def fill(folder, workload, settings):
    inputs, network, _, _ = WORKLOADS[workload]
    os.makedirs(folder, exist_ok=True)
    shutil.copy(os.path.join(HERE, network), os.path.join(folder, "network.onnx"))
    with open(os.path.join(MODELS, inputs, "input.json"), encoding="utf-8") as file:
        value = next(iter(json.load(file).values()))
    flat = [number for row in value for number in row]
    for name, content in (("input.json", {"input_data": [flat]}), ("plan.json", settings)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            json.dump(content, file)


def proof_bytes(folder):
    with open(os.path.join(folder, "proof.json"), encoding="utf-8") as file:
        text = json.load(file)["hex_proof"]
    return len(text.removeprefix("0x")) // 2


def measure(workload, settings, work, runs, budget):
    """Everything about one workload with one choice of settings."""
    folder = os.path.join(work, workload)
    shutil.rmtree(folder, ignore_errors=True)
    fill(folder, workload, settings)
    _, circuit = step("prepare", folder)
    _, witness = step("witness", folder)
    setup, _ = step("setup", folder)
    proved, calls, spent = [], [], 0.0
    while len(proved) < runs and (len(proved) < min(3, runs) or spent < budget):
        cost, call = step("prove", folder)
        proved.append(cost)
        calls.append(call["call_seconds"])
        spent += cost["seconds"]
    verify, verified = step("verify", folder)
    size = {name: os.path.getsize(os.path.join(folder, f"{name}.bin")) for name in ("pk", "vk", "srs", "circuit")}
    calls.sort()
    return {"workload": workload, "network": WORKLOADS[workload][1], "settings": settings, "circuit": circuit,
            "outputs": witness["outputs"], "setup": setup, "prove": process_cost.median(proved),
            "prove_command": [sys.executable, STEP, "prove", folder], "prove_call_seconds": calls[len(calls) // 2], "verify": verify,
            "verify_call_seconds": verified["call_seconds"], "verified": verified["verified"],
            "proof_bytes": proof_bytes(folder), "pk_bytes": size["pk"], "vk_bytes": size["vk"]}


def search(workload, work):
    """The settings that prove fastest, best of three runs each; settings that EZKL refuses are left out."""
    best = None
    for choice in itertools.product(*WORKLOADS[workload][3]):
        try:
            found = measure(workload, plan(*choice), work, 3, 0)
        except RuntimeError as problem:
            print(f"{workload} {choice}: {str(problem)[-120:]}", file=sys.stderr)
            continue
        seconds = found["prove"]["seconds_min"]
        print(f"{workload} scale, base, legs, columns = {choice}: 2^{found['circuit']['lg_rows']} rows, {seconds:.3f} s, "
              f"{found['proof_bytes']} bytes", file=sys.stderr)
        if found["verified"] and (best is None or seconds < best[0]):
            best = (seconds, plan(*choice))
    return best[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workload", nargs="*", help=", ".join(WORKLOADS))
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--budget", type=float, default=300)
    parser.add_argument("--search", action="store_true")
    parser.add_argument("--work")
    parser.add_argument("--out")
    options = parser.parse_args()
    unknown = [w for w in options.workload if w not in WORKLOADS]
    if unknown:
        parser.error(f"no workload {unknown[0]}; there are {', '.join(WORKLOADS)}")
    work = options.work or tempfile.mkdtemp(prefix="measure_ezkl.")
    result = {"prover": "ezkl", "version": importlib.metadata.version("ezkl"), **process_cost.surroundings(),
              "workloads": []}
    for workload in options.workload or WORKLOADS:
        settings = search(workload, work) if options.search else WORKLOADS[workload][2]
        result["workloads"].append(measure(workload, settings, work, options.runs, options.budget))
        last = result["workloads"][-1]
        print(f"ezkl {workload}: prove {last['prove']['seconds']:.3f} s, {last['prove']['peak_memory_bytes'] / 1e6:.0f} MB, "
              f"{last['proof_bytes']} bytes, 2^{last['circuit']['lg_rows']} rows", file=sys.stderr)
    if not options.work:
        shutil.rmtree(work)
    text = json.dumps(result, indent=1) + "\n"
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:
            file.write(text)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
