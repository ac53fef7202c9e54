#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The checker itself: a report that says the truth passes, each doctored copy of it fails.

The perfect report is made from expected.json alone; paritap has no part in it.
"""
import copy
import glob
import os
import sys

import check
import pcap
import report as rep
import run


def place(name, offset):
    topic, partition = name.rsplit("-", 1)
    return {"topic": topic, "partition": int(partition), "offset": offset, "timestamp": None,
            "timestamp_ms": -1, "time": None, "key_hash": None, "file": None, "packet": None,
            "client_id": None, "client_addr": None}


def finding(code, pair, source, target, severity="divergence"):
    return {"code": code, "severity": severity, "pair": pair, "cluster": None, "source": source,
            "target": target, "parts": [], "count": 1, "message": ""}


def side(name):
    topic, partition = name.rsplit("-", 1)
    return {"topic": topic, "topic_id": None, "partition": int(partition), "incarnation": 0}


def perfect(expected):
    pairs, findings = [], []
    for n, p in enumerate(sorted(expected["pairs"], key=lambda p: p["source"])):
        zero = {k: 0 for k in (
            "ambiguous ambiguous_source ambiguous_target missing_or_reordered "
            "unverifiable unverifiable_source unverifiable_target pending pending_source "
            "pending_target "
            "unseen_source unseen_target").split()}
        offsets = p["source_records"] + p["target_records"]
        pairs.append({
            "source": side(p["source"]), "target": side(p["target"]), "rule": "same_name",
            "source_records": p["source_records"], "target_records": p["target_records"],
            "compacted": len(p.get("compacted", [])),
            "verified": p["matched"], **{k: len(p.get(k, [])) for k in check.LISTS}, **zero,
            "unseen": {}, "coverage": 1.0, "offsets_certified": offsets,
            "offsets_observed": offsets,
            "offset_map": [{"source_from": a, "target_from": b, "count": c}
                           for a, b, c in p["offset_map"]]})
        findings += [finding("RECORD_MISSING", n, place(p["source"], s), None)
                     for s in p.get("missing", [])]
        for key in ("extra", "duplicated"):
            findings += [finding("RECORD_" + key.upper(), n, None, place(p["target"], t))
                         for t in p.get(key, [])]
        for key in ("reordered", "mutated"):
            findings += [finding("RECORD_" + key.upper(), n, place(p["source"], s),
                                 place(p["target"], t)) for s, t in p.get(key, [])]
    none = {"connections": {k: 0 for k in ("total", "undecided", "kafka", "tls", "not_kafka",
                                           "no_payload")}, "endpoints": [], "apis": []}
    cluster = {"cluster_id": None, "brokers": [], "clients": [], "logs": [], **none}
    book = {"total": 0, "parts": {}, "residue": 0}
    return {"format": "paritap-report", "version": 1, "verdict": check.expected_verdict(expected),
            "stopped": None, "inputs": [],
            "clusters": [{"role": "source", **cluster}, {"role": "target", **cluster}],
            "unassigned": none,
            "ledger": {k: book for k in ("packets", "stream_bytes", "frame_bytes", "frames",
                                         "batches", "offsets")},
            "loss": {"looks_like": [], "holes": 0, "bytes": 0, "cut_holes": 0, "cut_hole_bytes": 0,
                     "sizes": [], "moments": {"seconds": 0, "holes": 0, "shared_holes": 0},
                     "taps": [], "clusters": [], "slice_seconds": 0, "slices": [], "worst": [],
                     "one_way": []},
            "counters": {**{k: {} for k in ("packet", "fragment", "mirror", "parser", "shard")},
                         "stream": dict.fromkeys(("holes", "hole_bytes", "truncated_bytes",
                                                  "segments_copies", "payload_bytes",
                                                  "copied_bytes"), 0)},
            "pairs": pairs, "unpaired": [], "findings": findings, "finding_totals": {}}


def first(report, code):
    return next(f for f in report["findings"] if f["code"] == code)


def drop_verified(r):
    p = r["pairs"][0]
    p["offset_map"][0]["count"] -= 1
    p["verified"] -= 1
    p["source_records"] -= 1
    p["target_records"] -= 1


def shift_map(r):
    r["pairs"][0]["offset_map"][0]["target_from"] += 100000
    r["pairs"][0]["offset_map"].sort(key=lambda m: m["source_from"])


# What is done to the perfect report of mirror-faults; each must be caught.
DOCTORED = {
    "verdict": lambda r: r.update(verdict="parity"),
    "one record less verified, all sums right": drop_verified,
    "offset map points elsewhere": shift_map,
    "missing at another offset": lambda r: first(r, "RECORD_MISSING")["source"].update(offset=3),
    "extra at another offset": lambda r: first(r, "RECORD_EXTRA")["target"].update(offset=3),
    "mutated at another offset": lambda r: first(r, "RECORD_MUTATED")["target"].update(offset=3),
    "a finding less": lambda r: r["findings"].remove(first(r, "RECORD_DUPLICATED")),
    "a finding more": lambda r: r["findings"].append(
        finding("LOG_REWRITTEN", None, None, None)),
    "a finding that counts twice": lambda r: first(r, "RECORD_MISSING").update(count=2),
    "something pending": lambda r: r["pairs"][0].update(
        pending=1, pending_source=1, source_records=r["pairs"][0]["source_records"] + 1),
    "something unseen": lambda r: r["pairs"][0].update(
        unseen_source=1, unseen={"tap_gap": 1}, coverage=0.5),
    "unseen without a reason": lambda r: r["pairs"][0].update(unseen_source=1),
    "a pair gone": lambda r: r["pairs"].pop(),
    "other target": lambda r: r["pairs"][0]["target"].update(topic="other"),
    "pairs not sorted": lambda r: r["pairs"].reverse(),
    "sum of source_records": lambda r: r["pairs"][0].update(source_records=1),
    "residue": lambda r: r["ledger"].update(
        frames={"total": 5, "parts": {}, "residue": 5}),
    "ledger that hides its residue": lambda r: r["ledger"].update(
        frames={"total": 5, "parts": {}, "residue": 0}),
    "not the schema": lambda r: r["pairs"][0].update(verified="many"),
    "unknown member": lambda r: r.update(surprise=1),
}


# What a report of a damaged capture must never say.
INVENTED = {
    "a missing record that is there": lambda r: r["findings"].append(
        finding("RECORD_MISSING", 0, place("mirror-faults-audit-0", 5), None)),
    "an extra record that is none": lambda r: r["findings"].append(
        finding("RECORD_EXTRA", 0, None, place("mirror-faults-audit-0", 5))),
    "a mutation of an equal record": lambda r: r["findings"].append(
        finding("RECORD_MUTATED", 0, place("mirror-faults-audit-0", 5),
                place("mirror-faults-audit-0", 5))),
    "another run of a true finding": lambda r: first(r, "RECORD_MISSING").update(count=2),
    "a doubtful record far from any fault": lambda r: r["findings"].append(
        finding("RECORD_MISSING_OR_REORDERED", 0, place("mirror-faults-audit-0", 5), None)),
    "a doubtful count far from any fault": lambda r: r["findings"].append(
        finding("RECORD_COUNT_DIFFERS", 0, place("mirror-faults-audit-0", 5), None)),
    "a divergence within a cluster": lambda r: r["findings"].append(
        finding("LOG_REWRITTEN", None, None, None)),
    "a match of two other records": shift_map,
    "parity without a word on what is gone": lambda r: r.update(verdict="parity", findings=[]),
}


def damaged(expected):
    """The checks of damaged captures: the truth passes, also with less of it; inventions do not."""
    less = perfect(expected)
    less["findings"] = less["findings"][::2]
    less["pairs"][0]["offset_map"] = less["pairs"][0]["offset_map"][1:]
    failures = ["a true report of a damaged capture fails: %s" % e
                for r in (perfect(expected), less) for e in run.damage_errors(r, expected)]
    for why, doctor in INVENTED.items():
        report = copy.deepcopy(perfect(expected))
        doctor(report)
        if not run.damage_errors(report, expected):
            failures.append("not caught in a damaged capture: %s" % why)
    return failures


def main():
    failures = []
    files = sorted(glob.glob(os.path.join(pcap.captures_dir(), "pairs", "*.expected.json")))
    found = {os.path.basename(f).split(".")[0] for f in files}
    if found != {*run.PAIRS, run.REWRITTEN}:
        failures.append("pairs that are in one place only: %s" %
                        (found ^ {*run.PAIRS, run.REWRITTEN}))
    for path in files:
        expected = rep.load(path)
        errors = check.check(perfect(expected), expected)
        failures += ["%s: the perfect report fails: %s" % (expected["name"], e) for e in errors]
    expected = rep.load(os.path.join(pcap.captures_dir(), "pairs", "mirror-faults.expected.json"))
    for why, doctor in DOCTORED.items():
        report = copy.deepcopy(perfect(expected))
        doctor(report)
        if not check.check(report, expected):
            failures.append("not caught: %s" % why)
    failures += damaged(expected)
    for f in failures:
        print(f)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
