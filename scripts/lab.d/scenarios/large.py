# SPDX-License-Identifier: Apache-2.0
"""Records of up to 1 MB, plain and compressed, beside small ones; a few are changed or dropped."""


def run(lab):
    big = {"max.message.bytes": "3000000"}
    size = {"message.max.bytes": 3000000}
    lab.record()
    a = lab.topic("a", 2, config=big)
    m = lab.mirror(seed=11, faults={"drop": .04, "value": .04}, producer=size,
                   consumer={"fetch.message.max.bytes": 3000000})
    lab.produce(a, 2, 1, 12, size=(900000, 1000000), conf=size)
    lab.produce(a, 2, 2, 12, size=(900000, 1000000), conf={**size, "compression.type": "zstd"})
    lab.produce(a, 2, 3, 100)
    lab.produce(a, 2, 4, 20, size=(30000, 200000), conf={**size, "compression.type": "lz4"})
    lab.finish(m)
    lab.stop_recording()
    lab.conclude()
