"""One step of EZKL in a process of its own: python ezkl_step.py prepare|witness|setup|prove|verify WORK_FOLDER.

WORK_FOLDER holds network.onnx, input.json and plan.json (the settings, see measure_ezkl.py). Prints one JSON object:
the seconds of the call itself and what the call found.
"""
import os
import sys
import time

import ezkl

# json and asyncio are imported where they are needed: the process that proves is measured whole.

os.chdir(sys.argv[2])


def read_json(path):
    import json
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def write_json(path, value):
    import json
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file)


def prepare():
    plan = read_json("plan.json")
    arguments = ezkl.PyRunArgs()
    arguments.input_visibility = "private"
    arguments.param_visibility = "private"
    arguments.output_visibility = "public"
    for name in ("input_scale", "param_scale", "decomp_base", "decomp_legs", "num_inner_cols"):
        if name in plan:
            setattr(arguments, name, plan[name])
    arguments.variables = [("batch_size", 1), ("batch", 1)]
    ezkl.gen_settings("network.onnx", "settings.json", py_run_args=arguments)
    if plan.get("calibrate", "scale") == "scale":
        ezkl.calibrate_settings("input.json", "network.onnx", "settings.json", "resources",
                                scales=[plan["input_scale"]], scale_rebase_multiplier=[1])
    else:
        ezkl.calibrate_settings("input.json", "network.onnx", "settings.json", "resources")
    settings = read_json("settings.json")
    if "logrows" in plan:
        settings["run_args"]["logrows"] = plan["logrows"]
        write_json("settings.json", settings)
    ezkl.compile_circuit("network.onnx", "circuit.bin", "settings.json")
    ezkl.gen_srs("srs.bin", settings["run_args"]["logrows"])
    run = settings["run_args"]
    return {"lg_rows": run["logrows"], "decomp_base": run["decomp_base"], "decomp_legs": run["decomp_legs"],
            "num_inner_cols": run["num_inner_cols"], "input_scale": run["input_scale"],
            "used_rows": settings.get("num_rows"), "assignments": settings.get("total_assignments")}


def witness():
    ezkl.gen_witness("input.json", "circuit.bin", "witness.json")
    made = read_json("witness.json")
    return {"outputs": [[float(v) for v in row] for row in made["pretty_elements"]["rescaled_outputs"]]}


def setup():
    return {"done": ezkl.setup("circuit.bin", "vk.bin", "pk.bin", srs_path="srs.bin")}


def prove():
    ezkl.prove("witness.json", "circuit.bin", "pk.bin", "proof.json", srs_path="srs.bin")
    return {}


def verify():
    return {"verified": ezkl.verify("proof.json", "settings.json", "vk.bin", srs_path="srs.bin")}


def main():
    step = {"prepare": prepare, "witness": witness, "setup": setup, "prove": prove, "verify": verify}[sys.argv[1]]
    start = time.perf_counter()
    found = step()
    found["call_seconds"] = time.perf_counter() - start
    import json
    print(json.dumps(found))


if __name__ == "__main__":
    main()
