# SPDX-License-Identifier: Apache-2.0
"""A compacted topic: the cleaner runs before the mirror reads, and again after it."""
import time

import clients

CONFIG = {"cleanup.policy": "compact", "segment.ms": "1500", "min.cleanable.dirty.ratio": "0.01",
          "delete.retention.ms": "600000", "min.compaction.lag.ms": "0"}


def cleaned(lab, topic, more):
    """Waits until the cleaner has removed something; says what the topic holds then."""
    for n in range(60):
        lab.produce(topic, 2, "roll%s%d" % (more, n), 2, keys=10, null_keys=0, tombstones=0)
        time.sleep(1)
        d = lab.look()[0]
        if len(d[1]) < sum(hi for _, hi in d[0].values()) - 60:
            return d
    raise RuntimeError("the cleaner did not run")


def run(lab):
    lab.record()
    a = lab.topic("a", 2, config=CONFIG, target_config={"cleanup.policy": "compact"})
    rows = {}

    def keep(d):
        rows.update({(r["t"], r["p"], r["o"]): r for r in d[1]})
        return d
    lab.produce(a, 2, 1, 200, keys=20, null_keys=0)
    keep(lab.look()[0])
    for n in range(40):
        lab.produce(a, 2, "roll%d" % n, 2, keys=10, null_keys=0, tombstones=0)
        d = keep(lab.look()[0])
        if n > 2 and len(d[1]) < len(rows) - 50:
            break
        time.sleep(1)
    else:
        raise RuntimeError("the cleaner did not run")
    m = lab.mirror()
    lab.produce(a, 2, 2, 100, keys=20, null_keys=0)
    time.sleep(2)
    keep(lab.look()[0])
    lab.do("c3", time.sleep, 0)
    for n in range(8):
        lab.produce(a, 2, "tail%d" % n, 3, keys=10, null_keys=0, tombstones=0)
        keep(lab.look()[0])
        time.sleep(1)
    lab.finish(m)
    lab.stop_recording()
    last = keep(lab.look()[0])
    copies = lab.look()[1]
    have = {(r["t"], r["p"], r["id"]) for r in copies[1]}
    gone = {k for k, r in rows.items() if (r["t"], r["p"], r["id"]) not in have}
    lab.conclude(source=(last[0], [rows[k] for k in sorted(rows)]), target=copies, gone=gone)
