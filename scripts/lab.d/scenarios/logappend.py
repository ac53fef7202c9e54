# SPDX-License-Identifier: Apache-2.0
"""LogAppendTime: at the target only (one topic), on both sides (another), with some mistakes."""


def run(lab):
    late = {"message.timestamp.type": "LogAppendTime"}
    lab.record()
    a = lab.topic("tgt", 2, config={}, target_config=late)
    b = lab.topic("both", 2, config=late)
    c = lab.topic("src", 2, config=late, target_config={})
    m = lab.mirror(seed=5, faults={"drop": .03, "dup": .03, "value": .03})
    for n, t in enumerate((a, b, c)):
        lab.produce(t, 2, "x%d" % n, 60, conf={"compression.type": ("none", "zstd", "lz4")[n]})
        lab.produce(t, 2, "y%d" % n, 40, flush_each=20, conf={"compression.type": "gzip"})
    lab.finish(m)
    lab.stop_recording()
    lab.conclude()
