# SPDX-License-Identifier: Apache-2.0
"""Records that repeat: a few contents, many times, often in the same millisecond."""
import random

import clients


def same(bootstrap, topic, n):
    p = clients.Producer({"bootstrap.servers": bootstrap, "linger.ms": 20})
    rng = random.Random(1)
    for i in range(n):
        p.produce(topic, b"beat %d" % rng.randrange(3), b"beat", i % 2,
                  timestamp=1700000000000 + i // 8)
        if i % 50 == 49:
            p.flush()
    p.flush()


def run(lab):
    lab.record()
    a = lab.topic("a", 2, config={"retention.ms": "-1"})
    m = lab.mirror(seed=6, faults={"drop": .02, "dup": .02, "extra": .01})
    lab.do("c1", same, lab.source, a, 400)
    lab.finish(m)
    lab.stop_recording()
    lab.conclude()
