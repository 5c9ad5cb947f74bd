#!/usr/bin/env python3
"""Share of own lines and branches that a test run reached, from `llvm-cov export -summary-only` on standard input.

Clang's regions are those of the source: no branch stands for an exception that a call may throw. Fails below 90 % of lines
or 80 % of branches, and where a file of verdicts or geometry leaves a branch untaken.
"""
import json
import pathlib
import sys

WHOLE = ("core/iqgate/judge/", "core/iqgate/base/geometry")  # verdicts and geometry: every branch
LINES, BRANCHES = 90, 80


def percent(covered, count):
    return 100.0 * covered / count if count else 100.0


def main():
    root = str(pathlib.Path(__file__).resolve().parents[2]) + "/"
    folders, untaken = {}, []
    for f in json.load(sys.stdin)["data"][0]["files"]:
        name = f["filename"]
        if not name.startswith(root):
            continue
        name = name[len(root):]
        if not name.startswith(("core/", "tools/", "cuda/iqgate_cuda/")):
            continue
        s = f["summary"]
        sums = folders.setdefault(str(pathlib.PurePath(name).parent), [0, 0, 0, 0])
        for k, (part, key) in enumerate([("lines", "covered"), ("lines", "count"), ("branches", "covered"), ("branches", "count")]):
            sums[k] += s[part][key]
        if name.startswith(WHOLE) and s["branches"]["covered"] < s["branches"]["count"]:
            untaken.append((name, s["branches"]["covered"], s["branches"]["count"]))
    total = [sum(v[k] for v in folders.values()) for k in range(4)]
    print(f"{'folder':32} {'lines':>7} {'%':>6} {'branches':>9} {'%':>6}")
    for name, v in [*sorted(folders.items()), ("all", total)]:
        print(f"{name:32} {v[1]:7} {percent(v[0], v[1]):6.1f} {v[3]:9} {percent(v[2], v[3]):6.1f}")
    for name, covered, count in untaken:
        print(f"{name}: {count - covered} of {count} branches not taken")
    good = percent(total[0], total[1]) >= LINES and percent(total[2], total[3]) >= BRANCHES and not untaken
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
