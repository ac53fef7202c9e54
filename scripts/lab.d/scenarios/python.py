# SPDX-License-Identifier: Apache-2.0
"""kafka-python as producer and consumer at the source, and as the target's second writer."""
import clients


def write(bootstrap, topic, partitions, seed, n, **conf):
    from kafka import KafkaProducer
    p = KafkaProducer(bootstrap_servers=bootstrap.split(","), **conf)
    for i, (key, value, headers) in enumerate(clients.records(seed, n, headers=0)):
        p.send(topic, value=value, key=key, headers=headers, partition=i % partitions)
        if i % 40 == 39:
            p.flush()
    p.flush()
    p.close()


def read(bootstrap, topic):
    from kafka import KafkaConsumer
    c = KafkaConsumer(topic, bootstrap_servers=bootstrap.split(","), group_id="kp",
                      auto_offset_reset="earliest", consumer_timeout_ms=4000)
    n = sum(1 for _ in c)
    c.close()
    return n


def run(lab):
    lab.record()
    a = lab.topic("a", 2)
    m = lab.mirror(seed=8, faults={"drop": .01, "value": .01})
    for n, codec in enumerate((None, "gzip", "snappy", "lz4", "zstd")):
        lab.do("c1", write, lab.source, a, 2, "p%d" % n, 80, compression_type=codec)
    lab.do("c2", read, lab.source, a)
    lab.finish(m)
    lab.stop_recording()
    lab.conclude()
