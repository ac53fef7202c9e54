# SPDX-License-Identifier: Apache-2.0
"""The topic is deleted and made again at the source only; the mirror goes on into the old copy."""
import time

import clients


def run(lab):
    lab.record()
    a = lab.topic("a", 1)
    m = lab.mirror()
    lab.produce(a, 1, "life1", 60)
    lab.finish(m)
    first = lab.look()[0]
    lab.do("c1", clients.drop, lab.source, [a])
    time.sleep(2)
    lab.do("c1", clients.create, lab.source, a, 1, 3, {})
    m = lab.mirror()
    lab.produce(a, 1, "life2", 60)
    lab.finish(m)
    lab.stop_recording()
    lab.conclude(first[1] + [dict(r, o=r["o"] + len(first[1])) for r in lab.look()[0][1]])
