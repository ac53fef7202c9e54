# SPDX-License-Identifier: Apache-2.0
"""DeleteRecords at the source: once behind the mirror's back, once after it has read."""
import clients


def run(lab):
    lab.record()
    a = lab.topic("a", 2)
    w = lab.watch(a, 2)
    lab.produce(a, 2, 1, 200)
    lab.do("c2", clients.delete_records, lab.source, a, {0: 40, 1: 30})
    m = lab.mirror()
    lab.produce(a, 2, 2, 200)
    lab.wait_target({(a, p): n - (40, 30)[p] for (_, p), n in lab.source_ends().items()})
    lab.do("c2", clients.delete_records, lab.source, a, {0: 120})
    lab.produce(a, 2, 3, 50)
    seen = lab.finish(m)
    lab.stop_recording()
    rows = lab.watched(w)
    lab.conclude(rows, {(r["t"], r["p"], r["o"]) for r in rows} - seen)
