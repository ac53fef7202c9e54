# SPDX-License-Identifier: Apache-2.0
"""A mirror with every mistake, each about once in a hundred records; committed transactions."""
import clients


def run(lab):
    lab.record()
    a, b = lab.topic("orders", 3), lab.topic("pay", 2)
    m = lab.mirror(partitions=2, seed=7, faults={k: 0.01 for k in (
        "drop", "dup", "swap", "move", "extra", "value", "key", "header", "timestamp")})
    for seed, codec in enumerate(("none", "lz4", "zstd")):
        lab.produce(a, 3, seed, 250, conf={"compression.type": codec})
    lab.do("c2", clients.transact, lab.source, b, 2, "pay", 10, 20, abort_every=0)
    lab.finish(m)
    lab.stop_recording()
    lab.conclude()
