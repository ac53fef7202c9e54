# SPDX-License-Identifier: Apache-2.0
"""The capture starts when everybody has been connected and fetching for a while."""
import time

import clients


def run(lab):
    a = lab.topic("a", 3)
    m = lab.mirror(seed=1, faults={"drop": .02})
    p = lab.go("c1", clients.produce, lab.source, a, 3, 1, 600, pause=.03)
    q = lab.go("c3", clients.consume, lab.target, [a], "shadow", 25)
    time.sleep(8)
    lab.record()
    p.result()
    lab.finish(m)
    q.result()
    lab.stop_recording()
    lab.conclude()
