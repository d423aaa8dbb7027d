#!/usr/bin/env python3
"""Times a ceremony of powers of tau, made and verified: sertn-registry beside snarkjs, step by step in one run.

Usage: measure_ceremony.py [--power 14] [--contributions 3] [--rounds 1] [--json]

A round is, for every step (new, each contribution, verify), ours, then snarkjs, then ours again (the mean of the
two counts), so that what else the machine does hits both. Each works on files of its own, and at the end each
verifies the other's last file. Needs build/bin/sertn-registry and contracts/setup.
"""

import argparse
import json
import os
import resource
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OURS = os.path.join(ROOT, "build/bin/sertn-registry")
SNARKJS = os.path.join(ROOT, "contracts/node_modules/.bin/snarkjs")


def run(command):
    """Wall and CPU seconds of a process that must succeed, and its output."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise SystemExit("%s: %s%s" % (" ".join(command), done.stdout[-500:], done.stderr[-500:]))
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def snarkjs_verify(path):
    result = run([SNARKJS, "powersoftau", "verify", path])
    if "Powers of Tau Ok!" not in result[2]:
        raise SystemExit("snarkjs does not accept %s" % path)
    return result


def one_round(folder, power, contributions):
    """Steps as (name, ours (wall, cpu), theirs (wall, cpu))."""
    ours = [os.path.join(folder, "ours%d.ptau" % i) for i in range(contributions + 1)]
    theirs = [os.path.join(folder, "theirs%d.ptau" % i) for i in range(contributions + 1)]
    steps = [
        (
            "new",
            lambda: run([OURS, "ceremony", "new", "--power", str(power), "-o", ours[0], "--quiet"]),
            lambda: run([SNARKJS, "powersoftau", "new", "bn128", str(power), theirs[0]]),
        )
    ]
    for i in range(contributions):
        steps.append(
            (
                "contribution %d" % (i + 1),
                lambda i=i: run(
                    [OURS, "ceremony", "contribute", ours[i], "-o", ours[i + 1], "--name", "n%d" % i, "--quiet"]
                ),
                lambda i=i: run(
                    [SNARKJS, "powersoftau", "contribute", theirs[i], theirs[i + 1], "--name=n%d" % i, "-e=text%d" % i]
                ),
            )
        )
    steps.append(
        (
            "verify",
            lambda: run([OURS, "ceremony", "verify", ours[-1], "--quiet"]),
            lambda: snarkjs_verify(theirs[-1]),
        )
    )
    rows = []
    for name, our_step, their_step in steps:
        first, theirs_took, second = our_step(), their_step(), our_step()
        rows.append((name, [(a + b) / 2 for a, b in zip(first[:2], second[:2])], list(theirs_took[:2])))
    run([OURS, "ceremony", "verify", theirs[-1], "--quiet"])
    snarkjs_verify(ours[-1])
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--power", type=int, default=14)
    parser.add_argument("--contributions", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rounds = []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            rounds.append(one_round(folder, options.power, options.contributions))
    names = [row[0] for row in rounds[0]]
    result = []
    for i, name in enumerate(names + ["all"]):
        picked = [[r[i]] if i < len(names) else r for r in rounds]
        total = lambda side, kind: sum(sum(row[side][kind] for row in rows) for rows in picked) / len(picked)
        result.append(
            {
                "step": name,
                "sertn_seconds": total(1, 0),
                "snarkjs_seconds": total(2, 0),
                "ratio": total(2, 0) / total(1, 0),
                "sertn_cpu_seconds": total(1, 1),
                "snarkjs_cpu_seconds": total(2, 1),
                "cpu_ratio": total(2, 1) / total(1, 1),
            }
        )
    if options.json:
        print(json.dumps({"power": options.power, "rounds": options.rounds, "steps": result}))
        return
    print("| step | sertn s | snarkjs s | ratio | sertn CPU s | snarkjs CPU s | ratio |")
    print("|---|---|---|---|---|---|---|")
    for r in result:
        print(
            "| %s | %.2f | %.1f | %.1f | %.2f | %.1f | %.1f |"
            % (
                r["step"],
                r["sertn_seconds"],
                r["snarkjs_seconds"],
                r["ratio"],
                r["sertn_cpu_seconds"],
                r["snarkjs_cpu_seconds"],
                r["cpu_ratio"],
            )
        )


if __name__ == "__main__":
    main()
