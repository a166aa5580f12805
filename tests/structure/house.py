#!/usr/bin/env python3
"""Says where the sources leave the house that README.md draws.

usage: house.py [ROOT]

Prints one line a fault (file:line: what and why) and exits 1 if there is any.
"""

import re
import sys
from pathlib import Path

# What each folder may include and link, itself aside.
ARROWS = {
    "gpu": set(),
    "protocols": {"gpu"},
    "actors": {"protocols", "gpu"},
    "monitoring": {"protocols", "gpu"},
    "runtime": {"actors", "monitoring", "protocols", "gpu"},
    "examples": {"runtime", "actors", "monitoring", "protocols", "gpu"},
    "tests": {"runtime", "actors", "monitoring", "protocols", "gpu"},
}
FILES = {"fstream", "filesystem", "cstdio"}
SOCKETS = {"sys/socket.h", "netinet/in.h", "boost/asio", "netdb.h", "poll.h"}
THREADS = {"condition_variable", "future", "pthread.h"}
# Headers (or folders of headers) that a house folder never includes.
FOREIGN = {
    "gpu": {"caf", "prometheus", "iostream"} | FILES | SOCKETS | THREADS,
    "protocols": {"prometheus", "iostream"} | FILES | SOCKETS | THREADS,
    "actors": {"prometheus"} | FILES | SOCKETS,
}
EXEMPT = {("gpu/device.cpp", "fstream")}  # asks the system for its processor
THREAD = r"\bstd::(?:j?thread\b(?!::)|async\b)"
# Text that stands nowhere below a folder ("" is the whole tree).
WORDS = {
    "": {
        r"-march=native": "every machine gets the same bits",
        r"/(?:work|home|root)/\w": "no path of one machine",
        r"\b(?:TODO|FIXME|XXX)\b": "finish it or leave it out",
        r"caf/all\.hpp": "takes seconds to compile; include what is used",
    },
    "gpu": {THREAD: "no threads of its own"},
    "protocols": {
        THREAD: "no threads",
        r"_clock::now\(": "rules take the time as an argument",
    },
    "actors": {r"\bsleep_(?:for|until)\b": "an actor never blocks"},
    "tests/actors": {r"\bsleep_(?:for|until)\b": "move the test's clock"},
}
SOURCES = {".hpp", ".cpp", ".cu", ".cuh"}
TEXTS = SOURCES | {".txt", ".cmake", ".in", ".json", ".md", ".py", ".toml", ""}
SKIPPED = {"build", "runs", "__pycache__"}
WORKTREE = (".git",)  # a file where a clone has a folder
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
LINKED = re.compile(r"\btroupe(?:::|_)(gpu|protocols|actors|monitoring|runtime)\b")


def files(root):
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        hidden = any(p.startswith(".") or p in SKIPPED for p in parts[:-1])
        itself = parts[:2] == ("tests", "structure")
        if path.is_file() and not hidden and not itself and parts != WORKTREE:
            yield path, path.relative_to(root)


def wrong_include(root, path, quote, name):
    """Why the file at `path` may not include `name`, or None."""
    folder = path.parts[0]
    target = name.split("/")[0]
    if quote == '"':
        if target not in ARROWS:
            return "ours are included from the root, others in <>"
        if not (root / name).is_file():
            return "no such file; ours are included from the root"
        if target != folder and target not in ARROWS[folder]:
            return f"no arrow leads from {folder} to {target}"
    elif target in ARROWS and (root / name).is_file():
        return 'ours are included in ""'
    for foreign in FOREIGN.get(folder, ()):
        if (path.as_posix(), foreign) in EXEMPT:
            continue
        if name == foreign or name.startswith(foreign + "/"):
            return f"<{foreign}> never lives in {folder}"
    return None


def check_source(root, path, lines):
    includes = []
    for number, line in enumerate(lines, 1):
        if match := INCLUDE.match(line):
            quote, name = match.groups()
            includes.append(name)
            if why := wrong_include(root, path, quote, name):
                yield number, f"includes {name}: {why}"
    if path.suffix == ".hpp" and "#pragma once" not in lines:
        yield 1, "a header starts with #pragma once"
    own = path.with_suffix(".hpp").as_posix()
    if path.suffix == ".cpp" and (root / own).is_file() and includes[:1] != [own]:
        yield 1, f"its own header {own} comes first"


def check_links(path, lines):
    folder = path.parts[0]
    for number, line in enumerate(lines, 1):
        for target in LINKED.findall(line.split("#")[0]):
            if target != folder and target not in ARROWS[folder]:
                yield number, f"links {target}: no arrow leads there from {folder}"


def check_words(path, lines):
    for below, words in WORDS.items():
        if below and not path.as_posix().startswith(below + "/"):
            continue
        for number, line in enumerate(lines, 1):
            for pattern, why in words.items():
                if match := re.search(pattern, line):
                    yield number, f"{match.group()}: {why}"


def faults(root):
    for full, path in files(root):
        if path.suffix not in TEXTS:
            continue
        try:
            lines = full.read_text().splitlines()
        except UnicodeDecodeError:
            continue
        in_house = path.parts[0] in ARROWS and len(path.parts) > 1
        found = list(check_words(path, lines))
        if in_house and path.suffix in SOURCES:
            found += check_source(root, path, lines)
        if in_house and path.name == "CMakeLists.txt":
            found += check_links(path, lines)
        for number, what in found:
            yield f"{path}:{number}: {what}"


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    found = list(faults(root))
    print("\n".join(found) if found else "the house stands")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
