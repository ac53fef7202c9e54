# SPDX-License-Identifier: Apache-2.0
"""LogAppendTime: at the target only (one topic), on both sides (another), with some mistakes."""


def run(lab):
    late = {"message.timestamp.type": "LogAppendTime"}
    lab.record()
    a = lab.topic("tgt", 2, config={}, target_config=late)
    b = lab.topic("both", 2, config=late)
    c = lab.topic("src", 2, config=late, target_config={})
    m = lab.mirror(seed=5, faults={"drop": .01, "dup": .01, "value": .01})
    for n, t in enumerate((a, b, c)):
        lab.produce(t, 2, "x%d" % n, 150, conf={"compression.type": ("none", "zstd", "lz4")[n]})
        lab.produce(t, 2, "y%d" % n, 100, flush_each=10, conf={"compression.type": "gzip"})
    lab.finish(m)
    lab.stop_recording()
    lab.conclude()
