# SPDX-License-Identifier: Apache-2.0
"""Idempotent and transactional producers, interleaved, with aborts; the mirror reads committed."""
import clients


def run(lab):
    lab.record()
    a, b = lab.topic("a", 2), lab.topic("b", 1)
    m = lab.mirror(producer={"compression.type": "zstd"})
    jobs = [lab.go("c1", clients.transact, lab.source, a, 2, "one", 12, 10, abort_every=3),
            lab.go("c2", clients.transact, lab.source, a, 2, "two", 8, 15, abort_every=2,
                   conf={"compression.type": "lz4"}),
            lab.go("c3", clients.produce, lab.source, a, 2, "idem", 100, pause=.01,
                   conf={"enable.idempotence": True}),
            lab.go("c1", clients.transact, lab.source, b, 1, "all-aborted", 3, 5, abort_every=1)]
    for j in jobs:
        j.result()
    lab.finish(m, [a])
    lab.stop_recording()
    lab.conclude()
