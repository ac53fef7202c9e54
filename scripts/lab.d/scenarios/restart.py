# SPDX-License-Identifier: Apache-2.0
"""One source broker stops, and starts again, while producers and the mirror go on."""
import clients


def run(lab):
    lab.record()
    a = lab.topic("a", 3)
    m = lab.mirror(seed=1, faults={"drop": .01, "value": .01})
    p = lab.go("c1", clients.produce, lab.source, a, 3, 1, 600, pause=.04)
    q = lab.go("c2", clients.produce, lab.source, a, 3, 2, 300, pause=.08,
               conf={"enable.idempotence": True})
    lab.stop_broker("s2")
    lab.start_broker("s2")
    p.result(), q.result()
    lab.finish(m)
    lab.stop_recording()
    lab.conclude()
