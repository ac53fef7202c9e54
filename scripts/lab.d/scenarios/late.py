# SPDX-License-Identifier: Apache-2.0
"""The capture starts when everybody has been connected and fetching for a while."""
import time

import clients


def run(lab):
    a = lab.topic("a", 3)
    m = lab.mirror(seed=1, faults={"value": .03, "header": .03})
    first = lab.go("c1", talk, lab.source, a)
    q = lab.go("c3", clients.consume, lab.target, [a], "shadow", 25)
    time.sleep(6)
    ends = [lab.do("truth", clients.ends, b, [(a, p) for p in range(3)])
            for b in (lab.source, lab.target)]
    lab.record()
    first.result()
    lab.finish(m)
    q.result()
    lab.stop_recording()
    lab.conclude(seen_from=[{k: hi for k, (_, hi) in e.items()} for e in ends])


def talk(bootstrap, topic):
    """One producer that writes before the capture starts and, after a pause, on it."""
    p = clients.Producer({"bootstrap.servers": bootstrap, "linger.ms": 5})
    for i, (key, value, headers) in enumerate(clients.records("talk", 500)):
        p.produce(topic, value, key, i % 3, headers=headers)
        if i == 100:
            p.flush()
            time.sleep(9)
        elif i > 100:
            p.poll(.02)
    p.flush()
