# SPDX-License-Identifier: Apache-2.0
"""Producers with acks=0, 1 and all at the source; the mirror's own producer uses acks=1.

A consumer at the target shows that those records are committed.
"""
import clients


def run(lab):
    lab.record()
    a, b, c = lab.topic("zero", 2), lab.topic("one", 2), lab.topic("mixed", 2)
    q = lab.go("c3", clients.consume, lab.target, [a, b, c], "shadow", 14)
    m = lab.mirror(producer={"acks": 1, "enable.idempotence": False}, seed=2,
                   faults={"drop": .01, "value": .01})
    lab.produce(a, 2, 1, 200, conf={"acks": 0, "compression.type": "lz4"})
    lab.produce(b, 2, 2, 200, conf={"acks": 1}, flush_each=10)
    for n, acks in enumerate((0, 1, "all")):
        lab.produce(c, 2, "m%d" % n, 80, conf={"acks": acks})
    lab.finish(m)
    q.result()
    lab.stop_recording()
    lab.conclude()
