# SPDX-License-Identifier: Apache-2.0
"""The mirror itself writes with acks=0; a consumer at the target shows what has arrived."""
import clients


def run(lab):
    lab.record()
    a = lab.topic("a", 2)
    m = lab.mirror(producer={"acks": 0, "enable.idempotence": False}, seed=2,
                   faults={"drop": .01, "value": .01})
    q = lab.go("c3", clients.consume, lab.target, [a], "shadow", 12)
    lab.produce(a, 2, 1, 200)
    lab.finish(m)
    q.result()
    lab.stop_recording()
    lab.conclude()
