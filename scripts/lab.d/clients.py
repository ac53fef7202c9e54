# SPDX-License-Identifier: Apache-2.0
"""Client programs of the lab. Each runs in a process of its own in the namespace of its host."""
import random
import time

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

SASL = {"security.protocol": "SASL_PLAINTEXT", "sasl.username": "bob",
        "sasl.password": "bob-secret"}


def records(seed, n, size=(100, 300), keys=40, null_keys=0.1, tombstones=0.05, headers=0.3):
    """n records that differ but for tombstones, as (key, value, headers); the same for a seed."""
    rng = random.Random(seed)
    for i in range(n):
        key = None if rng.random() < null_keys else b"k-%04d" % rng.randrange(keys)
        value = None
        if key is None or rng.random() >= tombstones:
            body = rng.choices(b"abcdefghijklmnopqrstuvwxyz 0123456789", k=rng.randrange(*size))
            value = b"%s-%06d " % (str(seed).encode(), i) + bytes(body)
        named = None
        if rng.random() < headers:
            named = [("trace", b"%08x" % rng.getrandbits(32)), ("empty", None), ("trace", b"")]
        yield key, value, named[:rng.randrange(1, 4)] if named else []


def produce(bootstrap, topic, partitions, seed, n, conf=None, pause=0.0, flush_each=0, **shape):
    """Produces n records, spread over the partitions by the seed."""
    p = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5, **(conf or {})})
    rng, failed = random.Random(seed), []

    def done(err, _):
        if err is not None:
            failed.append(err)
    for i, (key, value, headers) in enumerate(records(seed, n, **shape)):
        while True:
            try:
                p.produce(topic, value, key, rng.randrange(partitions), done, headers=headers)
                break
            except BufferError:
                p.poll(0.1)
        p.poll(0)
        if flush_each and i % flush_each == flush_each - 1:
            p.flush(60)
        if pause:
            time.sleep(pause)
    if p.flush(60) or failed:
        raise RuntimeError("not produced: %r" % failed[:3])


def transact(bootstrap, topic, partitions, seed, rounds, each, abort_every=3, conf=None):
    """Transactions of `each` records; every abort_every-th is aborted after it was flushed."""
    p = Producer({"bootstrap.servers": bootstrap, "transactional.id": "tx-%s" % seed,
                  "linger.ms": 2, **(conf or {})})
    p.init_transactions(60)
    rng, source = random.Random(seed), records(seed, rounds * each)
    for i in range(rounds):
        p.begin_transaction()
        for _ in range(each):
            key, value, headers = next(source)
            p.produce(topic, value, key, rng.randrange(partitions), headers=headers)
        p.flush(60)
        if abort_every and i % abort_every == abort_every - 1:
            p.abort_transaction(60)
        else:
            p.commit_transaction(60)


def consume(bootstrap, topics, group, seconds, conf=None):
    """A consumer group member that reads and commits for some seconds."""
    c = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "client.id": group,
                  "auto.offset.reset": "earliest", "auto.commit.interval.ms": 500,
                  "fetch.wait.max.ms": 100, **(conf or {})})
    c.subscribe(topics)
    limit, n = time.time() + seconds, 0
    while time.time() < limit:
        m = c.poll(0.2)
        n += m is not None and not m.error()
    c.close()
    return n


def admin(bootstrap, **conf):
    return AdminClient({"bootstrap.servers": bootstrap, "client.id": "admin", **conf})


def wait(futures):
    for f in futures.values():
        f.result(60)


def create(bootstrap, topic, partitions, copies, config):
    a = admin(bootstrap)
    wait(a.create_topics([NewTopic(topic, partitions, copies, config=config)]))
    limit = time.time() + 30
    while time.time() < limit:
        t = a.list_topics(timeout=10).topics.get(topic)
        if t and not t.error and all(p.leader >= 0 for p in t.partitions.values()):
            return
        time.sleep(0.2)
    raise RuntimeError("no leaders for " + topic)


def drop(bootstrap, topics):
    a = admin(bootstrap)
    there = set(a.list_topics(timeout=10).topics)
    if there & set(topics):
        wait(a.delete_topics(sorted(there & set(topics)), operation_timeout=30))


def tail(bootstrap, topics, n=3):
    """A few plain records in each partition: with them, all that went before has a successor."""
    p = Producer({"bootstrap.servers": bootstrap, "client.id": "tail"})
    known = p.list_topics(timeout=10).topics
    for t in topics:
        for part in known[t].partitions:
            for key, value, _ in records("tail-%s-%d" % (t, part), n, null_keys=0, tombstones=0):
                p.produce(t, value, key, part)
    if p.flush(60):
        raise RuntimeError("no tail")


def topics(bootstrap):
    return sorted(admin(bootstrap).list_topics(timeout=10).topics)


def delete_records(bootstrap, topic, before):
    a = admin(bootstrap)
    wait(a.delete_records([TopicPartition(topic, p, o) for p, o in before.items()]))


def ends(bootstrap, parts):
    c = Consumer({"bootstrap.servers": bootstrap, "group.id": "truth"})
    out = {tp: c.get_watermark_offsets(TopicPartition(*tp), timeout=10) for tp in parts}
    c.close()
    return out
