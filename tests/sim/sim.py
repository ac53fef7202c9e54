#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Simulated clusters behind bad mirrors: is anything said that is not true, and how much is found?

    sim.py PARITAP PARITAP-SIM [--runs N] [--records N] [--batch N] [--seed N] [--jobs N]
           [--only NAME]

Runs every kind of mirror below, N runs each, with faults of the replicator and without, and prints
a table of what was true, false and found. One run is repeated by the command that is printed with
its errors. Exit 1 if anything false was said.
"""
import argparse
import collections
import multiprocessing
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))
import judge            # noqa: E402
import report as rep    # noqa: E402

# Name, options of paritap-sim.
MIRRORS = [
    ("perfect", []),
    ("0.1 % lost", ["--loss", "0.001"]),
    ("1 % lost", ["--loss", "0.01"]),
    ("1 % lost, source", ["--loss", "0.01,0"]),
    ("1 % lost, target", ["--loss", "0,0.01"]),
    ("1 % in bursts", ["--loss", "0.01", "--burst", "20"]),
    ("5 % lost", ["--loss", "0.05"]),
    ("5 % in bursts", ["--loss", "0.05", "--burst", "50"]),
    ("20 % lost", ["--loss", "0.2"]),
    ("20 % in bursts", ["--loss", "0.2", "--burst", "20"]),
    ("copies, disorder", ["--copies", "0.3", "--reorder", "0.05"]),
    ("attached late", ["--attach", "0.3,0.4"]),
    ("ends early", ["--detach", "0.8,0.7"]),
    ("one-way", ["--one-way", "0.2"]),
    ("snap length 512", ["--snap-len", "512"]),
    ("clocks 0.3 s apart", ["--clock", "0,0.3"]),
    ("all of it", ["--loss", "0.01", "--burst", "5", "--copies", "0.1", "--reorder", "0.02",
                   "--attach", "0.1,0.2", "--clock", "0,-0.2"]),
]


def one(task):
    """(errors, figures) of one run."""
    paritap, sim, options = task
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as tmp:
        subprocess.run([sim, *options, tmp], check=True)
        out = os.path.join(tmp, "report.json")
        done = subprocess.run([paritap, "replay", "--quiet", "--json", out,
                               "--source", os.path.join(tmp, "source.pcap"),
                               "--target", os.path.join(tmp, "target.pcap")],
                              stdout=subprocess.DEVNULL, check=False)
        if done.returncode not in (0, 1, 3):
            return ["paritap: exit code %d" % done.returncode], collections.Counter()
        report = rep.load(out)
        errors, figures = judge.judge(report, judge.Truth(os.path.join(tmp, "truth")))
    return rep.consistency_errors(report) + errors, figures


def options_of(args, n, mirror):
    options = ["--seed", str(args.seed + n), "--records", str(args.records), *mirror]
    if args.batch:
        options += ["--batch", str(args.batch)]
    if n % 3:
        options += ["--faults", "0.001"]
    if n % 4 == 3:
        options += ["--repeats"]
    return options


def share(a, b):
    return "%.3f %%" % (100 * a / b) if b else "-"


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("paritap")
    p.add_argument("sim")
    p.add_argument("--runs", type=int, default=2)
    p.add_argument("--records", type=int, default=20000)
    p.add_argument("--batch", type=int, default=0)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--jobs", type=int, default=2)
    p.add_argument("--only", default="")
    args = p.parse_args()
    bad = 0
    total = 0
    print("| mirror | records | false findings | false matches | verified of recoverable | "
          "with the request | faults named | kind proven |\n|---|---|---|---|---|---|---|---|")
    with multiprocessing.Pool(args.jobs) as pool:
        for name, mirror in MIRRORS:
            if args.only not in name:
                continue
            tasks = [(args.paritap, args.sim, options_of(args, n, mirror))
                     for n in range(args.runs)]
            sums = collections.Counter()
            for task, (errors, figures) in zip(tasks, pool.imap(one, tasks)):
                sums.update(figures)
                if errors:
                    bad += 1
                    print("paritap-sim %s:\n  %s" % (" ".join(task[2]), "\n  ".join(errors[:8])))
            total += sums["records"]
            print("| %s | %d | %d | %d | %s | %s | %s | %s |" % (
                name, sums["records"], sums["false_findings"], sums["false_matches"],
                share(sums["recoverable_verified"], sums["recoverable"]),
                share(sums["readable_verified"], sums["readable"]),
                share(sums["faults_named"], sums["faults"]),
                share(sums["faults_proven"], sums["faults"])), flush=True)
    print("%d records in all" % total)
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
