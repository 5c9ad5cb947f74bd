#!/usr/bin/env python3
"""Write a copy of the sources in which seeded mutants stand, all of them switched off (mutants.hpp).

make_mutants.py TREE COUNT SEED: mutates TREE/core/iqgate/{measure,judge}/*.cpp in place and writes TREE/mutants.json
(number, file, line, kind, the line as it was). Places are drawn by a hash of the seed, the file and the text, so a change
elsewhere leaves them as they are. The sources are formatted: binary operators stand between blanks.
"""
import hashlib
import json
import pathlib
import re
import sys

# kind: (pattern, what takes its place; {i} is the mutant's number)
KINDS = {
    "sign": (re.compile(r" ([+-]) (?=[\w(:*!-])"), r" \1 ::iqm::at<{i}> \1 "),
    "factor": (re.compile(r" ([*/]) (?=[\w(:*!-])"), r" \1 ::iqm::at<{i}> \1 "),
    "comparison": (re.compile(r" (<=|>=|<|>|==|!=) (?=[\w(:*!'\"-])"), r" \1 ::iqm::at<{i}> \1 "),
    "boundary": (re.compile(r" (<=|>=|<|>) (?=[\w(:*!-])"), r" \1 ::iqm::edge<{i}> \1 "),
    "constant": (re.compile(r"(?<![\w.<'])(?!0\.0\b)(\d+\.\d+(?:e-?\d+)?)(?![\w.'])"), r"::iqm::scaled<{i}>(\1)"),
    "offset": (re.compile(r"(?<= [+-] )(0\.5|1)(?![\w.'])"), r"::iqm::dropped<{i}>(\1)"),
    "axis": (re.compile(r"(?<=[\w\])])\[([012])\]"), r"[::iqm::axis<{i}>(\1)]"),
    "component": (re.compile(r"(?<![\w.&>])([a-z]\w*(?:\.[a-z]\w*)*)\.([xy])(?![\w(]| =| \+=| -=)"), None),
    "extreme": (re.compile(r"std::(max|min)\((?=\w)(?!\{)"), None),
    "logic": (re.compile(r"(?<=if \()(.+)(?=\) [^{]|\) \{$)"), None),
}
WEIGHTS = {"sign": 5, "factor": 4, "comparison": 4, "boundary": 3, "constant": 3, "offset": 3, "axis": 2, "component": 2,
           "extreme": 2, "logic": 3}
VERDICT_ONLY = {"boundary"}  # an open or closed end is seen where numbers are judged, hardly where they are measured
SKIP = re.compile(r"^\s*(//|#|case |template|using |static_assert)|constexpr|operator|std::array<|requires|\w \w+\[\d\]( =|,|;)")


def strings_blanked(line):
    """The line with texts and comments made blank, of the same length."""
    out = re.sub(r'"(?:\\.|[^"\\])*"', lambda m: '"' + "_" * (len(m.group()) - 2) + '"', line)
    out = re.sub(r"'(?:\\.|[^'\\])'", lambda m: "'" + "_" * (len(m.group()) - 2) + "'", out)
    return re.sub(r"//.*", lambda m: " " * len(m.group()), out)


def logic_text(condition, i):
    """`A && B` as a choice of `A || B`, where it is the only operator of its kind."""
    depth, cuts = 0, []
    for k, c in enumerate(condition):
        depth += c in "([{"
        depth -= c in ")]}"
        if depth < 0:
            return None
        if depth == 0 and condition[k:k + 4] in (" && ", " || "):
            cuts.append(k)
    if depth != 0 or len(cuts) != 1 or " = " in condition or ";" in condition:
        return None
    k = cuts[0]
    left, op, right = condition[:k], condition[k + 1:k + 3], condition[k + 4:]
    other = "||" if op == "&&" else "&&"
    return f"::iqm::on({i}) ? ((({left})) {other} ({right})) : ((({left})) {op} ({right}))"


def replacement(kind, match, i):
    text = match.group()
    if kind == "component":
        chain, axis = match.group(1), match.group(2)
        return f"(::iqm::on({i}) ? {chain}.{'y' if axis == 'x' else 'x'} : {chain}.{axis})"
    if kind == "extreme":
        return f"::iqm::{'larger' if match.group(1) == 'max' else 'smaller'}<{i}>("
    if kind == "logic":
        return logic_text(text, i)
    return match.expand(KINDS[kind][1].replace("{i}", str(i)))


def places(root):
    for path in sorted(root.glob("core/iqgate/measure/*.cpp")) + sorted(root.glob("core/iqgate/judge/*.cpp")):
        verdict = path.parent.name == "judge"
        seen = {}
        for number, line in enumerate(path.read_text().split("\n")):
            if SKIP.search(line):
                continue
            blank = strings_blanked(line)
            for kind, (pattern, _) in KINDS.items():
                if kind in VERDICT_ONLY and not verdict:
                    continue
                for nth, match in enumerate(pattern.finditer(blank)):
                    if kind == "logic" and logic_text(line[match.start():match.end()], 0) is None:
                        continue
                    key = f"{path.name}|{kind}|{line.strip()}|{nth}"
                    seen[key] = seen.get(key, 0) + 1
                    yield path, number, kind, nth, f"{key}|{seen[key]}"


def draw(root, count, seed):
    """Kinds by weight, places within a kind by hash; one mutant a line, so that they do not meet."""
    by_kind = {}
    for place in places(root):
        digest = hashlib.sha256(f"{seed}|{place[4]}".encode()).hexdigest()
        by_kind.setdefault(place[2], []).append((digest, place))
    total, drawn, lines = sum(WEIGHTS.values()), [], set()
    for kind, found in by_kind.items():
        quota = max(1, round(count * WEIGHTS[kind] / total))
        for digest, place in sorted(found, key=lambda f: f[0]):
            if quota == 0:
                break
            if (place[0], place[1]) in lines:
                continue
            lines.add((place[0], place[1]))
            drawn.append(place)
            quota -= 1
    return sorted(drawn, key=lambda p: (str(p[0]), p[1]))


def main():
    root, count, seed = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    texts, table = {}, []
    for i, (path, number, kind, nth, _) in enumerate(draw(root, count, seed)):
        lines = texts.setdefault(path, path.read_text().split("\n"))
        line = lines[number]
        match = list(KINDS[kind][0].finditer(strings_blanked(line)))[nth]
        exact = KINDS[kind][0].match(line, match.start()) or match
        new = replacement(kind, exact if kind != "logic" else re.match(r".+", line[match.start():match.end()]), i)
        table.append({"mutant": i, "file": str(path.relative_to(root)), "line": number + 1, "kind": kind, "was": line.strip()})
        lines[number] = line[:match.start()] + new + line[match.end():]
    for path, lines in texts.items():
        path.write_text('#include "mutants.hpp"\n#line 1\n' + "\n".join(lines))
    (root / "mutants.json").write_text(json.dumps(table, indent=1) + "\n")
    print(f"{len(table)} mutants in {len(texts)} files")


if __name__ == "__main__":
    main()
