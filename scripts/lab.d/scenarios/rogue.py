# SPDX-License-Identifier: Apache-2.0
"""A client writes some records of its own straight to the target, between the mirror's."""
import clients


def run(lab):
    lab.record()
    a = lab.topic("a", 3)
    m = lab.mirror()
    p = lab.go("c1", clients.produce, lab.source, a, 3, 1, 300, pause=.02)
    for n in range(5):
        lab.produce(a, 3, "rogue%d" % n, 4, host="c3", bootstrap=lab.target)
    p.result()
    lab.finish(m)
    lab.stop_recording()
    lab.conclude()
