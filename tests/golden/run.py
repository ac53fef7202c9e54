#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the built paritap on real captures and compares its reports with independent truth.

    run.py PARITAP SUITE [NAME...]

    pairs     the two-cluster captures against their expected.json, twice, byte for byte
    split     the same with every file cut in many: the same report but for what counts packets
    workers   by 1, 2 and 5 workers, whole, with packets lost, with batches that cannot be decoded,
              and with copies that contradict each other: byte for byte the same, also if they
              decode all of each other's batches
    producers sequence numbers of idempotent producers changed in all copies: found, nothing else
    segments  the same TCP bytes in other segments, with copies, overlaps and reordering: the same
              report but for what counts packets and segments, and when they came
    wrapped   every frame in what mirrors wrap around it, and IP packets in fragments: the same
              report but for what counts packets; what the mirror left out is counted by its numbers
    clocks    each file cut into the two fibres, or the taps of two brokers, of which one has
              another clock: found or given, the same report as before; and whole clusters by
              clocks that differ
    clients   inspect on captures of old and unusual clients against what another reader found
    loss      1 % and 20 % of the packets gone, on either and both sides: nothing invented
    orphans   half of what clients ask gone, on either and both sides: nothing invented, and what
              was answered is read
    attach    either or both captures begin at a random packet or byte: nothing invented
    oneway    nothing but answers on all connections, or on a share of them: the same
    topicids  everything that names topics gone: not compared, unless the names are given
    absent    a broker, or everything that shows the target's records, gone: never parity
    rewritten acknowledged records lost by an unclean election, whole and with packets lost: only
              they are named, and no true copy of what was written in their place is called extra
    bad       inputs that are broken or hostile: a message or an honest report, bounded memory

NAME limits a suite to captures of that name. PT_SANITIZED=1 says that the program is built with
sanitizers, which need more address space than a limit allows. PT_ATTACH_SEEDS: starts of each pair
in suite attach.
"""
import concurrent.futures
import fcntl
import glob
import gzip
import itertools
import json
import os
import random
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import zlib

import check
import pcap
import recut
import report as rep
import wrap

PAIRS = ("dual-write", "late", "link", "mirror-faults", "mm2-clean", "old", "compact", "logappend",
         "odd", "recreate", "repeat", "retention", "sasl")

# Where every broker and both writers and readers of the target show something of each partition.
ABSENT = PAIRS[:6]
EXIT = {"parity": 0, "divergent": 1, "inconclusive": 3}
SANITIZED = os.environ.get("PT_SANITIZED") == "1"
# Share of the packets that is lost, and how often that is tried.
LOSSES = ((0.01, 5), (0.2, 2)) if SANITIZED else ((0.01, 20), (0.2, 4))
ATTACH_SEEDS = int(os.environ.get("PT_ATTACH_SEEDS", "6"))
TIMEOUT = 120
MEMORY_LIMIT = 2 << 30

# Findings that say "not enough was seen" (verify/result.h).
INCONCLUSIVE = {"TOPIC_UNPAIRED", "BROKER_NOT_SEEN", "PARTITION_NOT_SEEN", "NO_EVIDENCE_PATH",
                "REPLICATION_STALLED", "COVERAGE_LOW", "NOTHING_CERTIFIED"}


def pair_file(name, side):
    return os.path.join(pcap.captures_dir(), "pairs", "%s-%s.pcap.gz" % (name, side))


def expected_of(name):
    return rep.load(os.path.join(pcap.captures_dir(), "pairs", name + ".expected.json"))


class Result:
    def __init__(self, code, raw, stderr):
        self.code, self.raw, self.stderr = code, raw, stderr
        self.report = json.loads(raw) if raw else None


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))


def paritap(program, *args, limited=False):
    """Runs a subcommand with --json on standard output. A sanitizer's complaint is no verdict."""
    env = {"ASAN_OPTIONS": "exitcode=99", "UBSAN_OPTIONS": "halt_on_error=1:exitcode=99",
           **os.environ}
    done = subprocess.run([program, *args, "--json", "-"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=TIMEOUT, check=False, env=env,
                          preexec_fn=limit_memory if limited and not SANITIZED else None)
    return Result(done.returncode, done.stdout, done.stderr.decode(errors="replace"))


def replay(program, source, target, **kw):
    return paritap(program, "replay", "--source", *source, "--target", *target, **kw)


def run_errors(r):
    """What must hold of every run that wrote a report."""
    if r.report is None:
        return ["exit %d without a report: %s" % (r.code, r.stderr[-600:])]
    errors = rep.consistency_errors(r.report)
    if r.code != EXIT[r.report["verdict"]]:
        errors.append("exit %d with verdict %s" % (r.code, r.report["verdict"]))
    if r.stderr:
        errors.append("stderr: %s" % r.stderr[-600:])
    return errors


# ---------------------------------------------------------------- pairs

def suite_pairs(program, names):
    for name in names:
        files = ([pair_file(name, "source")], [pair_file(name, "target")])
        yield name, lambda name=name, files=files: one_pair(program, name, files)


def one_pair(program, name, files):
    first = replay(program, *files)
    errors = run_errors(first)
    if first.report is None:
        return errors
    errors += [e for e in check.check(first.report, expected_of(name)) if e not in errors]
    if replay(program, *files).raw != first.raw:
        errors.append("a second run wrote other bytes")
    return errors


# ---------------------------------------------------------------- split

def without_packets(report):
    """The report but for inputs, the packet ledger, and where findings say that they were seen."""
    out = {k: v for k, v in report.items() if k != "inputs"}
    out["ledger"] = {k: v for k, v in report["ledger"].items() if k != "packets"}
    out["loss"] = {k: v for k, v in report["loss"].items() if k != "taps"}
    out["findings"] = []
    for f in report["findings"]:
        f = dict(f)
        for side in ("source", "target"):
            if f[side]:
                f[side] = {k: v for k, v in f[side].items() if k not in ("file", "packet")}
        out["findings"].append(f)
    return out


def suite_split(program, names):
    for name in names:
        yield name, lambda name=name: one_split(program, name)


def one_split(program, name):
    rng = random.Random(1)
    whole = replay(program, [pair_file(name, "source")], [pair_file(name, "target")])
    errors = run_errors(whole)
    with tempfile.TemporaryDirectory() as tmp:
        files = []
        for side in ("source", "target"):
            pieces = pcap.split(pcap.read(pair_file(name, side)), rng, 7)
            files.append([p.write(os.path.join(tmp, "%s-%d.pcap" % (side, i)))
                          for i, p in enumerate(pieces)])
        parts = replay(program, *files)
    errors += run_errors(parts)
    if not errors:
        a, b = without_packets(whole.report), without_packets(parts.report)
        errors += ["%s differs when the files are split" % k for k in a if a[k] != b.get(k)]
    return errors


# ---------------------------------------------------------------- workers

WORKERS = ("2", "5")

# Those with compressed batches small enough for a packet.
COMPRESSED = ("dual-write", "late", "mirror-faults", "mm2-clean")

# Those with plain batches small enough for a packet that are fetched more than once.
PLAIN = ("repeat", "old", "compact")

# Every compressed batch may be decoded by another worker.
HANDOFF = "limits: { handoff: 1B }\n"


def suite_workers(program, names):
    for name in names:
        yield name, lambda name=name: one_workers(program, name)
        for share in (0.01, 0.1):
            yield "%s %g lost" % (name, share), lambda n=name, s=share: one_workers(
                program, n, lambda cap, rng: (pcap.thinned(cap, rng, s), 1))
        for how, of in ((pcap.spoiled, COMPRESSED), (pcap.contradicting, PLAIN)):
            if name in of:
                yield "%s %s" % (name, how.__name__), lambda n=name, h=how: one_workers(
                    program, n, lambda cap, rng: h(cap, rng, 0.3))


def one_workers(program, name, how=None):
    """how makes another capture of one, and says of how many places it is another."""
    rng = random.Random(name)
    errors = []
    with tempfile.TemporaryDirectory() as tmp:
        files = {s: pair_file(name, s) for s in ("source", "target")}
        for side in files if how else ():
            cap, cnt = how(pcap.read(files[side]), rng)
            files[side] = cap.write(os.path.join(tmp, side + ".pcap"))
            errors += [] if cnt or side == "target" else ["nothing was changed"]
        config = os.path.join(tmp, "handoff.yaml")
        with open(config, "w", encoding="ascii") as f:
            f.write(HANDOFF)
        runs = {(w, c): paritap(program, "replay", *c, "--workers", w, "--source", files["source"],
                                "--target", files["target"])
                for w in ("1", *WORKERS) for c in ((), ("--config", config))}
    for (w, c), r in runs.items():
        errors += run_errors(r)
        if r.raw != runs["1", ()].raw:
            errors.append("%s workers%s: another report than by one"
                          % (w, " handing off" if c else ""))
    return errors


# ---------------------------------------------------------------- producers

# Those in which whole batches of an idempotent producer lie in single packets.
IDEMPOTENT = ("mirror-faults", "mm2-clean")

# From this sequence on.
RENUMBERED = 20


def suite_producers(program, names):
    for name in names:
        for by, code in ((0, None), (7, "SEQUENCE_GAP"), (-5, "SEQUENCE_REPEATED")):
            if name in IDEMPOTENT:
                yield "%s %+d" % (name, by), lambda n=name, b=by, c=code: one_producers(
                    program, n, b, c)


def one_producers(program, name, by, code):
    with tempfile.TemporaryDirectory() as tmp:
        cap, cnt = pcap.renumbered(pcap.read(pair_file(name, "source")), RENUMBERED, by)
        r = paritap(program, "inspect", cap.write(os.path.join(tmp, "renumbered.pcap")))
    errors = run_errors(r) + ([] if cnt else ["nothing was changed"])
    found = [f["code"] for f in r.report["findings"] if f["severity"] == "divergence"]
    if set(found) != ({code} if code else set()):
        errors.append("found %s" % found)
    return errors


# ---------------------------------------------------------------- segments

SMALL = ("dual-write", "link", "mirror-faults")  # the others have too many bytes for tiny segments

# name: (captures, choices of the next segment's length, what else recut.recut does)
RECUTS = {
    "one byte each": (("link",), [1], {}),
    "small": (SMALL, range(1, 40), {}),
    "joined": (PAIRS, [65000], {"join": True}),
    "of all sizes": (PAIRS, [1, 2, 3, 7, 61, 100, 500, 1448, 9000, 65000], {"join": True}),
    "copied": (PAIRS, range(100, 3000), {"join": True, "copies": 0.3}),
    "overlapping": (PAIRS, range(1, 1448), {"overlap": 0.3, "repeat": 0.2, "copies": 0.1}),
    "reordered": (PAIRS, range(100, 1448), {"jitter_us": 200}),
    "all at once": (PAIRS, range(1, 1448), {"overlap": 0.2, "repeat": 0.2, "copies": 0.1,
                                            "jitter_us": 200}),
}


def without_segments(report):
    """What does not depend on how bytes were cut and when they came; lists sorted."""
    out = without_packets(report)
    del out["counters"], out["loss"]
    del out["ledger"]["stream_bytes"]
    for f in out["findings"]:
        for side in ("source", "target"):
            if f[side]:
                del f[side]["time"]
    for c in out["clusters"]:
        for name in ("apis", "clients", "endpoints"):
            c[name].sort(key=json.dumps)
    return out


def suite_segments(program, names):
    for name in names:
        for how, (of, lengths, kw) in RECUTS.items():
            if name in of:
                yield "%s %s" % (name, how), lambda n=name, h=how, l=lengths, k=kw: one_recut(
                    program, n, h, list(l), k)


def one_recut(program, name, how, lengths, kw):
    rng = random.Random(name + how)
    with tempfile.TemporaryDirectory() as tmp:
        before, after = [], []
        for side in ("source", "target"):
            cap = recut.from_their_start(pcap.read(pair_file(name, side)))
            before.append([cap.write(os.path.join(tmp, side + "-before.pcap"))])
            cap = recut.recut(cap, rng, lambda: rng.choice(lengths), **kw)
            after.append([cap.write(os.path.join(tmp, side + "-after.pcap"))])
        a, b = replay(program, *before), replay(program, *after)
    errors = run_errors(a) + run_errors(b)
    if not errors:
        a, b = without_segments(a.report), without_segments(b.report)
        errors += ["%s differs when TCP is cut into other segments" % k for k in a
                   if a[k] != b.get(k)]
    return errors


# ---------------------------------------------------------------- wrapped

def without_wrappers(report):
    """What does not depend on how frames were wrapped."""
    out = without_packets(report)
    out["counters"] = {k: v for k, v in report["counters"].items()
                       if k not in ("packet", "fragment", "mirror")}
    return out


def suite_wrapped(program, names):
    for name in names:
        yield name + " mixed", lambda n=name: one_wrapped(program, n, list(wrap.WRAPPERS))
    for how in wrap.WRAPPERS if "link" in names else ():
        yield "link " + how, lambda h=how: one_wrapped(program, "link", [h], mtu=600)
    for name in set(names) & set(SMALL):
        yield name + " disordered", lambda n=name: one_wrapped(
            program, n, ["erspan2 over ip6", "gre"], change=wrap.disordered, mtu=500)
        yield name + " copied", lambda n=name: one_wrapped(
            program, n, ["erspan2", "geneve"], change=wrap.twice)
        yield name + " snapped", lambda n=name: wrapped_snapped(program, n)
        yield name + " mirror loss", lambda n=name: wrapped_mirror_loss(program, n)
        yield name + " fragments lost", lambda n=name: wrapped_fragments_lost(program, n)
        yield name + " same ids", lambda n=name: wrapped_same_ids(program, n)


def wrapped_files(tmp, name, how, change=None, **kw):
    files = []
    for side in ("source", "target"):
        cap = pcap.read(pair_file(name, side))
        packets = wrap.wrapped(cap, how, **kw)
        cap = wrap.capture(cap, change(packets) if change else packets)
        files.append([cap.write(os.path.join(tmp, side + ".pcap"))])
    return files


def one_wrapped(program, name, how, change=None, mtu=1500):
    plain = replay(program, [pair_file(name, "source")], [pair_file(name, "target")])
    with tempfile.TemporaryDirectory() as tmp:
        files = wrapped_files(tmp, name, how, change, mtu=mtu, inner_mtu=576)
        got = replay(program, *files)
        by_two = paritap(program, "replay", "--workers", "2", "--source", *files[0], "--target",
                         *files[1])
    errors = run_errors(plain) + run_errors(got)
    if errors:
        return errors
    a, b = without_wrappers(plain.report), without_wrappers(got.report)
    errors += ["%s differs when frames are wrapped" % k for k in a if a[k] != b.get(k)]
    if by_two.raw != got.raw:
        errors.append("another report by two workers")
    counters = got.report["counters"]
    tcp = plain.report["ledger"]["packets"]["parts"]["tcp"]
    if got.report["ledger"]["packets"]["parts"]["tcp"] != tcp:
        errors.append("not as many segments")
    if not counters["fragment"]["datagrams"] or counters["mirror"]["lost"]:
        errors.append("fragments %s, numbers %s" % (counters["fragment"], counters["mirror"]))
    if change == wrap.twice and not counters["fragment"]["fragments_again"]:
        errors.append("no fragment came twice")
    return errors


def wrapped_snapped(program, name):
    """The snap length takes as much from a wrapped frame as from one that is longer for it."""
    reports = []
    for how, size in ((None, 0), ("erspan2", 50), ("erspan3 sub", 62)):
        with tempfile.TemporaryDirectory() as tmp:
            files = []
            for side in ("source", "target"):
                cap = pcap.read(pair_file(name, side))
                if how:
                    cap = wrap.capture(cap, wrap.wrapped(cap, [how], mtu=9000))
                files.append([pcap.snapped(cap, 500 + size).write(
                    os.path.join(tmp, side + ".pcap"))])
            reports.append(replay(program, *files))
    errors = [e for r in reports for e in run_errors(r)]
    if not errors:
        reports = [r.report for r in reports]
        cut = reports[0]["counters"]["packet"]["cut_bytes"]
        for r in reports[1:]:
            if not cut or r["counters"]["packet"]["cut_bytes"] != cut:
                errors.append("%d bytes cut, should be %d" % (
                    r["counters"]["packet"]["cut_bytes"], cut))
            if without_wrappers(r) != without_wrappers(reports[0]):
                errors.append("another report, cut inside a wrapper")
    return errors


def without_tap_loss(report):
    out = without_wrappers(report)
    out["findings"] = [f for f in out["findings"] if f["code"] != "TAP_LOSS"]
    out["finding_totals"] = {k: v for k, v in report["finding_totals"].items() if k != "TAP_LOSS"}
    return out


def disturbed(entries, rng):
    """Some entries trade places with their neighbours, some come again; times stay where they are.
    Returns them, and how many came again. Ends stay as they are."""
    order = list(range(len(entries)))
    for i in range(4, len(order) - 5, 5):
        if rng.random() < 0.2:
            order[i], order[i + 1] = order[i + 1], order[i]
    again = [i for i in range(4, len(order) - 4) if rng.random() < 0.05]
    order = [k for i, n in enumerate(order) for k in ([n, n] if i in again else [n])]
    times = sorted(entries[n][0][:2] for n in order)
    return [((*t, *entries[n][0][2:]), entries[n][1]) for t, n in zip(times, order)], len(again)


def wrapped_mirror_loss(program, name):
    """The mirror numbers what it then leaves out, and begins anew once; some packets overtake their
    neighbours, or come twice. Loss is what was left out; all else is as if that had never been."""
    rng = random.Random("mirror " + name)
    plain, files, lost, again = [], [], [], 0
    with tempfile.TemporaryDirectory() as tmp:
        for side in ("source", "target"):
            cap = pcap.read(pair_file(name, side))
            entries = []
            half = len(cap.packets) // 2
            for first, packets in ((0xFFFFFFC0, cap.packets[:half]),
                                   (0x40000000, cap.packets[half:])):
                part = [(p, first + n & 0xFFFFFFFF) for n, p in enumerate(packets)
                        if n in (0, 1, len(packets) - 1) or rng.random() >= 0.03]
                part, cnt = disturbed(part, rng)
                entries += part
                again += cnt
            lost.append(len(cap.packets) - len({n for _, n in entries}))
            cap = cap.with_packets([p for p, _ in entries])
            plain.append([cap.write(os.path.join(tmp, side + "-plain.pcap"))])
            wire = [[wrap.WRAPPERS["erspan2"](p[3], n, n)] for p, n in entries]
            files.append([wrap.capture(cap, wire).write(os.path.join(tmp, side + ".pcap"))])
        a, b = replay(program, *plain), replay(program, *files)
    errors = run_errors(a) + run_errors(b)
    if errors:
        return errors
    inputs = [(i["mirror_sessions"], i["mirror_lost"]) for i in b.report["inputs"]]
    mirror = b.report["counters"]["mirror"]
    if inputs != [(1, n) for n in lost]:
        errors.append("mirror sessions and loss %s, left out were %s" % (inputs, lost))
    if (mirror["lost"], mirror["again"], mirror["restarts"], mirror["strays"]) != (
            sum(lost), again, 2, 0):
        errors.append("%s; lost %s, again %d" % (mirror, lost, again))
    return errors + tap_loss_errors(a.report, b.report)


def tap_loss_errors(plain, got):
    """The loss is told, and changes nothing else."""
    a, b = without_tap_loss(plain), without_tap_loss(got)
    errors = ["%s is not that of a capture without these packets" % k for k in a if a[k] != b[k]]
    if got["finding_totals"]["TAP_LOSS"] <= plain["finding_totals"]["TAP_LOSS"]:
        errors.append("the loss is not told")
    return errors


def wrapped_fragments_lost(program, name):
    """Some fragments are not there: their packets are lost, and nothing else."""
    rng = random.Random("fragments " + name)
    plain, files, late = [], [], 0
    with tempfile.TemporaryDirectory() as tmp:
        for side in ("source", "target"):
            cap = pcap.read(pair_file(name, side))
            packets = wrap.wrapped(cap, ["geneve", "geneve over ip6"], mtu=600)
            kept = [[f for f in frames if rng.random() >= 0.02] for frames in packets]
            late += sum(0 < len(k) < len(p) for k, p in zip(kept, packets))
            plain.append([cap.with_packets([p for p, k, w in zip(cap.packets, kept, packets)
                                            if k == w]).write(
                os.path.join(tmp, side + "-plain.pcap"))])
            files.append([wrap.capture(cap, kept).write(os.path.join(tmp, side + ".pcap"))])
        a, b = replay(program, *plain), replay(program, *files)
    errors = run_errors(a) + run_errors(b)
    if errors:
        return errors
    fragment = b.report["counters"]["fragment"]
    if not late or fragment["datagrams_late"] != late or fragment["fragments_waiting"]:
        errors.append("%d packets lost a fragment: %s" % (late, fragment))
    return errors + tap_loss_errors(a.report, b.report)


def wrapped_same_ids(program, name):
    """A mirror that gives all packets one number: fragments of different ones are put together.
    Which costs nearly everything, but nothing is made up of it."""
    rng = random.Random("ids " + name)
    with tempfile.TemporaryDirectory() as tmp:
        files = []
        for side in ("source", "target"):
            cap = pcap.read(pair_file(name, side))
            packets = [wrap.fragments(wrap.WRAPPERS["gre"](p[3], 0, 0), 1500) for p in cap.packets]
            packets = [[f for f in frames if len(frames) == 1 or rng.random() >= 0.3]
                       for frames in packets]
            files.append([wrap.capture(cap, packets).write(os.path.join(tmp, side + ".pcap"))])
        r = replay(program, *files)
    errors = run_errors(r)
    if r.report is None:
        return errors
    if not r.report["ledger"]["packets"]["parts"]["mixed_fragments"]:
        errors.append("no fragments of different packets were put together: nothing is shown")
    made_up = r.report["finding_totals"].keys() & {"BATCH_CRC_BAD", "BATCH_MALFORMED"}
    if made_up:
        return errors + ["made up: %s" % made_up]
    return errors + damage_errors(r.report, expected_of(name))


# ---------------------------------------------------------------- clocks

def suite_clocks(program, names):
    for name in names:
        for seconds in (0.3, -1.7) if name in SMALL else (-1.7,):
            yield "%s fibres %+g s" % (name, seconds), lambda n=name, s=seconds: one_fibres(
                program, n, s)
        yield "%s brokers" % name, lambda name=name: one_brokers(program, name)
        for seconds in (-1, 60):
            yield "%s clusters %+d s" % (name, seconds), lambda n=name, s=seconds: one_apart(
                program, n, s)


def shifted_runs(program, name, cut, seconds):
    """Results of files cut in two: as they are; then with the second of each side by another clock:
    estimated, given, and as recorded."""
    with tempfile.TemporaryDirectory() as tmp:
        straight, askew, given = [], [], []
        for side in ("source", "target"):
            first, second = cut(pcap.read(pair_file(name, side)))
            a = first.write(os.path.join(tmp, side + "-1.pcap"))
            b = second.write(os.path.join(tmp, side + "-2.pcap"))
            c = pcap.shifted(second, seconds).write(os.path.join(tmp, side + "-3.pcap"))
            straight += ["--" + side, a, b]
            askew += ["--" + side, a, c]
            given += ["--clock-offset", "%s=%+g" % (c, -seconds)]
        off = os.path.join(tmp, "off.yaml")
        with open(off, "w", encoding="ascii") as f:
            f.write("replay: { clocks: as-recorded }\n")
        return (paritap(program, "replay", *straight), paritap(program, "replay", *askew),
                paritap(program, "replay", *askew, *given),
                paritap(program, "replay", *askew, "--config", off))


def clock_errors(r, seconds, how, slack):
    """The second file of each side was moved by -seconds, the first was not."""
    errors = []
    for i, inp in enumerate(r.report["inputs"]):
        want = -seconds * 1e9 if i % 2 else 0
        if abs(inp["clock_offset_ns"] - want) > (slack * 1e9 if i % 2 else 0):
            errors.append("input %d was moved by %d ns, should be %d" % (
                i, inp["clock_offset_ns"], want))
        if inp["clock"] != (how if i % 2 else "as_recorded"):
            errors.append("input %d: clock %s" % (i, inp["clock"]))
    return errors


def quiet(r, lines):
    """The result without the lines on stderr that tell of moved files, and whether these are so
    many."""
    told = [l for l in r.stderr.splitlines() if "its clock differs" in l]
    r.stderr = "\n".join(l for l in r.stderr.splitlines() if l not in told)
    return [] if len(told) == lines else ["%d files were said to be moved, not %d" % (
        len(told), lines)]


def same_but(a, b, strip, what):
    a, b = strip(a.report), strip(b.report)
    return ["%s differs %s" % (k, what) for k in a if a[k] != b.get(k)]


def one_fibres(program, name, seconds):
    whole = replay(program, [pair_file(name, "source")], [pair_file(name, "target")])
    straight, askew, given, off = shifted_runs(program, name, pcap.fibres, seconds)
    errors = quiet(straight, 0) + quiet(askew, 2) + quiet(given, 0) + quiet(off, 0)
    for r in (whole, straight, askew, given, off):
        errors += run_errors(r)
    if errors:
        return errors
    errors += clock_errors(askew, seconds, "estimated", 0.05)
    errors += clock_errors(given, seconds, "given", 0)
    errors += same_but(straight, given, without_packets, "with clocks given")
    errors += same_but(whole, straight, without_segments, "by fibres") # sorts lists in place
    errors += same_but(whole, askew, without_segments, "by fibres with estimated clocks")
    if abs(seconds) > 1 and not same_but(whole, off, without_segments, ""):
        errors.append("clocks that differ by %g s change nothing: the test shows nothing" % seconds)
    return errors


def one_brokers(program, name):
    def cut(cap):
        return pcap.beside(cap, "10.88.1.1")

    straight, askew, given, off = shifted_runs(program, name, cut, 0.7)
    moved = len([i for i in askew.report["inputs"] if i["clock"] == "estimated"])
    errors = quiet(straight, 0) + quiet(askew, moved) + quiet(given, 0) + quiet(off, 0)
    for r in (straight, askew, given):
        errors += run_errors(r)
    if not errors and askew.report["inputs"][1]["clock"] != "estimated":
        errors.append("the source's second tap was not moved")
    if not errors and abs(askew.report["inputs"][1]["clock_offset_ns"] + 7e8) > 1e5:
        errors.append("the source's second tap was moved by %d ns" %
                      askew.report["inputs"][1]["clock_offset_ns"])
    return errors or same_but(straight, given, without_packets, "with clocks given")


def one_apart(program, name, seconds):
    """The clocks of the two clusters' taps differ, which nobody can know: nothing is invented."""
    files = ([pair_file(name, "source")], [pair_file(name, "target")])
    straight = replay(program, *files)
    r = paritap(program, "replay", "--source", *files[0], "--target", *files[1], "--clock-offset",
                "%s=%d" % (files[1][0], seconds))
    errors = run_errors(r) + run_errors(straight)
    if not errors:
        errors += damage_errors(r.report, expected_of(name))
        verified = [sum(p["verified"] for p in x.report["pairs"]) for x in (r, straight)]
        if verified[0] != verified[1]:
            errors.append("%d records verified, with equal clocks %d" % tuple(verified))
    return errors


# ---------------------------------------------------------------- clients

def record_sets(truth):
    out = {}
    for s in truth["record_sets"]:
        key = (s["src"].lower(), s["topic"], s["codec"], s["magic"])
        crc_bad = s.get("crc_bad", 0)
        # A batch whose checksum is wrong has no records that could be counted.
        out[key] = (s["batches"], s["records"] - (s.get("ctrl", 0) if crc_bad else 0), crc_bad)
    return out


def report_sets(report, bad_ctrl):
    out = {}
    for log in report["clusters"][0]["logs"]:
        for b in log["batches"]:
            key = (b["source"], log["topic"], b["codec"], b["magic"])
            old = out.get(key, (0, 0, 0))
            out[key] = (old[0] + b["batches"], old[1] + b["records"], old[2] + b["crc_bad"])
    for key, (batches, records, crc_bad) in out.items():
        if crc_bad and records == bad_ctrl.get(key):
            out[key] = (batches, records - crc_bad, crc_bad)
    return out


def suite_clients(program, names):
    files = sorted(glob.glob(os.path.join(pcap.captures_dir(), "clients", "*.pcap")))
    assert len(files) >= 25, "captures of clients are missing"
    for path in files:
        name = os.path.basename(path)[:-5]
        if name in names or names == PAIRS:
            yield name, lambda path=path: one_client(program, path)


def one_client(program, path):
    truth = rep.load(path[:-5] + ".json")
    r = paritap(program, "inspect", path)
    errors = run_errors(r)
    if r.report is None:
        return errors
    want = record_sets(truth)
    # What a reader that counts the records of bad batches as well would say.
    with_ctrl = {(s["src"].lower(), s["topic"], s["codec"], s["magic"]): s["records"]
                 for s in truth["record_sets"] if s.get("crc_bad")}
    have = report_sets(r.report, with_ctrl)
    for key in sorted(set(want) | set(have)):
        if want.get(key) != have.get(key):
            errors.append("%s %s %s magic %d: (batches, records, crc bad) report %s, truth %s" %
                          (*key, have.get(key), want.get(key)))
    verdict = "divergent" if any(v[2] for v in want.values()) else "parity"
    if r.report["verdict"] != verdict:
        errors.append("verdict %s, should be %s: %s" %
                      (r.report["verdict"], verdict,
                       [f["code"] + " " + f["message"] for f in r.report["findings"]][:5]))
    return errors


# ---------------------------------------------------------------- loss

def dump_of(name, side):
    """What a plain reader got: topic-partition -> its lives, each offset -> record."""
    out = {}
    with gzip.open(os.path.join(pcap.captures_dir(), "pairs", "%s.%s.jsonl.gz" % (name, side)),
                   "rt", encoding="utf-8") as f:
        for line in f:
            r = json.loads(line)
            if "t" not in r:
                continue
            lives = out.setdefault("%s-%d" % (r["t"], r["p"]), [{}])
            if lives[-1] and r["o"] <= max(lives[-1]):
                lives.append({})
            lives[-1][r["o"]] = r
    return out


class Truth:
    """A pair of expected.json together with what each of its records is."""

    def __init__(self, pair, life, dumps):
        self.pair = pair
        self.record = [dump.get(pair[side], [{}] * (life + 1))[life]
                       for side, dump in zip(("source", "target"), dumps)]
        self.whole = check.expected_map(pair)
        self.free = [self.spread(side, offs) for side, offs in
                     enumerate(check.free_offsets(pair))]
        missing = self.spread(0, pair.get("missing", []))
        surplus = self.spread(1, pair.get("extra", []) + pair.get("duplicated", []))
        # Which of several equal neighbours is gone cannot be told, nor which are matched then.
        self.missing = missing
        self.free[0] |= missing - set(pair.get("missing", [])) | self.sources_of(surplus)
        self.free[1] |= surplus | {self.whole[s] for s in missing if s in self.whole}

    def sources_of(self, targets):
        return {s for s, t in self.whole.items() if t in targets}

    def same(self, s, t):
        """Equal content, and equal time where both have one of their own."""
        a, b = self.record[0].get(s), self.record[1].get(t)
        if a is None or b is None or a["id"] != b["id"]:
            return False
        return a["ts"] == b["ts"] or a["tt"] != 1 or b["tt"] != 1 or a["ts"] < 0 or b["ts"] < 0

    def spread(self, side, offsets):
        """These, and neighbours that equal them."""
        out = set(offsets)
        for off in offsets:
            for step in (-1, 1):
                at = off
                while self.equal_neighbours(side, at, at + step):
                    at += step
                    out.add(at)
        return out

    def equal_neighbours(self, side, a, b):
        a, b = self.record[side].get(a), self.record[side].get(b)
        return a is not None and b is not None and (a["id"], a["ts"]) == (b["id"], b["ts"])

    def places(self):
        """Source and target offsets near which the truth has any divergence."""
        p = self.pair
        source = set(self.missing) | {s for k in ("reordered", "mutated") for s, _ in p.get(k, [])}
        target = set(p.get("extra", [])) | set(p.get("duplicated", [])) | {
            t for k in ("reordered", "mutated") for _, t in p.get(k, [])}
        source |= {check.nearest_source(p, t) for t in target}
        target |= {check.nearest_target(p, s) for s in source}
        return source, target


def near(offset, places, within=8):
    return any(abs(offset - x) <= within for x in places)


def finding_is_true(f, truth):
    """Is this divergence one that the truth knows?"""
    code = f["code"]
    p = truth.pair
    free_source, free_target = truth.free
    mutated = set(map(tuple, p.get("mutated", [])))
    near_source, near_target = truth.places()
    gone = truth.missing | {s for s, _ in mutated}
    for i in range(f["count"] if code != "RECORD_COUNT_DIFFERS" else 1):
        s = f["source"]["offset"] + i if f["source"] else None
        t = f["target"]["offset"] + i if f["target"] else None
        ok = {
            "RECORD_MISSING": lambda: s in truth.missing,
            "RECORD_EXTRA": lambda: t in p.get("extra", []),
            "RECORD_DUPLICATED": lambda: near(t, p.get("duplicated", []), 2) or
                                         t in truth.spread(1, p.get("duplicated", [])),
            "RECORD_REORDERED": lambda: (s in free_source or t in free_target) and
                                        truth.same(s, t),
            "RECORD_MUTATED": lambda: (s, t) in mutated,
            "RECORD_MISSING_OR_REORDERED": lambda: s in gone or s in free_source,
            "RECORD_COUNT_DIFFERS": lambda: (s is not None and near(s, near_source)) or
                                            (t is not None and near(t, near_target)),
        }.get(code, lambda: False)()
        if not ok:
            return False
    return True


def pair_errors(report, n, got, truth):
    """What a pair of the report claims and the truth does not know."""
    p = truth.pair
    errors = []
    other = [(s, t) for s, t in rep.map_pairs(got) if not truth.same(s, t)]
    if other and truth.record[0] and truth.record[1]:
        errors.append("%s: different records matched %s" % (p["source"], other[:5]))
    wrong = [(s, t) for s, t in rep.map_pairs(got)
             if truth.whole.get(s) != t and s not in truth.free[0] and t not in truth.free[1]]
    if wrong:
        errors.append("%s: unproven matches %s" % (p["source"], wrong[:5]))
    for f in report["findings"]:
        if f["pair"] == n and f["severity"] == "divergence" and not finding_is_true(f, truth):
            errors.append("%s: invented %s source %s target %s count %d" %
                          (p["source"], f["code"], f["source"] and f["source"]["offset"],
                           f["target"] and f["target"]["offset"], f["count"]))
    most = {k: len(p.get(k, [])) for k in check.LISTS}
    most["missing_or_reordered"] = most["missing"] + most["reordered"] + most["mutated"]
    for kind, cnt in most.items():
        if got[kind] > cnt:
            errors.append("%s: %d %s of %d" % (p["source"], got[kind], kind, cnt))
    for side in ("source", "target"):
        # What a transaction became whose marker was lost is not known: pending, not yet a record.
        cnt = got[side + "_records"] - got["pending_" + side]
        if cnt > p[side + "_records"]:
            errors.append("%s: %d of %d records" % (p[side], cnt, p[side + "_records"]))
    return errors


def damage_errors(report, expected, dumps=None):
    """Nothing in the report of a damaged capture may contradict the truth of the whole one."""
    errors = []
    dumps = dumps or [dump_of(expected["name"], side) for side in ("src", "tgt")]
    truth, found = {}, {}
    for p in expected["pairs"]:
        lives = truth.setdefault(p["source"], [])
        lives.append(Truth(p, len(lives), dumps))
    for n, got in enumerate(report["pairs"]):
        if got["source_records"] or got["target_records"]:
            found.setdefault(rep.pair_name(got["source"]), []).append((n, got))
    for name, pairs in found.items():
        lives = truth.get(name, [])
        ways = [list(zip(pairs, some)) for some in itertools.combinations(lives, len(pairs))
                if all(rep.pair_name(got["target"]) == t.pair["target"]
                       for (_, got), t in zip(pairs, some))]
        if not ways:
            errors.append("pair that does not exist: %s" % name)
            continue
        # Of a topic that was made again not every life need have been seen.
        errors += min(([e for (n, got), t in way for e in pair_errors(report, n, got, t)]
                       for way in ways), key=len)
    for f in report["findings"]:
        if f["severity"] == "divergence" and f["pair"] is None:
            errors.append("invented %s: %s" % (f["code"], f["message"]))
    if report["verdict"] == "parity" and check.expected_verdict(expected) == "divergent":
        lost = [p for p in report["pairs"] if p["unseen"] or p["unverifiable"] or p["pending"]]
        if not lost:
            errors.append("parity, though the clusters differ and nothing is said to be unseen")
    return errors


def suite_loss(program, names):
    for name in names:
        whole = {side: pcap.read(pair_file(name, side)) for side in ("source", "target")}
        for hit in (("source",), ("target",), ("source", "target")):
            for share, seeds in LOSSES:
                for seed in range(seeds):
                    label = "%s %s %g lost, seed %d" % (name, "+".join(hit), share, seed)
                    yield label, lambda n=name, w=whole, h=hit, x=share, s=seed: one_loss(
                        program, n, w, h, x, s)


def one_loss(program, name, whole, hit, share, seed):
    rng = random.Random("%s/%s/%g/%d" % (name, hit, share, seed))
    with tempfile.TemporaryDirectory() as tmp:
        files = {}
        for side, cap in whole.items():
            if side in hit:
                cap = pcap.thinned(cap, rng, share)
            files[side] = cap.write(os.path.join(tmp, side + ".pcap"))
        r = replay(program, [files["source"]], [files["target"]])
    errors = run_errors(r)
    if r.report:
        errors += damage_errors(r.report, expected_of(name))
    return errors


# ---------------------------------------------------------------- rewritten

REWRITTEN = "acked"
CHANGED = {"ACKED_LOST", "LOG_REWRITTEN", "PRODUCE_FETCH_DIFFER"}

# What packets prove to be lost, where that is not all of it: what another acknowledged record took
# the place of. The others of `short` are gone if the leader of those that were written later was
# the later one, and those of `mixed` had nothing but their leader's word.
PROVEN = {"acked-short-0": range(12, 17), "acked-mixed-0": range(18, 24)}


def suite_rewritten(program, names):
    whole = {side: pcap.read(pair_file(REWRITTEN, side)) for side in ("source", "target")}
    for share, seeds in ((0, 1), *LOSSES):
        for seed in range(seeds):
            label = "%s %g%% seed %d" % (REWRITTEN, 100 * share, seed)
            yield label, lambda share=share, seed=seed: one_rewritten(program, whole, share, seed)


def one_rewritten(program, whole, share, seed):
    rng = random.Random("%s/%g/%d" % (REWRITTEN, share, seed))
    with tempfile.TemporaryDirectory() as tmp:
        files = {side: pcap.thinned(cap, rng, share).write(os.path.join(tmp, side + ".pcap"))
                 for side, cap in whole.items()}
        r = replay(program, [files["source"]], [files["target"]])
    errors = run_errors(r)
    truth = expected_of(REWRITTEN)["within"]["ACKED_LOST"]
    found = set()
    lost = set()
    for f in r.report["findings"] if r.report else []:
        place = f["source"] or f["target"]
        log = "%s-%s" % (place["topic"], place["partition"]) if place else None
        if f["severity"] != "divergence":
            continue
        if f["code"] not in CHANGED:
            errors.append("%s at %s %s" % (f["code"], log, place and place["offset"]))
        elif any(place["offset"] + i not in truth.get(log, ()) for i in range(f["count"])):
            errors.append("%s at %s %d, %d records" % (f["code"], log, place["offset"], f["count"]))
        else:
            found.add(log)
            if f["code"] == "ACKED_LOST":
                lost.update((log, place["offset"] + i) for i in range(f["count"]))
    proven = {(log, off) for log, offs in truth.items() for off in PROVEN.get(log, offs)}
    if not share and lost != proven:
        errors.append("ACKED_LOST: not %s" % sorted(lost ^ proven))
    if not share and found != set(truth):
        errors.append("nothing is said of %s" % sorted(set(truth) - found))
    return errors


# ---------------------------------------------------------------- orphans

ORPHAN_SEEDS = range(2)


def suite_orphans(program, names):
    for name in names:
        whole = {side: pcap.read(pair_file(name, side)) for side in ("source", "target")}
        for hit in (("source",), ("target",), ("source", "target")):
            for seed in ORPHAN_SEEDS:
                label = "%s %s seed %d" % (name, "+".join(hit), seed)
                yield label, lambda n=name, w=whole, h=hit, s=seed: one_orphans(program, n, w, h, s)


def one_orphans(program, name, whole, hit, seed):
    rng = random.Random("%s/%s/%d" % (name, hit, seed))
    with tempfile.TemporaryDirectory() as tmp:
        files = {side: (pcap.without_requests(cap, rng, 0.5) if side in hit else cap).write(
            os.path.join(tmp, side + ".pcap")) for side, cap in whole.items()}
        r = replay(program, [files["source"]], [files["target"]])
        by_three = paritap(program, "replay", "--workers", "3", "--source", files["source"],
                           "--target", files["target"])
    errors = run_errors(r)
    if by_three.raw != r.raw:
        errors.append("3 workers: another report than by one")
    if r.report:
        errors += damage_errors(r.report, expected_of(name))
        counters = r.report["counters"]["parser"]
        # On the source replicators read all the time, so that some answers are worth reading.
        if "source" in hit and not counters["orphan_responses_read"]:
            errors.append("none of %d answers was read" % counters["orphan_responses"])
    return errors


# ---------------------------------------------------------------- oneway

# Where the records of both sides are fetched from the start of a connection on: at least so many
# are verified though not one request was seen.
ANSWERED = {"dual-write": 555, "link": 1200, "mirror-faults": 500, "mm2-clean": 1060, "old": 620}


def suite_oneway(program, names):
    for name in names:
        for share in (1, 0.3):
            label = "%s %g" % (name, share)
            yield label, lambda name=name, share=share: one_oneway(program, name, share)


def one_oneway(program, name, share):
    rng = random.Random("%s/%g" % (name, share))
    with tempfile.TemporaryDirectory() as tmp:
        files = {side: pcap.answers_only(pcap.read(pair_file(name, side)), rng, share).write(
            os.path.join(tmp, side + ".pcap")) for side in ("source", "target")}
        r = replay(program, [files["source"]], [files["target"]])
        by_three = paritap(program, "replay", "--workers", "3", "--source", files["source"],
                           "--target", files["target"])
    errors = run_errors(r)
    if by_three.raw != r.raw:
        errors.append("3 workers: another report than by one")
    if r.report:
        errors += damage_errors(r.report, expected_of(name))
        verified = sum(p["verified"] for p in r.report["pairs"])
        if share == 1 and verified < ANSWERED.get(name, 0):
            errors.append("%d records verified, not %d" % (verified, ANSWERED[name]))
    return errors


# ---------------------------------------------------------------- topicids

# Captures whose clients name topics by their ids wherever records are.
BY_ID = ("dual-write", "late", "link", "old")


def suite_topicids(program, names):
    for name in names:
        if name in BY_ID:
            yield name, lambda name=name: one_topicids(program, name)


def one_topicids(program, name):
    with tempfile.TemporaryDirectory() as tmp:
        learned = os.path.join(tmp, "ids.txt")
        whole = paritap(program, "replay", "--learn", learned, "--source",
                        pair_file(name, "source"), "--target", pair_file(name, "target"))
        errors = run_errors(whole)
        if errors:
            return errors
        with open(learned, encoding="ascii") as f:
            lines = [line.rstrip("\n").split("\t") for line in f if line[0] != "#"]
        texts = [topic[7:].encode() for _, topic, _ in lines if not topic.startswith("Topic: __")]
        cut, tool = [], []
        for side in ("source", "target"):
            cap = pcap.without_texts(pcap.read(pair_file(name, side)), texts)
            cut += ["--" + side, cap.write(os.path.join(tmp, side + ".pcap"))]
            tool += ["--topic-ids", "%s=%s" % (side, os.path.join(tmp, side + ".txt"))]
            with open(os.path.join(tmp, side + ".txt"), "w", encoding="ascii") as f:
                f.writelines(described(topic, topic_id) for cluster, topic, topic_id in lines
                             if cluster == "Cluster: " + side)
        unnamed = paritap(program, "replay", *cut)
        again = os.path.join(tmp, "again.txt")
        runs = [paritap(program, "replay", *cut, "--topic-ids", learned, "--learn", again),
                paritap(program, "replay", *cut, *tool)]
        errors += run_errors(unnamed)
        if errors:
            return errors
        if unnamed.code != 3 or unnamed.report["pairs"]:
            errors.append("exit %d and pairs without a name" % unnamed.code)
        if not any(f["code"] == "TOPIC_ID_UNKNOWN" and "--topic-ids" in f["message"]
                   for f in unnamed.report["findings"]):
            errors.append("the report does not say how to name them")
        for r, how in zip(runs, ("learned", "as Kafka's tool prints them")):
            errors += run_errors(r)
            if r.report is None:
                return errors
            if r.report["pairs"] != whole.report["pairs"]:
                errors.append("names %s: other pairs than of the whole capture" % how)
            if r.report["verdict"] != whole.report["verdict"]:
                errors.append("names %s: verdict %s" % (how, r.report["verdict"]))
        with open(learned, "rb") as a, open(again, "rb") as b:
            if a.read() != b.read():
                errors.append("what was learned is not what was given")
    return errors


def described(topic, topic_id):
    """What kafka-topics.sh --describe prints of a topic with one partition."""
    return ("%s\t%s\tPartitionCount: 1\tReplicationFactor: 3\tConfigs: \n"
            "\t%s\tPartition: 0\tLeader: 1\tReplicas: 1,2,3\tIsr: 1,2,3\tElr: \t"
            "LastKnownElr: \n" % (topic, topic_id, topic))


# ---------------------------------------------------------------- attach

def suite_attach(program, names):
    for name in names:
        whole = {side: pcap.read(pair_file(name, side)) for side in ("source", "target")}
        for seed in range(ATTACH_SEEDS):
            yield "%s seed %d" % (name, seed), lambda n=name, w=whole, s=seed: one_attach(
                program, n, w, s)


def one_attach(program, name, whole, seed):
    rng = random.Random("%s/attach/%d" % (name, seed))
    hit = (("source",), ("target",), ("source", "target"))[seed % 3]
    with tempfile.TemporaryDirectory() as tmp:
        files = {}
        for side, cap in whole.items():
            if side in hit:
                cap = recut.begun(cap, rng.randrange(len(cap.packets)), rng)
            files[side] = cap.write(os.path.join(tmp, side + ".pcap"))
        r = replay(program, [files["source"]], [files["target"]])
    errors = run_errors(r)
    if r.report:
        errors += damage_errors(r.report, expected_of(name))
    return errors


# ---------------------------------------------------------------- absent

def suite_absent(program, names):
    for name in names:
        yield name + " source broker gone", lambda n=name: one_absent(
            program, n, "source", lambda a: a == "10.88.1.2", {"BROKER_NOT_SEEN"})
        yield name + " target writers and readers gone", lambda n=name: one_absent(
            program, n, "target", lambda a: a.startswith(("10.88.3.", "10.88.4.")),
            {"NO_EVIDENCE_PATH", "PARTITION_NOT_SEEN", "TOPIC_UNPAIRED", "NOTHING_CERTIFIED"})


def one_absent(program, name, side, unwanted, codes):
    with tempfile.TemporaryDirectory() as tmp:
        files = {s: pair_file(name, s) for s in ("source", "target")}
        cap = pcap.without(pcap.read(files[side]), unwanted)
        files[side] = cap.write(os.path.join(tmp, side + ".pcap"))
        r = replay(program, [files["source"]], [files["target"]])
    errors = run_errors(r)
    if r.report is None:
        return errors
    errors += damage_errors(r.report, expected_of(name))
    if r.report["verdict"] == "parity":
        errors.append("parity")
    if not codes & {f["code"] for f in r.report["findings"]}:
        errors.append("the report does not say what was not there: none of %s" % sorted(codes))
    return errors


# ---------------------------------------------------------------- bad

def suite_bad(program, names):
    del names
    for case in (bad_empty, bad_text, bad_missing, bad_only_header, bad_cut, bad_snaplen,
                 bad_not_kafka, bad_huge_frame, bad_record_count, bad_bomb, bad_usage,
                 bad_config, bad_output, bad_silence):
        yield case.__name__[4:], lambda case=case: case(program)


def refused(r, *words):
    """Exit 2, no report, and a message with these words."""
    errors = []
    if r.code != 2 or r.raw:
        errors.append("exit %d, expected 2 and no report" % r.code)
    errors += ["the message lacks \"%s\": %s" % (w, r.stderr) for w in words if w not in r.stderr]
    return errors


def with_file(content, run):
    with tempfile.TemporaryDirectory() as tmp:
        path = os.path.join(tmp, "input.pcap")
        if isinstance(content, bytes):
            with open(path, "wb") as f:
                f.write(content)
        else:
            content.write(path)
        return run(path)


def against_link(program, path):
    """The file as source, a sound capture as target."""
    return replay(program, [path], [pair_file("link", "target")], limited=True)


def bad_empty(program):
    return with_file(b"", lambda p: refused(against_link(program, p), "input.pcap"))


def bad_text(program):
    text = b"2026-01-01 broker started\n" * 50
    return with_file(text, lambda p: refused(against_link(program, p), "input.pcap"))


def bad_missing(program):
    return refused(against_link(program, "/nonexistent/a.pcap"), "/nonexistent/a.pcap")


def bad_only_header(program):
    r = with_file(pcap.Capture([]), lambda p: against_link(program, p))
    errors = run_errors(r)
    if r.code != 3:
        errors.append("exit %d for a capture without packets, expected 3" % r.code)
    return errors


def bad_cut(program):
    with tempfile.TemporaryDirectory() as tmp:
        path = pcap.read(pair_file("link", "source")).write(os.path.join(tmp, "whole.pcap"))
        os.truncate(path, os.path.getsize(path) * 6 // 10)
        r = against_link(program, path)
    errors = run_errors(r)
    if r.report:
        errors += damage_errors(r.report, expected_of("link"))
        if not r.report["inputs"][0]["truncated"] or not r.report["inputs"][0]["trouble"]:
            errors.append("the report does not say that the file is cut off")
        if r.report["verdict"] == "divergent":
            errors.append("divergent, because a file was cut off")
    return errors


def bad_snaplen(program):
    with tempfile.TemporaryDirectory() as tmp:
        files = [[pcap.snapped(pcap.read(pair_file("mirror-faults", side)), 96).write(
            os.path.join(tmp, side + ".pcap"))] for side in ("source", "target")]
        r = replay(program, *files, limited=True)
    errors = run_errors(r)
    if r.report:
        errors += damage_errors(r.report, expected_of("mirror-faults"))
        if r.code != 3:
            errors.append("exit %d, expected 3" % r.code)
        if not r.report["counters"]["packet"]["cut_bytes"]:
            errors.append("the report does not say that packets were cut")
    return errors


def bad_not_kafka(program):
    web = pcap.Stream(sport=80)
    web.send(0, b"GET / HTTP/1.1\r\nHost: example\r\n\r\n")
    web.send(1, b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"hello" * 1000)
    r = with_file(web.capture(), lambda p: paritap(program, "inspect", p, limited=True))
    errors = run_errors(r)
    if r.report:
        kinds = [r.report["unassigned"]["connections"]] + [c["connections"]
                                                           for c in r.report["clusters"]]
        if sum(k["kafka"] for k in kinds) or not sum(k["not_kafka"] + k["undecided"]
                                                     for k in kinds):
            errors.append("HTTP was not recognised as something else: %s" % kinds)
    r = with_file(web.capture(), lambda p: against_link(program, p))
    errors += run_errors(r)
    if r.code != 3:
        errors.append("exit %d against a sound target, expected 3" % r.code)
    return errors


def hostile(program, stream, code=None):
    r = with_file(stream.capture(), lambda p: paritap(program, "inspect", p, "--memory", "256MiB",
                                                      limited=True))
    errors = run_errors(r)
    if code is not None and r.code != code:
        errors.append("exit %d, expected %d" % (r.code, code))
    r = with_file(stream.capture(), lambda p: against_link(program, p))
    errors += run_errors(r)
    if r.report and r.report["verdict"] == "parity":
        errors.append("parity with a hostile source")
    return errors


def bad_huge_frame(program):
    stream = pcap.Stream()
    stream.send(0, pcap.request(18, 0, 1, b""))
    stream.send(0, b"\x7f\xff\xff\xff" + b"\0\0\0\x07\0\0\0\x02\0\x05tests" + b"\xff" * 200000)
    return hostile(program, stream)


def produced(record_batch):
    stream = pcap.Stream()
    stream.send(0, pcap.produce(1, "victim", record_batch))
    stream.send(1, pcap.produce_response(1, "victim", 0))
    return stream


def bad_record_count(program):
    return hostile(program, produced(pcap.batch(b"\x02\0\0\0\0\0\0" * 100, 0x7FFFFFFF)))


def bad_bomb(program):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(1 << 20)
    bomb = b"".join(packer.compress(block) for _ in range(512)) + packer.flush()
    return hostile(program, produced(pcap.batch(bomb, 1000, codec=1)))


def bad_output(program):
    """What --json cannot be written to; a capture is never overwritten."""
    with tempfile.TemporaryDirectory() as tmp:
        path = shutil.copy(pair_file("link", "source"), tmp)
        before = os.stat(path).st_size
        errors = []
        for out, words in ((path, "is one of the captures"), (tmp, "directory"),
                           (os.path.join(tmp, "no", "where"), "No such file")):
            done = subprocess.run([program, "replay", "--source", path, "--target",
                                   pair_file("link", "target"), "--json", out],
                                  capture_output=True, timeout=TIMEOUT, check=False)
            r = Result(done.returncode, done.stdout, done.stderr.decode(errors="replace"))
            errors += refused(r, "--json " + out, words)
        if os.stat(path).st_size != before:
            errors.append("--json overwrote a capture")
    return errors


def bad_silence(program):
    """A pipe that brings half a capture and then nothing: the first Ctrl-C ends in a report."""
    with gzip.open(pair_file("link", "source")) as f:
        half = f.read()
    half = half[:len(half) // 2]
    argv = [program, "replay", "--source", "-", "--target", pair_file("link", "target"),
            "--json", "-"]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=out, stderr=err) as p:
        p.stdin.write(half)
        p.stdin.flush()
        while fionread(p.stdin): # what it has taken, it will report
            time.sleep(0.01)
        time.sleep(0.2)
        p.send_signal(signal.SIGINT)
        try:
            p.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            p.kill()
            return ["Ctrl-C does not end the reading of a silent pipe"]
        out.seek(0)
        err.seek(0)
        r = Result(p.returncode, out.read(), err.read().decode(errors="replace"))
    errors = run_errors(r)
    if r.report and (r.code != EXIT["inconclusive"] or not r.report["stopped"]):
        errors.append("exit %d, stopped: %s" % (r.code, r.report["stopped"]))
    return errors


def fionread(pipe):
    """Bytes that the reader has not taken yet."""
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]


def bad_usage(program):
    file = pair_file("link", "source")
    errors = refused(paritap(program, "replay"), "no file")
    errors += refused(paritap(program, "replay", "--source", file), "--target")
    errors += refused(paritap(program, "replay", file), "--source-brokers")
    errors += refused(replay(program, [file], [file]), "source and as target")
    errors += refused(paritap(program, "replay", "--memroy", "1G"), "--memroy")
    errors += refused(paritap(program, "replay", "--memory", "1"), "--memory", "range")
    errors += refused(paritap(program, "replay", "--source-brokers", "kafka.example"),
                      "--source-brokers", "kafka.example")
    errors += refused(paritap(program, "inspect"), "no file")
    errors += refused(paritap(program, "nonsense"), "nonsense")
    return errors


def bad_config(program):
    def run(text, *words):
        with tempfile.TemporaryDirectory() as tmp:
            path = os.path.join(tmp, "c.yaml")
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
            r = paritap(program, "replay", "--config", path, pair_file("link", "source"))
            return refused(r, *words)

    errors = run("limits:\n  memory: lots\n", "c.yaml:2: limits.memory")
    errors += run("limits:\n  memroy: 1G\n", "c.yaml:2:", "memroy", "memory, connections")
    errors += run("limits: {\n", "c.yaml:")
    return errors


# ---------------------------------------------------------------- main

SUITES = {"pairs": suite_pairs, "split": suite_split, "workers": suite_workers,
          "producers": suite_producers,
          "segments": suite_segments, "clocks": suite_clocks, "wrapped": suite_wrapped,
          "clients": suite_clients,
          "loss": suite_loss, "orphans": suite_orphans, "oneway": suite_oneway,
          "topicids": suite_topicids,
          "attach": suite_attach, "absent": suite_absent, "rewritten": suite_rewritten,
          "bad": suite_bad}


def main(argv):
    if len(argv) < 3 or argv[2] not in SUITES:
        print(__doc__, file=sys.stderr)
        return 2
    if not os.access(argv[1], os.X_OK):
        print("%s: no such program; build it first" % argv[1])
        return 2
    names = tuple(argv[3:]) or {"absent": ABSENT}.get(argv[2], PAIRS)
    cases = list(SUITES[argv[2]](os.path.abspath(argv[1]), names))
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for (label, _), errors in zip(cases, pool.map(guarded, cases)):
            failed += bool(errors)
            for e in errors[:12]:
                print("%s: %s" % (label, e))
    print("%s: %d cases, %d failed" % (argv[2], len(cases), failed))
    return 1 if failed or not cases else 0


def guarded(case):
    try:
        return case[1]()
    except (OSError, ValueError, subprocess.TimeoutExpired) as e:
        return ["%s: %s" % (type(e).__name__, e)]


if __name__ == "__main__":
    sys.exit(main(sys.argv))
