#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""House rules that a compiler does not know.

    tidy.py ROOT [CC INCLUDE_DIR...]

Include order (hw, parser <- verify <- dataplane <- tools <- tests), licence lines, banned calls,
line length, tabs, who may include DPDK; with a compiler, that every header compiles alone. Prints
one line for each violation. Long files are only mentioned.
"""
import os
import re
import subprocess
import sys

FOLDERS = ("hw", "parser", "verify", "dataplane", "tools", "tests")
MAY_INCLUDE = {
    "hw": {"hw"},
    "parser": {"hw", "parser"},
    "verify": {"hw", "parser", "verify"},
    "dataplane": {"hw", "parser", "verify", "dataplane"},
    "tools": {"hw", "parser", "verify", "dataplane", "tools"},
    "tests": {"hw", "parser", "verify", "dataplane", "tools", "tests"},
}
BANNED = ("strcpy", "strcat", "sprintf", "vsprintf", "gets", "atoi", "atol", "atof", "strtok",
          "alloca", "system", "popen")
ALLOCATORS = ("malloc", "calloc", "realloc", "reallocarray", "strdup")
DPDK_FILES = re.compile(r"(dataplane/(port|worker)|hw/nic|tests/unit/test_(nic_probe|port))[^/]*$")
# What is allocated once, by open, and not in the measure of the traffic.
CONTROL_FILES = re.compile(
    r"hw/memory\.c$|parser/codec\.c$|dataplane/(capture|clock|live|merge|pipeline|totals)[^/]*$")
LINE_MAX = 100
FILE_LINES = 400

NOT_OURS = ("captures", "corpus", "data", "__pycache__")
SOURCE = (".c", ".h")
SCRIPT = (".py", ".sh")
SPDX = "SPDX-License-Identifier: Apache-2.0"


def files(root):
    for folder in FOLDERS + ("scripts", ".ci"):
        for at, dirs, names in os.walk(os.path.join(root, folder)):
            dirs[:] = sorted(d for d in dirs if d not in NOT_OURS)
            for name in sorted(names):
                yield os.path.relpath(os.path.join(at, name), root)


def is_script(path, text):
    return path.endswith(SCRIPT) or text.startswith("#!")


def code_only(text):
    """The text with comments and strings blanked, line for line."""
    def blank(m):
        return re.sub(r"[^\n]", " ", m.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def check_includes(path, text):
    folder = path.split("/")[0]
    for n, line in enumerate(text.split("\n"), 1):
        m = re.match(r'\s*#\s*include\s+[<"]([^>"]+)[>"]', line)
        if not m:
            continue
        name = m.group(1)
        head = name.split("/")[0]
        if head in MAY_INCLUDE and head not in MAY_INCLUDE[folder]:
            yield n, "%s/ must not include %s" % (folder, name)
        if re.match(r"rte_|dpdk", name) and not DPDK_FILES.match(path) and not (
                path == "dataplane/lane.c" and re.match(r"rte_ring", name)):
            yield n, "only dataplane/port* and hw/nic* include DPDK, dataplane/lane.c its rings"


def check_calls(path, text):
    folder = path.split("/")[0]
    if folder == "tests":
        banned = ("strcpy", "strcat", "sprintf", "gets", "strtok", "alloca", "system")
    elif folder == "tools" or CONTROL_FILES.match(path):
        banned = BANNED
    else:
        banned = BANNED + ALLOCATORS
    for n, line in enumerate(code_only(text).split("\n"), 1):
        for m in re.finditer(r"(?<![\w.>])(\w+)\s*\(", line):
            if m.group(1) in banned and not path.endswith(".h"):
                yield n, "%s is not used here" % m.group(1)


def check_file(root, path):
    with open(os.path.join(root, path), "rb") as f:
        raw = f.read()
    text = raw.decode("utf-8", errors="replace")
    source = path.endswith(SOURCE)
    if not (source or is_script(path, text)):
        return
    lines = text.split("\n")
    if SPDX not in "\n".join(lines[:2]):
        yield 1, "no SPDX licence line"
    for n, line in enumerate(lines, 1):
        if len(line) > LINE_MAX and "http" not in line:
            yield n, "%d columns" % len(line)
        if "\t" in line:
            yield n, "tab"
        if line.rstrip() != line:
            yield n, "space at the end of the line"
    if source:
        yield from check_includes(path, text)
        yield from check_calls(path, text)


def check_header(root, path, compiler, dirs):
    done = subprocess.run(
        [compiler, "-std=gnu17", "-D_GNU_SOURCE", "-march=x86-64-v2", "-Wall", "-Wextra", "-Werror",
         "-fsyntax-only", "-x", "c", "-I", root, *sum((["-I", d] for d in dirs), []), "-include",
         os.path.join(root, path), os.devnull],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        first = done.stdout.decode(errors="replace").split("\n")[0]
        yield 1, "does not compile alone: %s" % first


def main(argv):
    if len(argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    root = argv[1]
    failed = 0
    for path in files(root):
        troubles = list(check_file(root, path))
        if len(argv) > 2 and path.endswith(".h"):
            troubles += check_header(root, path, argv[2], argv[3:])
        for n, what in troubles:
            print("%s:%d: %s" % (path, n, what))
            failed += 1
        if path.endswith(".c"):
            with open(os.path.join(root, path), encoding="utf-8") as f:
                lines = sum(1 for _ in f)
            if lines > FILE_LINES:
                print("note: %s has %d lines: two ideas?" % (path, lines))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
