# SPDX-License-Identifier: Apache-2.0
"""What a scenario sees: two clusters, hosts that run functions, a capture, and the truth."""
import json
import multiprocessing
import os
import signal
import time
import traceback

import capture
import clients
import cluster
import live
import mirror
import net
import truth

fork = multiprocessing.get_context("fork")


class Job:
    """A function that runs in a process of its own, in the namespace of a host."""

    def __init__(self, host, func, args, kwargs):
        self.name = "%s on %s" % (func.__name__, host)
        self.mine, theirs = fork.Pipe(False)
        self.process = fork.Process(target=self.child, args=(theirs, host, func, args, kwargs),
                                    daemon=True)
        self.process.start()
        theirs.close()

    def child(self, pipe, host, func, args, kwargs):
        try:
            net.enter(host)
            pipe.send((True, func(*args, **kwargs)))
        except BaseException:                       # the parent tells it
            pipe.send((False, traceback.format_exc()))

    def result(self):
        try:
            good, value = self.mine.recv()
        except EOFError:
            good, value = False, "died"
        self.process.join()
        if not good:
            raise RuntimeError("%s: %s" % (self.name, value))
        return value


class Lab:
    def __init__(self, name, folder, watched=False):
        """watched: paritapd listens to the monitor port instead of a recorder."""
        self.name, self.folder, self.watched_live = name, folder, watched
        self.path = os.path.join(folder, name)
        self.source, self.target = cluster.bootstrap("s"), cluster.bootstrap("t")
        self.sasl_source = cluster.bootstrap("s", 9094)
        self.sasl_target = cluster.bootstrap("t", 9094)
        self.topics, self.pairs, self.dumps = [], [], {"src": [{}, []], "tgt": [{}, []]}
        self.within = {}    # what the source is to be found guilty of: code -> topic-p -> offsets
        self.capture = None
        self.rename = lambda t: t

    # Work on hosts.
    def go(self, host, func, *args, **kwargs):
        return Job(host, func, args, kwargs)

    def do(self, host, func, *args, **kwargs):
        return self.go(host, func, *args, **kwargs).result()

    def topic(self, short, partitions=3, target=True, config=None, target_config=None):
        """Creates NAME-short at the source and, if a mirror does not do it, at the target."""
        t = "%s-%s" % (self.name, short)
        self.do("c1", clients.create, self.source, t, partitions, 3, config or {})
        if target:
            self.do("r1", clients.create, self.target, t, partitions, 1,
                    config or {} if target_config is None else target_config)
        if t not in self.topics:
            self.topics.append(t)
        return t

    def produce(self, topic, partitions, seed, n, host="c1", bootstrap=None, **more):
        self.do(host, clients.produce, bootstrap or self.source, topic, partitions, seed, n, **more)

    # The mirror, or MirrorMaker 2.
    def mirror(self, topics=None, **more):
        """topics: those that there are, if none are named."""
        shared = mirror.Shared(fork)
        job = self.go("r1", mirror.run, shared, self.source, self.target,
                      list(topics or self.topics), **more)
        job.shared = shared
        return job

    def finish(self, job, topics=None):
        """Lets a mirror run dry, without a mistake in the last records of any partition, since
        nobody could tell one there from lag. Keeps what it says that it did wrong; returns what it
        read."""
        job.shared.settle()
        job.shared.calm.set()
        self.do("c1", clients.tail, self.source, topics or self.topics)
        job.shared.stop.set()
        told, seen = job.result()
        if told:
            with open(self.path + ".faults.jsonl", "a") as f:
                f.writelines(json.dumps(x) + "\n" for x in told)
        return seen

    def mm2(self, **more):
        """Starts MirrorMaker 2 for the scenario's topics."""
        conf = {"clusters": "source,target", "source.bootstrap.servers": self.source,
                "target.bootstrap.servers": self.target, "source->target.enabled": "true",
                "target->source.enabled": "false", "topics": self.name + "-.*", "groups": ".*",
                "refresh.topics.interval.seconds": 3, "refresh.groups.interval.seconds": 3,
                "sync.topic.configs.interval.seconds": 3, "emit.checkpoints.interval.seconds": 3,
                "sync.group.offsets.enabled": "true", "sync.group.offsets.interval.seconds": 3,
                "replication.factor": 1, "tasks.max": 2, "dedicated.mode.enable.internal.rest":
                "false", "offset-syncs.topic.replication.factor": 1,
                "checkpoints.topic.replication.factor": 1, "heartbeats.topic.replication.factor": 1,
                "offset.storage.replication.factor": 1, "status.storage.replication.factor": 1,
                "config.storage.replication.factor": 1, "offset-syncs.topic.location": "target",
                "source.consumer.auto.offset.reset": "earliest",
                "source.consumer.isolation.level": "read_committed", **more}
        path = cluster.RUN + "/mm2.properties"
        with open(path, "w") as f:
            f.writelines("%s = %s\n" % kv for kv in conf.items())
        cluster.java("mm2", "r1", cluster.VERSION, "org.apache.kafka.connect.mirror.MirrorMaker",
                     path)

    def stop_mm2(self):
        cluster.end("mm2")

    def wait_target(self, counts, patience=90):
        """Waits until each (topic, partition) of the target has at least so many offsets."""
        self.do("truth", wait_ends, self.target, counts, patience)

    def source_ends(self):
        return self.do("truth", all_ends, self.source, self.topics)

    # One source broker stops and starts again.
    def stop_broker(self, host, kill=False):
        cluster.end(host, signal.SIGKILL if kill else signal.SIGTERM)

    def start_broker(self, host):
        cluster.start(host)
        self.do("c1", cluster.wait_port, host)

    # Capture and truth.
    def record(self):
        recorder = live.Live if self.watched_live else capture.Capture
        self.capture = recorder(self.folder, self.name)

    def stop_recording(self):
        self.capture.stop()
        self.capture = None

    def look(self):
        """Both clusters' dumps now; the truth's host is not on the capture."""
        return (self.do("truth", truth.dump, self.source, self.topics),
                self.do("truth", truth.dump, self.target, [self.rename(t) for t in self.topics]))

    def watch(self, topic, partitions):
        """Starts to keep all that the source's topic shows, for what will be gone later."""
        stop = fork.Event()
        job = self.go("truth", truth.watch, stop, self.source, topic, partitions)
        job.stop = stop
        return job

    def watched(self, job):
        job.stop.set()
        return job.result()

    def conclude(self, rows=None, gone=(), seen_from=None):
        """Adds pairs to the truth: from dumps of now.

        rows: the source's records where a dump of now would come too late; gone: (t, p, o) of those
        that were removed lawfully before the mirror read them; seen_from: the first offset of each
        (t, p) of both clusters that passed the tap.
        """
        source, target = self.look()
        if rows is not None:
            source = (source[0], rows)
        if seen_from is not None:
            source, target = [(marks, [r for r in d if r["o"] >= first[r["t"], r["p"]]])
                              for (marks, d), first in zip((source, target), seen_from)]
        for key, dumped in (("src", source), ("tgt", target)):
            self.dumps[key][0].update(dumped[0])
            self.dumps[key][1] += dumped[1]
        self.pairs += truth.expect(source[1], target[1], self.rename, gone)

    def save(self):
        for key, dumped in self.dumps.items():
            truth.save("%s.%s.jsonl.gz" % (self.path, key), dumped)
        with open(self.path + ".expected.json", "w") as f:
            json.dump({"name": self.name,
                       "watermarks": {"source": self.dumps["src"][0],
                                      "target": self.dumps["tgt"][0]},
                       "pairs": self.pairs,
                       **({"within": self.within} if self.within else {})}, f, indent=1)
            f.write("\n")


def all_ends(bootstrap, topics):
    known = clients.admin(bootstrap).list_topics(timeout=10).topics
    parts = [(t, p) for t in topics for p in known[t].partitions]
    return {k: hi for k, (_, hi) in clients.ends(bootstrap, parts).items()}


def wait_ends(bootstrap, counts, patience):
    limit = time.time() + patience
    while True:
        known = clients.topics(bootstrap)
        if all(t in known for t, _ in counts):
            now = clients.ends(bootstrap, list(counts))
            if all(now[k][1] >= n for k, n in counts.items()):
                return
        if time.time() > limit:
            raise RuntimeError("the target did not catch up")
        time.sleep(0.5)
