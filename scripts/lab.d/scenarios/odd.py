# SPDX-License-Identifier: Apache-2.0
"""Odd records: empty and null parts, repeated header names, timestamps at the edge; and a mirror
that makes null of empty and empty of null here and there."""
import clients
import mirror

PARTS = (None, b"", b"x", b"\x00")
HEADERS = ([], [("", b"")], [("a", None), ("a", b"")], [("a", b""), ("a", None)],
           [("\u00e9\u4e2d", b"\xff\xfe")], [("h%d" % i, b"%d" % i) for i in range(150)])
TIMES = (1, 1700000000000, 1000000000, 1795000000000, 1699999999999)


def odd(bootstrap, topic):
    p = clients.Producer({"bootstrap.servers": bootstrap, "compression.type": "lz4"})
    n = 0
    for key in PARTS:
        for value in PARTS:
            for headers in HEADERS:
                p.produce(topic, value, key, n % 2, timestamp=TIMES[n % len(TIMES)],
                          headers=headers)
                n += 1
        p.flush()


class Careless(mirror.Mirror):
    def send(self, t, p, key, value, headers, ts):
        self.sent = getattr(self, "sent", 0) + 1
        if self.sent % 11 == 5 and value == b"":
            value = None
        elif self.sent % 13 == 5 and key is None:
            key = b""
        elif self.sent % 17 == 5 and headers and headers[0][1] is None:
            headers = list(reversed(headers))
        super().send(t, p, key, value, headers, ts)


def careless(shared, *args):
    return Careless(shared, *args).run()


def run(lab):
    lab.record()
    a = lab.topic("a", 2, config={"retention.ms": "-1"})
    mirror.run = careless
    m = lab.mirror()
    lab.do("c1", odd, lab.source, a)
    lab.finish(m)
    lab.stop_recording()
    lab.conclude()
