#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What `paritap report` reads from shared memory, against what the replay itself reports, and what
it says when either side is killed.

    test_segment.py PARITAP
"""
import gzip
import json
import os
import pathlib
import pty
import select
import signal
import subprocess
import sys
import tempfile
import time

PAIRS = pathlib.Path(__file__).resolve().parent.parent / "captures" / "pairs"
NAME = "paritap-golden-%d" % os.getpid()
PATIENCE = 20  # seconds, for a machine that is busy
STARTED = []  # nothing outlives a test that failed


def check(ok, what):
    if not ok:
        raise SystemExit("FAILED: %s" % what)


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def start(argv, **more):
    child = subprocess.Popen(argv, **more)
    STARTED.append(child)
    return child


def report(paritap, *args):
    return subprocess.run([paritap, "report", *args, NAME], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, universal_newlines=True, timeout=60)


def same_as_replay(paritap, tmp):
    """The segment of a finished replay says what its report says."""
    out = os.path.join(tmp, "report.json")
    done = subprocess.run([paritap, "replay", "--source", PAIRS / "mirror-faults-source.pcap.gz",
                           "--target", PAIRS / "mirror-faults-target.pcap.gz", "--segment", NAME,
                           "--json", out, "--quiet"], check=False, stdout=subprocess.DEVNULL)
    with open(out, encoding="utf-8") as f:
        want = json.load(f)
    got = report(paritap, "--jsonl")
    check(got.returncode == done.returncode == 1, "exit code of a divergent run")
    run, *findings = lines(got.stdout)
    check(run["type"] == "run" and run["writer"] == "ended" and run["verdict"] == want["verdict"],
          "the run ended with its verdict")
    key = lambda p: (p["source"]["topic"], p["source"]["partition"])
    check(len(run["pairs"]) == len(want["pairs"]), "all pairs")
    for a, b in zip(sorted(run["pairs"], key=key), sorted(want["pairs"], key=key)):
        for name in set(a) & set(b) - {"source", "target"}:
            check(a[name] == b[name], "%s: %s" % (key(b), name))
        check(key(a) == key(b), "the same pair")
    check([i["packets"] for i in run["inputs"]] == [i["packets"] for i in want["inputs"]], "taps")
    check(run["finding_totals"] == want["finding_totals"], "totals")
    check([f["type"] for f in findings] == ["finding"] * len(want["findings"]), "no finding missed")
    for a, b in zip(findings, want["findings"]):
        for name in ("code", "severity", "cluster", "parts", "count", "message"):
            check(a[name] == b[name], "finding: %s" % name)
        for side in ("source", "target"):
            check((a[side] is None) == (b[side] is None), "finding: %s" % side)
            for name in set(a[side] or {}) - {"cut"}:
                check(a[side][name] == b[side][name], "finding: %s.%s" % (side, name))
    text = report(paritap).stdout
    check(text.startswith("DIVERGENT  ") and "RECORD_MISSING x" in text, "the page")


def slow_replay(paritap, *args):
    """A replay whose source comes through a pipe that stays open: it lives until it is killed."""
    child = start([paritap, "replay", "--source", "-", "--target",
                   PAIRS / "mirror-faults-target.pcap.gz", "--segment", NAME, "--quiet", *args],
                  stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    raw = gzip.decompress((PAIRS / "mirror-faults-source.pcap.gz").read_bytes())
    half = len(raw) // 2
    child.stdin.write(raw[:half])
    child.stdin.flush()
    return child, raw[half:]


def follow(paritap):
    follower = start([paritap, "report", "--follow", "--jsonl", NAME], stdout=subprocess.PIPE,
                     universal_newlines=True)
    follower.stdout.readline()
    return follower


def wait_for(paritap, what):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        got = report(paritap, "--jsonl")
        if got.returncode != 2 and what(lines(got.stdout)[0]):
            return lines(got.stdout)[0]
        time.sleep(0.05)
    raise SystemExit("FAILED: the segment never said what was waited for")


def killed_writer(paritap):
    child, _ = slow_replay(paritap)
    last = wait_for(paritap, lambda r: r["pid"] == child.pid and r["inputs"][0]["packets"])
    check(last["writer"] in ("alive", "stale"), "the writer is there")
    second = subprocess.run([paritap, "replay", "--source", PAIRS / "late-source.pcap.gz",
                             "--target", PAIRS / "late-target.pcap.gz", "--segment", NAME],
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    check(second.returncode == 2 and b"another paritap" in second.stderr, "one writer a name")
    follower = follow(paritap)
    child.kill()
    begin = time.monotonic()
    child.wait()
    rest = lines(follower.communicate(timeout=PATIENCE)[0])
    check(time.monotonic() - begin < 2, "told within two seconds")
    check(rest[-1]["type"] == "run" and rest[-1]["writer"] == "dead", "the follower says dead")
    check(rest[-1]["inputs"] == last["inputs"], "and still prints the last state")
    text = report(paritap).stdout
    check("DEAD" in text and "mirror-faults-target.pcap.gz" in text, "so does the page")


def killed_reader(paritap, tmp):
    """The replay's report is the same, whether somebody is killed while reading or not, and who
    followed it has read every finding."""
    out = os.path.join(tmp, "watched.json")
    child, rest = slow_replay(paritap, "--json", out)
    wait_for(paritap, lambda r: r["pid"] == child.pid)
    follower = follow(paritap)
    unlucky = follow(paritap)
    unlucky.kill()
    unlucky.wait()
    child.communicate(rest, timeout=60)
    check(child.returncode == 1, "the replay ends as always")
    with open(out, encoding="utf-8") as a, \
         open(os.path.join(tmp, "report.json"), encoding="utf-8") as b:
        want = json.load(b)
        check(json.load(a)["pairs"] == want["pairs"], "with the same pairs")
    *findings, last = lines(follower.communicate(timeout=PATIENCE)[0])
    check(follower.returncode == 1 and last["writer"] == "ended", "the follower ends with it")
    findings = [f for f in findings if f["type"] != "state"]
    check([(f["type"], f["code"]) for f in findings] ==
          [("finding", f["code"]) for f in want["findings"]], "having read every finding")


def top(paritap):
    """On a terminal: draws, and q quits."""
    pid, fd = pty.fork()
    if not pid:
        os.environ["TERM"] = "xterm"
        os.execv(paritap, [paritap, "top", NAME])
    seen = b""
    end = time.monotonic() + PATIENCE
    while b"Findings" not in seen and time.monotonic() < end:
        if select.select([fd], [], [], 0.1)[0]:
            seen += os.read(fd, 65536)
    check(b"DIVERGENT" in seen and b"Findings" in seen, "top draws its page")
    os.write(fd, b"q")
    while time.monotonic() < end:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return
        if select.select([fd], [], [], 0.1)[0]:
            try:
                os.read(fd, 65536)
            except OSError:
                pass
    os.kill(pid, signal.SIGKILL)
    raise SystemExit("FAILED: q quits top")


def main():
    paritap = os.path.abspath(sys.argv[1])
    none = report(paritap)
    check(none.returncode == 2 and "there is none" in none.stderr, "no segment: says what to do")
    with tempfile.TemporaryDirectory() as tmp:
        try:
            same_as_replay(paritap, tmp)
            top(paritap)
            killed_writer(paritap)
            killed_reader(paritap, tmp)
        finally:
            for child in STARTED:
                child.kill()
            if os.path.exists("/dev/shm/" + NAME):
                os.unlink("/dev/shm/" + NAME)


if __name__ == "__main__":
    main()
