"""Measures Barretenberg's bb (UltraHonk, zero knowledge, EVM target) on the chain y = y*y + 3.

    python measure_bb.py FOLDER [--steps N[,N...]] [--runs N] [--out FILE]

FOLDER is what install.sh made: node_modules with @aztec/bb.js, @noir-lang/noir_wasm and @noir-lang/noir_js. A chain of N
steps has N + 18 gates. The time is that of the whole process of `bb prove`, given its verifying key. The SRS is made here
(make_crs.py), so `bb verify`, which holds the ceremony's G2 points, cannot accept the proofs; the work of the prover is
the same.
"""
import argparse
import json
import os
import platform
import re
import shutil
import sys

import process_cost

HERE = os.path.dirname(os.path.abspath(__file__))


def native_binary(folder):
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    system = {"Linux": "linux", "Darwin": "macos"}[platform.system()]
    return os.path.join(folder, "node_modules", "@aztec", "bb.js", "build", f"{machine}-{system}", "bb")


def ensure_crs(folder, steps):
    """The SRS for twice the next power of two above the gates."""
    points = 2 ** ((steps + 18).bit_length() + 1) + 1
    path = os.path.join(folder, "crs", "bn254_g1.dat")
    if not os.path.exists(path) or os.path.getsize(path) < 64 * points:
        process_cost.run([sys.executable, os.path.join(HERE, "make_crs.py"), os.path.dirname(path), str(points)])
    return os.path.dirname(path)


def measure(folder, steps, runs):
    chain, binary = os.path.join(folder, f"chain_{steps}"), native_binary(folder)
    if not os.path.exists(os.path.join(chain, "witness.gz")):
        process_cost.run(["node", os.path.join(HERE, "make_chain.mjs"), folder, str(steps)])
    crs, out = ensure_crs(folder, steps), os.path.join(chain, "out")
    shutil.rmtree(out, ignore_errors=True)
    common = ["-b", os.path.join(chain, "program.json"), "-o", out, "-t", "evm", "-c", crs]
    _, gates = process_cost.run([binary, "gates", "-b", os.path.join(chain, "program.json"), "-t", "evm"])
    setup, _ = process_cost.run([binary, "write_vk", *common])
    prove = [binary, "prove", "-w", os.path.join(chain, "witness.gz"), "-k", os.path.join(out, "vk"), *common]
    proved = [process_cost.run(prove)[0] for _ in range(runs)]
    return {"workload": f"chain_{steps}", "gates": int(re.search(r'"circuit_size":\s*(\d+)', gates).group(1)),
            "setup": setup, "prove_command": prove, "prove": process_cost.median(proved),
            "proof_bytes": os.path.getsize(os.path.join(out, "proof")),
            "public_bytes": os.path.getsize(os.path.join(out, "public_inputs"))}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--steps", default="4000")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--out")
    options = parser.parse_args()
    folder = os.path.abspath(options.folder)
    _, version = process_cost.run([native_binary(folder), "--version"])
    result = {"prover": "bb", "version": version.strip(), **process_cost.surroundings(), "workloads": []}
    for steps in options.steps.split(","):
        last = measure(folder, int(steps), options.runs)
        result["workloads"].append(last)
        print(f"bb {last['workload']}: prove {last['prove']['seconds']:.3f} s, "
              f"{last['prove']['peak_memory_bytes'] / 1e6:.0f} MB, {last['proof_bytes']} bytes, {last['gates']} gates",
              file=sys.stderr)
    text = json.dumps(result, indent=1) + "\n"
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:
            file.write(text)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
