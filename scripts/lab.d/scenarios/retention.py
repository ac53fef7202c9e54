# SPDX-License-Identifier: Apache-2.0
"""DeleteRecords at the source: once behind the mirror's back, once after it has read."""
import clients


def run(lab):
    lab.record()
    a = lab.topic("a", 2)
    lab.produce(a, 2, 1, 200)
    before = lab.look()[0]
    lab.do("c2", clients.delete_records, lab.source, a, {0: 40, 1: 30})
    m = lab.mirror()
    lab.produce(a, 2, 2, 200)
    lab.wait_target({(a, p): n - (40, 30)[p] for (_, p), n in lab.source_ends().items()})
    whole = lab.look()[0]
    lab.do("c2", clients.delete_records, lab.source, a, {0: 120})
    lab.produce(a, 2, 3, 50)
    lab.finish(m)
    lab.stop_recording()
    last = lab.look()[0]
    rows = {(r["t"], r["p"], r["o"]): r for d in (before, whole, last) for r in d[1]}
    gone = {(a, p, o) for p, n in ((0, 40), (1, 30)) for o in range(n)}
    lab.conclude(source=(last[0], [rows[k] for k in sorted(rows)]), gone=gone)
