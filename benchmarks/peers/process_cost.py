"""Runs a command as a whole process and says what it cost: wall seconds, processor seconds, peak resident bytes."""
import os
import statistics
import subprocess
import time


def cpu_name():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return os.uname().machine


def surroundings():
    """What a figure means nothing without."""
    with open("/proc/loadavg", encoding="utf-8") as file:
        load = float(file.read().split()[0])
    return {"date": time.strftime("%Y-%m-%d %H:%M:%S %z"), "cpu": cpu_name(), "cpus": len(os.sched_getaffinity(0)),
            "load_average": load}


def run(command, environment=None, folder=None, limit=3600):
    """Runs to the end; returns (cost, standard output). Raises RuntimeError with the last lines when it fails.

    Standard output and error go to files, so that a talkative process never waits for us.
    """
    out_path, err_path = f"/tmp/process_cost.{os.getpid()}.out", f"/tmp/process_cost.{os.getpid()}.err"
    with open(out_path, "wb") as out, open(err_path, "wb") as err:
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=out, stderr=err, env=environment, cwd=folder)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
    with open(out_path, encoding="utf-8", errors="replace") as file:
        text = file.read()
    if child.returncode:
        with open(err_path, encoding="utf-8", errors="replace") as file:
            raise RuntimeError(f"{command[0]} ended with {child.returncode}: {(file.read() + text)[-600:]}")
    os.unlink(out_path)
    os.unlink(err_path)
    return {"seconds": seconds, "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "peak_memory_bytes": usage.ru_maxrss * 1024}, text


def median(runs):
    """Median of each entry over several costs, with the fastest and slowest time."""
    whole = {key: statistics.median(r[key] for r in runs) for key in runs[0]}
    whole["seconds_min"] = min(r["seconds"] for r in runs)
    whole["seconds_max"] = max(r["seconds"] for r in runs)
    whole["runs"] = len(runs)
    return whole
