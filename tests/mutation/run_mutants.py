#!/usr/bin/env python3
"""Run each mutant against the tests that reach it, the quickest first, until one fails.

run_mutants.py BUILD MUTATED [BINARY...]: BUILD is a release build with tests, MUTATED holds tree/mutants.json and
lib/libiqgate.so made from it. Test binaries load that library in place of their own. Results are appended to
MUTATED/results.jsonl as they come: a run that was stopped goes on where it was. Ends with the share that was killed and
the list of those that were not.
"""
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

SLOWEST_S = 40  # slower tests (simulated coverage, large sweeps) are left out
LONG = ("Spreads", "VoxelOrder")  # the suites labelled long that are not
ALIKE = ("/catphan_500", "/catphan_503", "/catphan_600", "/catphan_604")  # in those; 504 stands for them
BINARIES = ["judge", "measure", "report", "locate", "phantom", "pipeline", "tools", "data", "batch"]


def tests_of(program):
    out = subprocess.run([program, "--gtest_list_tests"], capture_output=True, text=True, check=True).stdout
    suite = ""
    for line in out.splitlines():
        if not line.startswith(" "):
            suite = line.split("#")[0].strip()
        elif "Long." not in suite and ("Long/" not in suite or any(name in suite for name in LONG)):
            test = suite + line.split("#")[0].strip()
            if not ("Long/" in suite and test.endswith(ALIKE)):
                yield test


class Runner:
    def __init__(self, build, mutated):
        self.build, self.mutated = build, mutated
        self.environment = dict(os.environ, LD_LIBRARY_PATH=str(mutated / "lib"), OMP_NUM_THREADS="1", GTEST_BRIEF="1")

    def run(self, test, mutant, limit, **more):
        """Exit status, or "timeout"; tests run in an empty folder of their own group, killed whole."""
        binary, name = test
        environment = dict(self.environment, IQGATE_MUTANT=str(mutant), **more)
        with tempfile.TemporaryDirectory() as folder:
            process = subprocess.Popen([str(self.build / "bin" / f"{binary}_tests"), f"--gtest_filter={name}"], cwd=folder,
                                       env=dict(environment, TMPDIR=folder), stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, start_new_session=True)
            try:
                return process.wait(limit)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()
                return "timeout"

    def trace(self, test):
        with tempfile.NamedTemporaryFile() as file:
            start = time.monotonic()
            status = self.run(test, "trace", 900, IQGATE_MUTANT_TRACE=file.name)
            seconds = time.monotonic() - start
            marks = pathlib.Path(file.name).read_text().split()
        return {"test": list(test), "status": status, "seconds": seconds, "reached": sorted({int(m[1:]) for m in marks if m[0] == "r"}),
                "void": sorted({int(m[1:]) for m in marks if m[0] == "v"})}

    def judge(self, mutant, traces):
        """The first test that fails with the mutant switched on, or none."""
        for t in traces:
            status = self.run(t["test"], mutant, 20 + 10 * t["seconds"])
            if status != 0:
                return {"mutant": mutant, "killed_by": "/".join(t["test"]), "status": status}
        return {"mutant": mutant, "killed_by": None, "tests": len(traces)}


def kept(path, key):
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return {key(r): r for r in rows}


def every(jobs, work, path):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool, path.open("a") as out:
        for row in concurrent.futures.as_completed([pool.submit(work, *j) for j in jobs]):
            out.write(json.dumps(row.result()) + "\n")
            out.flush()


def main():
    build, mutated = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    binaries = sys.argv[3:] or BINARIES
    table = json.loads((mutated / "tree" / "mutants.json").read_text())
    runner = Runner(build, mutated)
    trace_file, result_file = mutated / "traces.jsonl", mutated / "results.jsonl"
    name = lambda r: "/".join(r["test"])
    traced = kept(trace_file, name)
    tests = [(b, t) for b in binaries for t in tests_of(build / "bin" / f"{b}_tests")]
    every([(t,) for t in tests if "/".join(t) not in traced], runner.trace, trace_file)
    traces = sorted((t for t in kept(trace_file, name).values() if tuple(t["test"]) in set(tests)), key=lambda t: t["seconds"])
    broken = [name(t) for t in traces if t["status"] != 0]
    good = [t for t in traces if t["status"] == 0 and t["seconds"] <= SLOWEST_S]
    void = {m for t in traces for m in t["void"]}
    done = kept(result_file, lambda r: r["mutant"])
    todo = [m["mutant"] for m in table if m["mutant"] not in void and m["mutant"] not in done]
    every([(m, [t for t in good if m in t["reached"]]) for m in todo], runner.judge, result_file)
    results = kept(result_file, lambda r: r["mutant"])
    counted = [m for m in table if m["mutant"] in results]
    alive = [m for m in counted if results[m["mutant"]]["killed_by"] is None]
    for m in alive:
        reach = results[m["mutant"]].get("tests", 0)
        print(f"{'alive' if reach else 'not reached'} {m['mutant']} {m['kind']} {m['file']}:{m['line']}: {m['was']}")
    if broken:
        print("tests that fail without any mutant, left out:", *broken)
    share = 100 * (1 - len(alive) / len(counted))
    print(f"{len(counted)} mutants, {len(void)} places without one, {len(counted) - len(alive)} killed: {share:.1f} %")
    sys.exit(0 if share >= 90 else 1)


if __name__ == "__main__":
    main()
