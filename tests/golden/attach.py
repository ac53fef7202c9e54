#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the parser counts of real captures that begin anywhere, or lack packets, against what an
oracle that knows nothing of it says can be recovered (oracle.py).

    attach.py SIGHT SUITE RUNS [CAPTURE...]

    start   the capture begins at a random packet or byte: whatever can be recovered is counted
    loss    single packets are lost, at random and in bursts: 99 % of that is counted

RUNS is for each capture. Never is anything counted that is no batch of the log. Prints a row for
each capture; -v in front of SIGHT says which batches were missed.
"""
import collections
import concurrent.futures
import glob
import os
import random
import subprocess
import sys

import oracle
import pcap

SEED = 1
RATES = (0.001, 0.005, 0.01, 0.05, 0.2)
BURSTS = (1, 1, 1, 4, 16)
LOSS_SHARE = 0.99


def start_runs(rng, o, cnt):
    """(first, trim, gone): half at a packet's start, half within its payload."""
    for i in range(cnt):
        first = rng.randint(1, o.packet_cnt)
        size = o.payload_len[first - 1]
        yield first, rng.randint(1, size) if i % 2 and size else 0, ()


def loss_runs(rng, o, cnt):
    for i in range(cnt):
        rate, mean = rng.choice(RATES), rng.choice(BURSTS)
        gone, n = [], 0
        if i % 4 == 0:
            gone = [rng.randint(1, o.packet_cnt)]
        while i % 4 and n < o.packet_cnt:
            n += 1 + int(rng.expovariate(rate / mean))
            length = 1 + int(rng.expovariate(1 / (mean - 1))) if mean > 1 else 1
            gone += range(n, min(n + length, o.packet_cnt + 1))
            n += length
        yield 1, 0, gone


def answers(sight, path, runs):
    """For each run the batches that were seen and the ledger's verdict."""
    text = "".join("%d %d %s\n" % (f, t, " ".join(map(str, g))) for f, t, g in runs)
    done = subprocess.run([sight, path], input=text, capture_output=True, text=True, check=True)
    batches = []
    for line in done.stdout.splitlines():
        if line.startswith("."):
            yield batches, line[2:]
            batches = []
        else:
            packet, size, source, outcome = line.split()
            batches.append((int(packet), int(size), source, outcome))


class Tally:
    def __init__(self):
        self.runs = self.recoverable = self.counted = self.seen = 0
        self.missed = collections.Counter()
        self.errors = []

    def add(self, o, run, thresholds, undecided, batches, ledger):
        cut = oracle.Cut(*run)
        self.runs += 1
        if ledger != "ok":
            self.errors.append("%s: %s" % (run, ledger))
        seen, decided = collections.Counter(), collections.Counter()
        for packet, size, source, outcome in batches:
            group = o.known.get((packet, size))
            if group is None or o.groups[group][0].source != source:
                self.errors.append("%s: no batch: packet %d, %d bytes, %s" %
                                   (run, packet, size, source))
                continue
            seen[group] += 1
            decided[group] += source == "fetch" or outcome in ("acked", "rejected")
        self.seen += sum(seen.values())
        want = collections.Counter()
        for b, last in zip(o.batches, thresholds):
            if run[2] or last == run[0]:
                want[b.group] += cut.why_not(b) is None
            else:
                want[b.group] += last > run[0] or (last == run[0] and not run[1])
        for group, cnt in seen.items():
            if cnt > len(o.groups[group]):
                self.errors.append("%s: %d of %d batches of packet %d" %
                                   (run, cnt, len(o.groups[group]), group[0]))
        for group, cnt in want.items():
            self.recoverable += cnt
            decided[group] = min(seen[group], decided[group] + undecided[group])
            self.counted += min(cnt, decided[group])
            if cnt > decided[group]:
                self.missed[why_missed(o, cut, group, seen[group] >= cnt)] += cnt - decided[group]
                self.last = (run, group)


def why_missed(o, cut, group, undecided):
    """A class of misses: what is missing near by."""
    b = o.groups[group][0]
    d, other = b.conn.dirs[b.side], b.conn.dirs[1 - b.side]
    f, derived = d.frames[b.index], cut.derivable(b.conn, b.side)
    words = [b.source]
    if undecided:
        words.append("outcome unknown")
    if not cut.has(d, f.start, f.end):
        words.append("hole in frame")
    if b.index and not cut.has(d, d.frames[b.index - 1].start, d.frames[b.index - 1].end):
        words.append("hole in frame before")
    if b.index == 0 or not derived[b.index - 1]:
        words.append("first frame")
    if not any(map(cut.has_packet, d.syn)) and not any(map(cut.has_packet, other.syn)):
        words.append("no SYN")
    p = other.frames[f.peer]
    if not cut.has(other, p.start, p.end):
        words.append("hole in peer")
    if f.peer and not cut.has(other, other.frames[f.peer - 1].start, other.frames[f.peer - 1].end):
        words.append("hole before peer")
    return ", ".join(words)


def one(sight, suite, cnt, path):
    name = os.path.basename(path).split(".")[0]
    rng = random.Random("%s %s %d" % (suite, name, SEED))
    o = oracle.Oracle(pcap.read(path))
    runs = list((start_runs if suite == "start" else loss_runs)(rng, o, cnt))
    thresholds = o.starts() if suite == "start" else [0] * len(o.batches)
    runs = [(1, 0, ())] + runs
    undecided = collections.Counter()  # by the broker's own word, in the whole capture
    t = Tally()
    for run, (batches, ledger) in zip(runs, answers(sight, path, runs)):
        if run == runs[0] and not t.runs:
            undecided.update(o.known.get(b[:2]) for b in batches
                             if b[2] == "produce" and b[3] not in ("acked", "rejected"))
        t.add(o, run, thresholds, undecided, batches, ledger)
    return name, t


def main(argv):
    verbose = argv[1:2] == ["-v"]
    if verbose:
        del argv[1]
    if len(argv) < 4 or argv[2] not in ("start", "loss"):
        print(__doc__, file=sys.stderr)
        return 2
    paths = sorted(p for p in glob.glob(os.path.join(pcap.captures_dir(), "*", "*.pcap*"))
                   if not argv[4:] or os.path.basename(p).split(".")[0] in argv[4:])
    failed, total = 0, Tally()
    print("%-30s %6s %11s %9s %7s" % ("capture", "runs", "recoverable", "counted", "missed"))
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count() or 1) as pool:
        for name, t in pool.map(one, *zip(*[(os.path.abspath(argv[1]), argv[2], int(argv[3]), p)
                                            for p in paths])):
            row(name, t)
            if verbose:
                for why, n in t.missed.most_common(8):
                    print("      %6d %s" % (n, why))
                if t.missed:
                    print("      such as", str(t.last)[:300])
            for e in t.errors[:5]:
                print("      ", e)
            failed += len(t.errors)
            for k in ("runs", "recoverable", "counted"):
                setattr(total, k, getattr(total, k) + getattr(t, k))
            total.missed += t.missed
    row("all", total)
    for why, n in total.missed.most_common(20):
        print("      %6d %s" % (n, why))
    share = 1 if argv[2] == "start" else LOSS_SHARE
    return 1 if failed or not total.runs or total.counted < share * total.recoverable else 0


def row(name, t):
    print("%-30s %6d %11d %9d %7d" % (name, t.runs, t.recoverable, t.counted,
                                      t.recoverable - t.counted), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
