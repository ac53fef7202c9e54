#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Overload on purpose: paritapd with a core that it hardly gets, and more packets than it can read.

    overload.py PARITAP PARITAPD GEN

Two network namespaces, a wire between them. One end sends a capture of two clusters that differ in
known records, paced; at the other paritapd listens through net_pcap, whose losses are counted, on
a core that another program keeps busy. The ladder must engage step by step and be seen in the
segment; the books must add up; packets read and lost must be all that were sent; and nothing may be
called divergent that is not. Needs root; says so and ends with 77 (skipped) without.
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))
import pcap

A, B = "ptov%d-a" % os.getpid(), "ptov%d-b" % os.getpid()
BYTES, SKIP_EVERY, PACKETS_A_SECOND = 60000000, 1000, 12000
NICE_LAST = 19
SKIPPED = 77


def sh(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def inside(ns, *words):
    return ("ip", "netns", "exec", ns) + words


def wire():
    sh("ip", "netns", "add", A)
    sh("ip", "netns", "add", B)
    sh("ip", "link", "add", "w0", "netns", A, "type", "veth", "peer", "name", "w0", "netns", B)
    for ns in (A, B):
        sh(*inside(ns, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"))
        sh("ip", "-n", ns, "link", "set", "w0", "mtu", "9000", "up")


def send(ns, path):
    """Sends every packet of a capture, paced; returns how many. Runs in a process of its own."""
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/run/netns/" + ns) as f:
        if libc.setns(f.fileno(), 0x40000000):
            raise OSError(ctypes.get_errno(), "setns")
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind(("w0", 0))
    packets = [p[3] for p in pcap.read(path).packets]
    start = time.time()
    for i, data in enumerate(packets):
        s.send(data)
        if i % 64 == 0:
            ahead = i / PACKETS_A_SECOND - (time.time() - start)
            if ahead > 0:
                time.sleep(ahead)
    return len(packets)


def wait_ready(paritap, segment, live):
    limit = time.time() + 30
    while subprocess.run([paritap, "report", "--jsonl", segment], stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL, check=False).returncode == 2:
        if live.poll() is not None or time.time() > limit:
            raise RuntimeError("paritapd did not start")
        time.sleep(0.2)


def steps_seen(paritap, segment):
    done = subprocess.run([paritap, "report", "--jsonl", segment], stdout=subprocess.PIPE,
                          check=False)
    for line in done.stdout.decode().splitlines():
        x = json.loads(line)
        if x.get("type") == "run":
            return [c.get("ladder_step", 0) for c in x.get("cores", [])]
    return []


def errors_of(report, sent, steps):
    out = []
    taken = sum(i["packets"] for i in report["inputs"])
    lost = sum(i["missed"] + i["no_buffer"] for i in report["inputs"])
    if taken + lost != sent:
        out.append("sent %d packets, %d taken and %d lost" % (sent, taken, lost))
    for name, ledger in report["ledger"].items():
        if ledger["residue"]:
            out.append("ledger %s has a residue of %d" % (name, ledger["residue"]))
    levels = [c["level"] for c in report["overload"]["changes"]]
    if not levels or max(levels) < 2:
        out.append("the ladder did not engage: %s" % levels)
    if any(abs(b - a) != 1 for a, b in zip([0] + levels, levels)):
        out.append("levels were left out: %s" % levels)
    if not any(steps):
        out.append("no reader has seen a step")
    for f in report["findings"]:
        if f["severity"] == "divergence" and f["code"] not in (
                "RECORD_MISSING", "RECORD_MISSING_OR_REORDERED"):
            out.append("invented: %s %s" % (f["code"], f["message"]))
    for f in report["findings"]:
        # The generator leaves out every SKIP_EVERY-th record of the run, so of each partition as
        # well: offsets between two that are missing are the same everywhere.
        if f["code"] == "RECORD_MISSING" and f["count"] != 1:
            out.append("invented: %d missing from %s" % (f["count"], f["source"]))
    if report["verdict"] == "parity":
        out.append("parity, although much was not looked into")
    return out


def run(paritap, daemon, gen, tmp):
    capture, out = os.path.join(tmp, "all.pcap"), os.path.join(tmp, "out.json")
    segment = "overload-%d" % os.getpid()
    sh(gen, "--bytes", str(BYTES), "--codec", "zstd", "--skip-every", str(SKIP_EVERY), capture)
    whole = json.loads(subprocess.run(
        [paritap, "replay", capture, "--source-brokers", "10.88.1.0/24", "--target-brokers",
         "10.88.2.0/24", "--json", "-"], stdout=subprocess.PIPE, check=False).stdout)
    missing = {(f["source"]["partition"], f["source"]["offset"] + i)
               for f in whole["findings"] if f["code"] == "RECORD_MISSING"
               for i in range(f["count"])}
    core = max(os.sched_getaffinity(0))
    live = subprocess.Popen(
        inside(B, "nice", "-n", str(NICE_LAST), daemon, "--no-huge", "--quiet", "--cores",
               str(core), "--ports", "net_pcap0,iface=w0", "--source-brokers", "10.88.1.0/24",
               "--target-brokers", "10.88.2.0/24", "--segment", segment, "--json", out),
        stdin=subprocess.DEVNULL)
    hog, steps = None, []
    try:
        wait_ready(paritap, segment, live)
        hog = subprocess.Popen([sys.executable, "-c", "while True: pass"],
                               preexec_fn=lambda: os.sched_setaffinity(0, {core}))
        sender = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--send", A, capture],
                                  stdout=subprocess.PIPE)
        while sender.poll() is None:
            time.sleep(0.3)
            steps += steps_seen(paritap, segment)
        sent = int(sender.stdout.read())
        hog.kill()
        time.sleep(2)
        live.send_signal(signal.SIGTERM)
        code = live.wait(120)
    finally:
        for p in (hog, live):
            if p and p.poll() is None:
                p.kill()
    with open(out, encoding="utf-8") as f:
        report = json.load(f)
    errors = errors_of(report, sent, steps)
    for f in report["findings"]:
        if f["code"] in ("RECORD_MISSING", "RECORD_MISSING_OR_REORDERED"):
            for i in range(f["count"]):
                place = (f["source"]["partition"], f["source"]["offset"] + i)
                if place not in missing:
                    errors.append("invented: %s %s" % (f["code"], place))
    print("overload: exit %d, %d packets sent, %d lost, levels %s, unseen %s" % (
        code, sent, sum(i["missed"] for i in report["inputs"]),
        [c["level"] for c in report["overload"]["changes"]],
        {k: v for p in report["pairs"] for k, v in p["unseen"].items()}))
    if os.path.exists("/dev/shm/" + segment):
        os.unlink("/dev/shm/" + segment)
    return errors


def main(argv):
    if len(argv) == 4 and argv[1] == "--send":
        print(send(*argv[2:]))
        return 0
    if len(argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    if os.geteuid() or not shutil.which("ip") or len(os.sched_getaffinity(0)) < 2:
        print("overload: needs root, iproute2 and two cores")
        return SKIPPED
    with tempfile.TemporaryDirectory() as tmp:
        try:
            wire()
            errors = run(*(os.path.abspath(a) for a in argv[1:]), tmp)
        finally:
            for ns in (A, B):
                subprocess.run(["ip", "netns", "del", ns], check=False,
                               stderr=subprocess.DEVNULL)
    for e in errors[:20]:
        print(e)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
