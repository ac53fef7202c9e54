# SPDX-License-Identifier: Apache-2.0
"""Both topics get more partitions while records flow."""
import time

import clients


def grow(bootstrap, topic, n):
    from confluent_kafka.admin import NewPartitions
    a = clients.admin(bootstrap)
    clients.wait(a.create_partitions([NewPartitions(topic, n)]))


def run(lab):
    lab.record()
    a = lab.topic("a", 2)
    m = lab.mirror(seed=9, faults={"drop": .02, "value": .02})
    lab.produce(a, 2, 1, 100)
    lab.do("r1", grow, lab.target, a, 5)
    lab.do("c1", grow, lab.source, a, 5)
    time.sleep(3)
    lab.produce(a, 5, 2, 200, host="c2")
    lab.finish(m)
    lab.stop_recording()
    lab.conclude()
