#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compares a report with a pair's expected.json, exactly.

    check.py REPORT EXPECTED

Every count, every offset of missing, extra and mutated records, the verdict, and no divergence
besides. Where two answers are equally right (which of two equal copies is the duplicate, which of
two swapped neighbours moved) only the counts are binding. Prints what is wrong, one line each; exit
0 if nothing is.
"""
import sys

import report as rep

LISTS = ("missing", "extra", "duplicated", "reordered", "mutated")


def expected_verdict(expected):
    return "divergent" if any(p.get(k) for p in expected["pairs"] for k in LISTS) else "parity"


def free_offsets(p):
    """Offsets beside a duplicate or a swap, where the map has a choice: (source, target) sets.

    A swapped pair of neighbours may be told as the one or the other that moved, and a doubled
    record may be matched with either copy; both choices only touch the run of records around them,
    which the truth bounds: from the place where a record is to the place where it went.
    """
    source, target = set(), set()
    for s, t in p.get("reordered", []):
        home = nearest_target(p, s)
        lo, hi = min(t, home) - 2, max(t, home) + 2
        target.update(range(lo, hi + 1))
        source.update(range(s - 2, s + 3))
        back = nearest_source(p, t)
        source.update(range(min(s, back) - 2, max(s, back) + 3))
    for t in p.get("duplicated", []):
        near = nearest_source(p, t)
        source.update(range(near - 2, near + 3))
        target.update(range(t - 2, t + 3))
    return source, target


def nearest_target(p, s):
    best = None
    for a, b, n in p["offset_map"]:
        if a <= s:
            best = b + min(s - a, n)
    return best if best is not None else 0


def nearest_source(p, t):
    best = None
    for a, b, n in p["offset_map"]:
        if b <= t:
            best = a + min(t - b, n)
    return best if best is not None else 0


def expected_map(p):
    return {a + i: b + i for a, b, n in p["offset_map"] for i in range(n)}


def check_pair(n, got, p, findings):
    errors = []
    mine = [f for f in findings if f["pair"] == n]

    def same(what, a, b):
        if a != b:
            errors.append("%s: %s: report says %s, truth is %s" % (p["source"], what, a, b))

    for name in ("source_records", "target_records"):
        same(name, got[name], p[name])
    same("verified", got["verified"], p["matched"])
    for kind in LISTS:
        same(kind, got[kind], len(p.get(kind, [])))
    same("compacted", got["compacted"], len(p.get("compacted", [])))
    for name in ("ambiguous", "unverifiable", "pending", "unseen_source", "unseen_target"):
        same(name, got[name], 0)
    same("coverage", got["coverage"], 1)
    same("missing offsets", rep.expand(mine, "RECORD_MISSING", "source"), p.get("missing", []))
    same("extra offsets", rep.expand(mine, "RECORD_EXTRA", "target"), p.get("extra", []))
    same("mutated offsets", rep.expand(mine, "RECORD_MUTATED"),
         sorted(map(tuple, p.get("mutated", []))))

    source, target = free_offsets(p)
    truth = expected_map(p)
    have = dict(rep.map_pairs(got))
    wrong = [(s, have.get(s), truth.get(s)) for s in sorted(set(have) | set(truth))
             if have.get(s) != truth.get(s) and s not in source and
             (have.get(s) is None or have[s] not in target)]
    if wrong:
        errors.append("%s: offset map differs at (source, report, truth) %s" %
                      (p["source"], wrong[:8]))
    return errors


def check(report, expected):
    errors = rep.consistency_errors(report)
    if errors:
        return errors
    pairs = {}
    for n, p in enumerate(report["pairs"]):     # a topic made again has a pair a life, oldest first
        pairs.setdefault(rep.pair_name(p["source"]), []).append((n, p))
    want = expected_verdict(expected)
    if report["verdict"] != want:
        errors.append("verdict: report says %s, truth is %s" % (report["verdict"], want))
    for p in expected["pairs"]:
        if not pairs.get(p["source"]):
            errors.append("%s: the report has no such pair" % p["source"])
            continue
        n, got = pairs[p["source"]].pop(0)
        if rep.pair_name(got["target"]) != p["target"]:
            errors.append("%s: paired with %s, not %s" %
                          (p["source"], rep.pair_name(got["target"]), p["target"]))
        errors += check_pair(n, got, p, report["findings"])
    for name, got in ((k, got) for k, lives in pairs.items() for _, got in lives):
        if got["source_records"] or got["target_records"]:
            errors.append("%s: a pair with records that the truth does not know" % name)
    for f in report["findings"]:
        if f["severity"] == "divergence" and f["code"] not in rep.COUNTED:
            errors.append("divergence besides: %s: %s" % (f["code"], f["message"]))
    return errors


def main(argv):
    if len(argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    errors = check(rep.load(argv[1]), rep.load(argv[2]))
    for e in errors:
        print(e)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
