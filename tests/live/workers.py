#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Several workers come to an end: workers.py PARITAP-GEN PARITAPD

Files: one worker has a single connection with more observations than a lane holds, between two
packets of the other worker. All wait for each other there; the report is that of one worker.
Wires (as root): SIGTERM ends the run, whichever worker is the last to see it.
"""
import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time

LIMIT_S = 60
STOPS = 12


def packets_of(path):
    with open(path, "rb") as f:
        data = f.read()
    at, out = 24, []
    while at < len(data):
        sec, frac, size, _ = struct.unpack("<IIII", data[at:at + 16])
        out.append((sec * 10**9 + frac, data[at:at + 16 + size]))
        at += 16 + size
    return data[:24], out


def connection(packet):
    frame = packet[16:]
    return tuple(sorted(((frame[26:30], frame[34:36]), (frame[30:34], frame[36:38]))))


def split(path, number, source, target):
    """One connection of the source; of the target what comes first and what comes last."""
    head, packets = packets_of(path)
    first, last = packets[0][0], packets[-1][0]
    edge = (last - first) // 50
    names = sorted({connection(p) for _, p in packets if p[16 + 28] == 1})
    with open(source, "wb") as s, open(target, "wb") as t:
        s.write(head)
        t.write(head)
        for at, p in packets:
            if connection(p) == names[number]:
                s.write(p)
            elif p[16 + 28] != 1 and not first + edge <= at <= last - edge:
                t.write(p)
    return len(names)


def files(daemon, tmp, workers):
    out = os.path.join(tmp, "out.json")
    done = subprocess.run(
        [daemon, "--no-huge", "--quiet", "--workers", str(workers), "--exit-when-idle", "1",
         "--segment", "workers-%d" % os.getpid(), "--json", out,
         "--source", "net_pcap0,rx_pcap=%s/s.pcap" % tmp,
         "--target", "net_pcap1,rx_pcap=%s/t.pcap" % tmp],
        stdout=subprocess.DEVNULL, timeout=LIMIT_S, check=False)
    if done.returncode not in (0, 1, 3):
        raise RuntimeError("paritapd: exit code %d" % done.returncode)
    with open(out, encoding="utf-8") as f:
        report = json.load(f)
    return {k: report[k] for k in ("pairs", "findings")}


def stop(daemon):
    live = subprocess.Popen(
        ["unshare", "-n", "sh", "-c", "ip link set lo up; exec \"$@\"", "sh", daemon, "--no-huge",
         "--quiet", "--workers", "2", "--segment", "workers-%d" % os.getpid(),
         "--source", "net_pcap0,iface=lo", "--target", "net_pcap1,iface=lo"],
        stdout=subprocess.DEVNULL)
    time.sleep(1)
    live.send_signal(signal.SIGTERM)
    try:
        live.wait(10)
    except subprocess.TimeoutExpired:
        live.kill()
        live.wait()
        return False
    return True


def main():
    gen, daemon = sys.argv[1:]
    bad = []
    with tempfile.TemporaryDirectory() as tmp:
        capture = os.path.join(tmp, "all.pcap")
        subprocess.run([gen, "--bytes", "20000000", "--record-size", "8", "--batch", "4000",
                        "--codec", "zstd", capture], check=True, stderr=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL)
        for number in (0, 2, 4):
            split(capture, number, tmp + "/s.pcap", tmp + "/t.pcap")
            try:
                if files(daemon, tmp, 1) != files(daemon, tmp, 2):
                    bad.append("connection %d: two workers see something else" % number)
            except subprocess.TimeoutExpired:
                bad.append("connection %d: two workers do not come to an end" % number)
    if os.geteuid() == 0:
        hung = sum(not stop(daemon) for _ in range(STOPS))
        if hung:
            bad.append("%d of %d runs were not ended by SIGTERM" % (hung, STOPS))
    for line in bad:
        print(line)
    return bool(bad)


sys.exit(main())
