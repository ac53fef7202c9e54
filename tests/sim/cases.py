#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Named cases: what must be said of each, with the evidence whole and with it taken away.

    cases.py PARITAP PARITAP-CASE [CASE...]

paritap_case.c tells the stories. Whole, all that is equal must be verified and nothing pending.
With the evidence missed, nothing may be divergent, and what it was about must be unseen.
"""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))
import report as rep    # noqa: E402

# Case: (verified, compacted) whole; verified, and what else, when it is missed.
CASES = {
    # [5, 10) was delivered by a fetch that the tap missed: no hole may be seen there.
    "session_gap": ((15, 0), 10, {"unseen_source": 5, "unverifiable_target": 5}),
    # Without its answer a Produce has no place.
    "ack_lost": ((15, 0), 10, {"unseen_source": 5, "unverifiable_target": 5}),
    # The second answer is as good as the first, and no second record.
    "retried": ((15, 0), 15, {"duplicated": 0, "unseen_source": 0}),
    # Offsets 5 to 7 hold other records than those that were acknowledged there by one broker.
    "truncated": ((13, 0), 10, {"pending_source": 3, "unverifiable_target": 3}),
    # Compaction took three records that no consumer was seen to get.
    "compacted": ((13, 3), 13, {"unverifiable_source": 3}),
    # An aborted transaction of which the tap saw the end only.
    "within_txn": ((10, 0), 10, {"pending": 0}),
    # What neither tap saw is unseen on both sides.
    "both_lose": ((15, 0), 10, {"unseen_source": 5, "unseen_target": 5}),
}


def told(paritap, case, name, whole):
    with tempfile.TemporaryDirectory() as tmp:
        out = os.path.join(tmp, "report.json")
        subprocess.run([case, *(["--whole"] if whole else []), name, tmp], check=True)
        subprocess.run([paritap, "replay", "--quiet", "--json", out,
                        "--source", os.path.join(tmp, "source.pcap"),
                        "--target", os.path.join(tmp, "target.pcap")],
                       stdout=subprocess.DEVNULL, check=False)
        return rep.load(out)


def wrong(report, want):
    errors = rep.consistency_errors(report)
    errors += ["%s: %s" % (f["code"], f["message"]) for f in report["findings"]
               if f["severity"] == "divergence"]
    if len(report["pairs"]) != 1:
        return errors + ["%d pairs" % len(report["pairs"])]
    pair = report["pairs"][0]
    return errors + ["%s is %d, should be %d" % (k, pair[k], v) for k, v in want.items()
                     if pair[k] != v]


def main():
    paritap, case = sys.argv[1:3]
    failed = 0
    for name in sys.argv[3:] or CASES:
        (verified, compacted), left, missed = CASES[name]
        for label, whole, want in (
                ("whole", True, {"verified": verified, "compacted": compacted, "pending": 0,
                                 "unverifiable": 0}),
                ("missed", False, {"verified": left, **missed})):
            errors = wrong(told(paritap, case, name, whole), want)
            failed += bool(errors)
            for e in errors:
                print("%s, %s: %s" % (name, label, e))
    print("%d cases, %d failed" % (2 * len(sys.argv[3:] or CASES), failed))
    return bool(failed)


sys.exit(main())
