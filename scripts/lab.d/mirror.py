# SPDX-License-Identifier: Apache-2.0
"""A simple mirror: same topics, same partitions, same timestamps; it can make known mistakes.

Every mistake is told in a list, a dictionary each: kind, the record's place at the source, and the
new key or value. A swap holds a record back until the partition's next one has been sent.
"""
import os
import random
import signal
import time

from confluent_kafka import Consumer, Producer, TIMESTAMP_CREATE_TIME

KINDS = ("drop", "dup", "swap", "move", "extra", "value", "key", "header", "timestamp")


QUIET = 3.0


class Shared:
    """Between a mirror and its starter: no more mistakes, end; when the last record came."""

    def __init__(self, context):
        self.calm, self.stop = context.Event(), context.Event()
        self.last = context.Value("d", 0)

    def settle(self):
        limit = time.time() + 60
        while not self.last.value or time.time() - self.last.value < QUIET:
            if time.time() > limit:
                raise RuntimeError("the mirror does not come to rest")
            time.sleep(0.1)


class Mirror:
    """Dies, if asked, after so many records. `shared` is what its starter sees of it."""

    def __init__(self, shared, source, target, topics, faults=None, seed=1, partitions=0,
                 consumer=None, producer=None, times=True, die_after=0):
        self.shared = shared
        self.c = Consumer({"bootstrap.servers": source, "client.id": "mirror",
                           "group.id": "mirror-%d" % os.getpid(),
                           "auto.offset.reset": "earliest", "isolation.level": "read_committed",
                           "fetch.wait.max.ms": 50, "enable.auto.commit": True,
                           "topic.metadata.refresh.interval.ms": 2000, **(consumer or {})})
        self.p = Producer({"bootstrap.servers": target, "client.id": "mirror", "linger.ms": 5,
                           "enable.idempotence": True, **(producer or {})})
        self.c.subscribe(topics)
        self.rate, self.rng = faults or {}, random.Random(seed)
        self.partitions, self.times, self.die_after = partitions, times, die_after
        self.held, self.told, self.failed, self.seen = {}, [], [], set()

    def done(self, err, _):
        if err is not None:
            self.failed.append(str(err))

    def send(self, t, p, key, value, headers, ts):
        while True:
            try:
                self.p.produce(t, value, key, p, self.done, timestamp=ts if self.times else 0,
                               headers=headers)
                return
            except BufferError:
                self.p.poll(0.1)

    def pick(self):
        if self.shared.calm.is_set():
            return None
        x = self.rng.random()
        for kind in KINDS:
            x -= self.rate.get(kind, 0)
            if x < 0:
                return kind
        return None

    def carry(self, m):
        t, p, key, value = m.topic(), m.partition(), m.key(), m.value()
        headers, ts = list(m.headers() or []), m.timestamp()[1]
        kind = self.pick()
        if kind == "swap" and (t, p) not in self.held:
            self.held[t, p] = (t, p, key, value, headers, ts)
            self.tell(kind, m)
            return
        if kind == "value":
            value = b"changed " + (value or b"nothing")
        elif kind == "key":
            key = b"changed " + (key or b"nothing")
        elif kind == "header":
            headers.append(("changed", b"1"))
        elif kind == "timestamp":
            ts += 1
        elif kind == "move" and self.partitions > 1:
            p = (p + 1) % self.partitions
        if kind and kind != "swap":
            self.tell(kind, m)
        if kind == "extra":
            self.send(t, p, b"extra", b"extra %d" % m.offset(), [], ts)
        if kind != "drop":
            self.send(t, p, key, value, headers, ts)
        if kind == "dup":
            self.send(t, p, key, value, headers, ts)
        late = self.held.pop((m.topic(), m.partition()), None)
        if late:
            self.send(*late)

    def tell(self, kind, m):
        self.told.append({"kind": kind, "t": m.topic(), "p": m.partition(), "o": m.offset()})

    def run(self):
        """Mirrors until it is stopped and all is quiet; returns (mistakes, what it read)."""
        last = time.time()
        while not self.shared.stop.is_set() or time.time() - last < QUIET:
            m = self.c.poll(0.1)
            self.p.poll(0)
            if m is None or m.error():
                continue
            last = self.shared.last.value = time.time()
            self.seen.add((m.topic(), m.partition(), m.offset()))
            self.carry(m)
            if len(self.seen) == self.die_after:
                self.p.flush(60)
                os.kill(os.getpid(), signal.SIGKILL)
        for late in self.held.values():
            self.send(*late)
        left = self.p.flush(60)
        self.c.close()
        if left or self.failed:
            raise RuntimeError("the mirror failed: %r" % self.failed[:3])
        return self.told, self.seen


def run(shared, *args, **kwargs):
    return Mirror(shared, *args, **kwargs).run()
