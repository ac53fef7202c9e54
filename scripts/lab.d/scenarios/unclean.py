# SPDX-License-Identifier: Apache-2.0
"""An unclean election: acknowledged records are lost at the source, and others take their offsets.

The target has both. Truth is the source's log as it is in the end; besides the extra records, the
loss within the source is to be said."""
import signal
import time

import clients
from confluent_kafka.admin import NewTopic


def make(bootstrap, topic):
    a = clients.admin(bootstrap)
    config = {"unclean.leader.election.enable": "true", "min.insync.replicas": "1"}
    clients.wait(a.create_topics([NewTopic(topic, num_partitions=1, replica_assignment=[[1, 2]],
                                           config=config)]))
    time.sleep(1)


def run(lab):
    lab.record()
    a = lab.name + "-a"
    lab.do("c1", make, lab.source, a)
    lab.do("r1", clients.create, lab.target, a, 1, 1, {})
    lab.topics.append(a)
    m = lab.mirror()
    lab.produce(a, 1, 1, 40)
    lab.stop_broker("s2")
    lab.produce(a, 1, "lost", 20, conf={"acks": 1})
    time.sleep(2)
    lab.stop_broker("s1", kill=True)
    lab.start_broker("s2")
    lab.produce(a, 1, "after", 40)
    lab.start_broker("s1")
    time.sleep(3)
    lab.finish(m)
    lab.stop_recording()
    lab.conclude()
