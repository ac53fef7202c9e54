# SPDX-License-Identifier: Apache-2.0
"""An unclean election takes records that were acknowledged, and some that were not for good.

The follower is away, the leader acknowledges more, is killed, and the follower leads without that.
Nobody has read it, but in `read`. What each producer was told, and what a consumer finds in the
end, says which records are lost: those that were acknowledged by all replicas in sync, that lie in
front of such a one, or that a consumer was given."""
import time

import clients
import truth
from confluent_kafka.admin import NewTopic

# What the leader alone acknowledges, and how many records come after the election.
LOST = {"all": (("all", 20),), "one": (("1", 20),), "read": (("1", 20),), "short": (("all", 20),),
        "mixed": (("1", 6), ("all", 6), ("1", 6))}
AFTER = {"short": 5}


def make(bootstrap, topics):
    a = clients.admin(bootstrap)
    config = {"unclean.leader.election.enable": "true", "min.insync.replicas": "1"}
    clients.wait(a.create_topics([NewTopic(t, num_partitions=1, replica_assignment=[[1, 2]],
                                           config=config) for t in topics]))
    time.sleep(1)


def told(bootstrap, topic, seed, n, acks):
    """Produces n records of one partition, three a batch; returns what each was told, as rows."""
    p = clients.Producer({"bootstrap.servers": bootstrap, "linger.ms": 20, "acks": acks})
    rows = []

    def done(err, m):
        if err is not None:
            raise RuntimeError("not acknowledged: %s" % err)
        rows.append({"o": m.offset(), "acks": acks,
                     "id": truth.content_id(m.key(), m.value())})
    for i, (key, value, _) in enumerate(clients.records(seed, n)):
        p.produce(topic, value, key, 0, done)
        if i % 3 == 2:
            p.flush(60)
    if p.flush(60):
        raise RuntimeError("no answer")
    return rows


def lost(rows, read, found):
    """Offsets of what was committed, and is not there."""
    end = max((r["o"] for r in rows if r["acks"] == "all"), default=-1)
    there = {(r["o"], r["id"]) for r in found}
    return [r["o"] for r in rows if (read or r["o"] <= end) and (r["o"], r["id"]) not in there]


def run(lab):
    lab.record()
    name = {short: "%s-%s" % (lab.name, short) for short in LOST}
    lab.topics += name.values()
    lab.do("c1", make, lab.source, lab.topics)
    for t in lab.topics:
        lab.do("r1", clients.create, lab.target, t, 1, 1, {})
    m = lab.mirror([name["read"]])
    for t in lab.topics:
        lab.produce(t, 1, "before", 12, conf={"acks": "all"})
    lab.stop_broker("s2")
    rows = {short: [r for n, (acks, cnt) in enumerate(parts) for r in
                    lab.do("c1", told, lab.source, name[short], "lost%d" % n, cnt, acks)]
            for short, parts in LOST.items()}
    m.shared.settle()
    lab.stop_broker("s1", kill=True)
    lab.start_broker("s2")
    for short, t in name.items():
        lab.produce(t, 1, "after", AFTER.get(short, 30), conf={"acks": "all"})
    lab.start_broker("s1")
    others = [t for short, t in name.items() if short != "read"]
    late = lab.mirror(others)
    lab.finish(m, [name["read"]])
    lab.finish(late, others)
    lab.stop_recording()
    lab.conclude()
    found = lab.dumps["src"][1]
    lab.within = {"ACKED_LOST": {name[short] + "-0": gone for short in LOST if (gone := lost(
        rows[short], short == "read", [r for r in found if r["t"] == name[short]]))}}
