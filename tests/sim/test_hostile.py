#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An attack on the tap: memory stays within its budget, and the connections that work go on being
verified: the same pairs as without it. test_hostile.py PARITAP PARITAP-FLOOD

A million half-open connections, as many stray segments, overlapping garbage that is never the same
twice, and reset storms, each between the packets of a real pair of clusters, whose own packets
come out of order. The attacked capture comes through a pipe, so that no mapped file counts as
memory. PT_SANITIZED=1: fewer packets, and memory is not looked at.
"""
import os
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                                "golden"))
import pcap  # pylint: disable=wrong-import-position
import run  # pylint: disable=wrong-import-position

SANITIZED = os.environ.get("PT_SANITIZED") == "1"
NAME = "mirror-faults"
BROKER = "10.88.1.1"
BUDGET = 64 << 20
PROGRAM = 32 << 20  # code, libraries, the result, pages that the allocator has not given back

# attack: packets, workers
CASES = {"half-open": (1000000, "1"), "stray": (600000, "1"), "overlap": (200000, "1"),
         "reset": (400000, "1"), "all": (400000, "2")}


def jittered(cap, rng):
    """A third of the packets comes up to 30 ms later: bytes must wait for those before them."""
    packets = []
    for i, (s, f, w, d) in enumerate(cap.packets):
        t = s * 1000000 + f
        packets.append((t + (rng.randrange(30000) if rng.random() < 0.3 else 0), i, w, d))
    return cap.with_packets([(t // 1000000, t % 1000000, w, d) for t, _, w, d in sorted(packets)])


def replay(paritap, source, workers, tmp):
    """The result, and the most memory that was used."""
    out = os.path.join(tmp, "out.json")
    with open(source, "rb") as f, subprocess.Popen(["cat"], stdin=f, stdout=subprocess.PIPE) as cat:
        p = subprocess.Popen(
            [paritap, "replay", "--memory", str(BUDGET), "--workers", workers, "--quiet",
             "--source", "-", "--target", run.pair_file(NAME, "target"), "--json", out],
            stdin=cat.stdout, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        cat.stdout.close()
        stderr = p.stderr.read().decode(errors="replace")
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode not in (0, 1, 3):
        return run.Result(p.returncode, b"", stderr), 0
    with open(out, "rb") as f:
        return run.Result(p.returncode, f.read(), stderr), usage.ru_maxrss * 1024


def divergences(report):
    return [f for f in run.without_packets(report)["findings"] if f["severity"] == "divergence"]


def one(paritap, flood, kind, plain, straight, tmp):
    cnt, workers = CASES[kind]
    path = os.path.join(tmp, kind + ".pcap")
    subprocess.run([flood, kind, str(cnt // 20 if SANITIZED else cnt), BROKER, plain, path],
                   check=True)
    r, memory = replay(paritap, path, workers, tmp)
    os.unlink(path)
    errors = run.run_errors(r)
    if errors:
        return errors
    stream = r.report["counters"]["stream"]
    print("%s: %d MB, %d flows, %d evicted, %d holes, %d waits cut short" % (
        kind, memory >> 20, stream["flows"], stream["flows_evicted"], stream["holes"],
        stream["cut_short"]))
    if memory > BUDGET + PROGRAM and not SANITIZED:
        errors.append("%d MB used of a budget of %d MB" % (memory >> 20, BUDGET >> 20))
    for p, q in zip(r.report["pairs"], straight.report["pairs"]):
        if p != q:
            errors.append("%s: verified %d, without the attack %d" % (
                p["source"], p["verified"], q["verified"]))
    if divergences(r.report) != divergences(straight.report):
        errors.append("other findings than without the attack")
    return errors


def main(argv):
    if len(argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    paritap, flood = (os.path.abspath(a) for a in argv[1:])
    failed = 0
    with tempfile.TemporaryDirectory() as tmp:
        cap = jittered(pcap.read(run.pair_file(NAME, "source")), random.Random(1))
        plain = cap.write(os.path.join(tmp, "plain.pcap"))
        straight, memory = replay(paritap, plain, "1", tmp)
        errors = run.run_errors(straight)
        print("without an attack: %d MB" % (memory >> 20))
        for kind in CASES if not errors else ():
            errors += ["%s: %s" % (kind, e)
                       for e in one(paritap, flood, kind, plain, straight, tmp)]
        for e in errors[:20]:
            print(e)
        failed = bool(errors)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
