#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs paritapd on captures as DPDK ports: its report must be replay's.

    run_live.py PARITAP PARITAPD [NAME...]

By 1 and 2 workers, with --no-huge and, where this machine lends some, on huge pages; a port a
cluster, and one for each direction of a cluster, as an optical tap delivers them. Several workers
hand every compressed batch to each other that they can. Some captures also come wrapped as mirrors
do it, and in fragments. Only times are left out (a port's clock counts microseconds), and where a
packet was seen.
"""
import copy
import os
import random
import subprocess
import sys
import tempfile

import pcap
import report as rep
import run
import wrap

# Every compressed batch may be decoded by another worker, and there is little room for fragments.
CONFIG = "limits: { handoff: 1B, fragments: 2MiB }\n"

# That are wrapped, too.
WRAPPED = ("link", "mirror-faults")

HUGE = "/proc/sys/vm/nr_hugepages"
HUGE_PAGES = 256


def comparable(report):
    """The report without inputs, times and packets."""
    out = copy.deepcopy({k: v for k, v in report.items()
                         if k not in ("inputs", "overload", "work", "memory")})
    for f in out["findings"]:
        for side in ("source", "target"):
            for name in ("file", "packet", "time"):
                if f[side]:
                    f[side].pop(name, None)
    return out


def one_way(cap, forth):
    """The packets of one direction of every connection."""
    def goes(frame):
        source, target = pcap.addresses(frame)
        return (source < target) == forth
    return cap.with_packets([p for p in cap.packets if goes(p[3])])


def paritapd(program, tmp, roles, workers, huge):
    out = os.path.join(tmp, "live.json")
    ports, n = [], 0
    for role, files in roles.items():
        for path in files:
            ports += ["--" + role, "net_pcap%d,rx_pcap=%s" % (n, path)]
            n += 1
    if os.path.exists(out):
        os.unlink(out)
    config = os.path.join(tmp, "handoff.yaml")
    with open(config, "w", encoding="ascii") as f:
        f.write(CONFIG)
    done = subprocess.run(
        [program, *([] if huge else ["--no-huge"]), *ports, "--workers", str(workers), "--quiet",
         "--config", config,
         "--exit-when-idle", "250ms", "--segment", "golden-%d" % os.getpid(), "--json", out],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=run.TIMEOUT, check=False)
    segment = "/dev/shm/golden-%d" % os.getpid()
    if os.path.exists(segment):
        os.unlink(segment)
    raw = open(out, "rb").read() if os.path.exists(out) else b""
    return run.Result(done.returncode, raw, done.stderr.decode(errors="replace"))


def differences(a, b, at=""):
    if isinstance(a, dict) and isinstance(b, dict):
        for k in sorted(set(a) | set(b)):
            yield from differences(a.get(k), b.get(k), "%s/%s" % (at, k))
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b)):
            yield from differences(x, y, "%s[%d]" % (at, i))
    elif a != b:
        yield "%s: replay %.200s, live %.200s" % (at, a, b)


def one_case(program, daemon, tmp, name, roles, workers, huge, handed):
    replay = run.replay(program, roles["source"], roles["target"])
    live = paritapd(daemon, tmp, roles, workers, huge)
    errors = run.run_errors(replay) + run.run_errors(live)
    if not errors:
        handed[workers] = handed.get(workers, 0) + live.report["work"]["batches_handed_off"]
        errors += differences(comparable(replay.report), comparable(live.report))
    return errors


def wrap_all(cap, lost):
    rng = random.Random(1)
    packets = wrap.wrapped(cap, list(wrap.WRAPPERS), inner_mtu=576)
    return wrap.capture(cap, [[f for f in frames if len(frames) == 1 or rng.random() >= lost]
                              for frames in packets])


def cases(names, tmp, huge):
    for name in names:
        caps = {s: pcap.read(run.pair_file(name, s)) for s in ("source", "target")}
        whole = {s: [c.write(os.path.join(tmp, "%s-%s.pcap" % (name, s)))]
                 for s, c in caps.items()}
        for workers in (1, 2):
            yield name, whole, workers, False
            if huge:
                yield name, whole, workers, True
        split = dict(whole)
        split["source"] = [one_way(caps["source"], way).write(
            os.path.join(tmp, "%s-source-%s.pcap" % (name, way))) for way in (True, False)]
        for workers in (1, 2):
            yield name + " by direction", split, workers, False
        if name not in WRAPPED:
            continue
        for lost in (0, 0.01):
            wrapped = {s: [wrap_all(c, lost).write(
                os.path.join(tmp, "%s-%s-wrapped-%g.pcap" % (name, s, lost)))]
                       for s, c in caps.items()}
            for workers in (1, 2):
                yield "%s wrapped, %g of the fragments lost" % (name, lost), wrapped, workers, False


def lend_huge_pages():
    """How many there were before, if some can be had; None if not."""
    try:
        before = int(open(HUGE).read())
        if before < HUGE_PAGES:
            with open(HUGE, "w") as f:
                f.write(str(HUGE_PAGES))
        if int(open(HUGE).read()) < HUGE_PAGES:
            raise OSError
        return before
    except (OSError, ValueError):
        print("live: no huge pages here: only --no-huge is tested")
        return None


def main(argv):
    if len(argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    names = argv[3:] or run.PAIRS
    before = lend_huge_pages()
    failed = cnt = 0
    handed = {}
    try:
        with tempfile.TemporaryDirectory() as tmp:
            for name, roles, workers, huge in cases(names, tmp, before is not None):
                errors = one_case(argv[1], argv[2], tmp, name, roles, workers, huge, handed)
                cnt += 1
                failed += bool(errors)
                for e in errors[:8]:
                    print("%s, %d workers%s: %s" % (name, workers, ", huge pages" * huge, e))
    finally:
        if before is not None:
            with open(HUGE, "w") as f:
                f.write(str(before))
    if not argv[3:] and (handed.get(1) or not handed.get(2)):
        print("live: batches handed off, by number of workers: %s" % handed)
        failed += 1
    print("live: %d cases, %d failed" % (cnt, failed))
    return 1 if failed or not cnt else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
