# SPDX-License-Identifier: Apache-2.0
"""A compacted topic: the cleaner runs before the mirror reads, and again after it."""
import time

CONFIG = {"cleanup.policy": "compact", "segment.ms": "1500", "min.cleanable.dirty.ratio": "0.01",
          "delete.retention.ms": "600000"}
PLAIN = {"null_keys": 0, "keys": 20}


def run(lab):
    lab.record()
    a = lab.topic("a", 2, config=CONFIG, target_config={"cleanup.policy": "compact"})
    w = lab.watch(a, 2)
    lab.produce(a, 2, 1, 200, **PLAIN)
    for n in range(40):                 # a segment is closed when a record comes after its time
        time.sleep(1)
        lab.produce(a, 2, "roll%d" % n, 2, **PLAIN)
        marks, rows = lab.look()[0]
        if len(rows) < sum(hi for _, hi in marks.values()) - 60:
            break
    else:
        raise RuntimeError("the cleaner did not run")
    m = lab.mirror()
    lab.produce(a, 2, 2, 100, **PLAIN)
    for n in range(8):
        time.sleep(1)
        lab.produce(a, 2, "after%d" % n, 3, **PLAIN)
    seen = lab.finish(m)
    lab.stop_recording()
    rows = lab.watched(w)
    lab.conclude(rows, {(r["t"], r["p"], r["o"]) for r in rows} - seen)
