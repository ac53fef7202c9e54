# SPDX-License-Identifier: Apache-2.0
"""Records that the source's broker refuses: too large, or from too long ago; the rest go on."""
import clients


def refused(bootstrap, topic):
    p = clients.Producer({"bootstrap.servers": bootstrap, "linger.ms": 20, "batch.num.messages": 8,
                          "message.max.bytes": 900000})
    said = []
    for i, (key, value, headers) in enumerate(clients.records("refused", 120)):
        old = i % 20 == 7
        if i % 30 == 11:
            value = b"L" * 60000
        p.produce(topic, value, key, i % 2, lambda e, m: said.append(e) if e else None,
                  timestamp=1000 if old else 0, headers=headers)
        if i % 10 == 9:
            p.flush()
    p.flush()
    if not said:
        raise RuntimeError("nothing was refused")


def run(lab):
    lab.record()
    a = lab.topic("a", 2, config={"max.message.bytes": "20000",
                                  "message.timestamp.before.max.ms": "3600000"}, target_config={})
    m = lab.mirror(seed=2, faults={"drop": .02})
    lab.do("c1", refused, lab.source, a)
    lab.finish(m)
    lab.stop_recording()
    lab.conclude()
