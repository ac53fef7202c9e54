# SPDX-License-Identifier: Apache-2.0
"""The mirror dies without having committed, and a new one starts from an older place."""


def run(lab):
    lab.record()
    a = lab.topic("a", 2)
    m = lab.mirror(die_after=150, consumer={"auto.commit.interval.ms": 600000})
    lab.produce(a, 2, 1, 200, pause=.005)
    m.process.join()
    m = lab.mirror()
    lab.produce(a, 2, 2, 100)
    lab.finish(m)
    lab.stop_recording()
    lab.conclude()
