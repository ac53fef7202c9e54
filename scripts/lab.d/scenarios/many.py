# SPDX-License-Identifier: Apache-2.0
"""Sixty small partitions of one topic and a dozen empty ones of another; and a topic never used."""


def run(lab):
    lab.record()
    a = lab.topic("a", 60)
    b = lab.topic("b", 16)
    lab.topic("never", 3)
    m = lab.mirror(seed=4, faults={"drop": .005, "extra": .005})
    lab.produce(a, 60, 1, 400)
    lab.produce(b, 4, 2, 60)
    lab.finish(m, [a])
    lab.stop_recording()
    lab.conclude()
