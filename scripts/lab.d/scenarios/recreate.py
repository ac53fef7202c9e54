# SPDX-License-Identifier: Apache-2.0
"""A topic is deleted on both sides and created again with the same name and other records."""
import time

import clients


def run(lab):
    lab.record()
    for life in (1, 2):
        a = lab.topic("a", 2)
        m = lab.mirror(seed=life, faults={"drop": .02, "value": .02})
        lab.produce(a, 2, "life%d" % life, 150)
        lab.finish(m)
        lab.conclude()
        if life == 1:
            for side in (lab.source, lab.target):
                lab.do("c1", clients.drop, side, [a])
            time.sleep(2)
    lab.stop_recording()
