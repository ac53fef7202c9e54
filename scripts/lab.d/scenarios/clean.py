# SPDX-License-Identifier: Apache-2.0
"""MirrorMaker 2 with default names; three codecs, transactions with aborts, a consumer group."""
import clients


def run(lab):
    lab.rename = lambda t: "source." + t
    lab.record()
    a = lab.topic("orders", 3, target=False)
    b = lab.topic("pay", 2, target=False)
    lab.mm2()
    for seed, codec in enumerate(("none", "lz4", "zstd", "gzip", "snappy")):
        lab.produce(a, 3, seed, 100, conf={"compression.type": codec})
    lab.do("c2", clients.transact, lab.source, b, 2, "pay", 9, 12)
    lab.do("c3", clients.consume, lab.source, [a, b], "readers", 3)
    lab.produce(a, 3, 9, 100, host="c2", conf={"acks": 1})
    # The aborted last transaction's records have no copies: wait for what will come.
    wanted = lab.look()[0][1]
    counts = {}
    for r in wanted:
        if r["c"]:
            counts[lab.rename(r["t"]), r["p"]] = counts.get((lab.rename(r["t"]), r["p"]), 0) + 1
    lab.wait_target(counts)
    lab.stop_mm2()
    lab.stop_recording()
    lab.conclude()
