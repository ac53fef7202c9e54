# SPDX-License-Identifier: Apache-2.0
"""MirrorMaker 2 with exactly-once support: the target is written in transactions."""
import clients


def run(lab):
    lab.rename = lambda t: "source." + t
    lab.record()
    a = lab.topic("a", 3, target=False)
    lab.mm2(**{"target.exactly.once.source.support": "enabled",
               "dedicated.mode.enable.internal.rest": "true", "listeners": "http://127.0.0.1:8083"})
    lab.produce(a, 3, 1, 300)
    lab.do("c2", clients.transact, lab.source, a, 3, "tx", 6, 10)
    lab.produce(a, 3, 2, 100)
    counts = {}
    for r in lab.look()[0][1]:
        if r["c"]:
            counts[lab.rename(a), r["p"]] = counts.get((lab.rename(a), r["p"]), 0) + 1
    lab.wait_target(counts)
    lab.stop_mm2()
    lab.stop_recording()
    lab.conclude()
