# SPDX-License-Identifier: Apache-2.0
"""The lab's brokers: a source of three and a target of one, KRaft in combined mode.

A broker is a process of its own in its host's namespace. Its number is kept in a file, with the
time when it started, so that `down` ends only what `up` began.
"""
import os
import signal
import socket
import subprocess
import time

import net

HOME = os.environ["PARITAP_LAB"]
RUN = HOME + "/run"
VERSION = "4.3.1"
SOURCE, TARGET = ("s1", "s2", "s3"), ("t1",)
CLUSTER_ID = {"s": "cGFyaXRhcC1zb3VyY2UtMQ", "t": "cGFyaXRhcC10YXJnZXQtMQ"}
JAVA = ["java", "-Xmx320m", "-Xms160m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
USER, PASSWORD = "bob", "bob-secret"

PROPERTIES = """\
process.roles=broker,controller
node.id={id}
controller.quorum.voters={voters}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAIN
listeners=PLAIN://{ip}:9092,CONTROLLER://{ip}:9093,SASL://{ip}:9094
advertised.listeners=PLAIN://{ip}:9092,SASL://{ip}:9094
listener.security.protocol.map=PLAIN:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256
listener.name.sasl.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required user_{user}="{password}";
listener.name.sasl.scram-sha-256.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
log.dirs={dir}/log
num.partitions=3
default.replication.factor={n}
min.insync.replicas=1
offsets.topic.replication.factor={n}
offsets.topic.num.partitions=5
transaction.state.log.replication.factor={n}
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=5
share.coordinator.state.topic.replication.factor={n}
share.coordinator.state.topic.num.partitions=5
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
message.max.bytes=4000000
replica.fetch.max.bytes=4000000
log.cleaner.backoff.ms=500
log.retention.check.interval.ms=1000
log.initial.task.delay.ms=500
log.segment.delete.delay.ms=500
"""


def jars(version):
    folder = HOME + "/kafka-" + version
    if not os.path.isdir(folder):
        pom = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pom.xml")
        subprocess.run(["mvn", "-q", "-B", "-f", pom, "-Dkafka.version=" + version,
                        "dependency:copy-dependencies", "-DincludeScope=runtime",
                        "-DoutputDirectory=" + folder + ".part"], check=True)
        os.rename(folder + ".part", folder)
    return folder


def bootstrap(side, port=9092):
    return ",".join("%s:%d" % (net.HOSTS[h], port) for h in (SOURCE if side == "s" else TARGET))


def started(pid):
    """When a process began, in ticks: with its number it names one process for ever."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rpartition(")")[2].split()[19]
    except OSError:
        return None


def note(name, pid):
    with open("%s/%s.pid" % (RUN, name), "w") as f:
        f.write("%d %s" % (pid, started(pid)))


def noted(name):
    try:
        with open("%s/%s.pid" % (RUN, name)) as f:
            pid, since = f.read().split()
    except OSError:
        return None
    return int(pid) if started(int(pid)) == since else None


def end(name, sig=signal.SIGTERM, patience=20):
    pid = noted(name)
    if pid is None:
        return
    os.kill(pid, sig)
    limit = time.time() + patience
    while noted(name) is not None:
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            pass
        if time.time() > limit:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
    os.unlink("%s/%s.pid" % (RUN, name))


def java(name, host, version, *words):
    """Starts a Java program in a host's namespace; its output goes to RUN/name.log."""
    with open("%s/%s.log" % (RUN, name), "ab") as log:
        p = subprocess.Popen(net.inside(net.PREFIX + host, *JAVA, "-Dlog4j2.configurationFile=" +
                             RUN + "/log4j2.properties", "-cp", jars(version) + "/*", *words),
                             stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                             start_new_session=True)
    note(name, p.pid)
    return p


def version_of(host):
    with open("%s/%s/version" % (RUN, host)) as f:
        return f.read()


def prepare(host, version):
    hosts = SOURCE if host in SOURCE else TARGET
    folder = "%s/%s" % (RUN, host)
    os.makedirs(folder)
    with open(folder + "/version", "w") as f:
        f.write(version)
    with open(folder + "/server.properties", "w") as f:
        f.write(PROPERTIES.format(
            id=hosts.index(host) + 1, ip=net.HOSTS[host], dir=folder, n=len(hosts),
            user=USER, password=PASSWORD,
            voters=",".join("%d@%s:9093" % (i + 1, net.HOSTS[h]) for i, h in enumerate(hosts))))
    subprocess.run(["java", "-Xmx128m", "-cp", jars(version) + "/*", "kafka.tools.StorageTool",
                    "format", "-t", CLUSTER_ID[host[0]], "-c", folder + "/server.properties",
                    "--add-scram", "SCRAM-SHA-256=[name=%s,password=%s]" % (USER, PASSWORD)],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def start(host):
    java(host, host, version_of(host), "kafka.Kafka", "%s/%s/server.properties" % (RUN, host))


def wait_port(host, port=9092, patience=60):
    """Waits until a broker accepts a connection; runs in a namespace of the lab."""
    limit = time.time() + patience
    while True:
        try:
            socket.create_connection((net.HOSTS[host], port), 1).close()
            return
        except OSError:
            if time.time() > limit:
                raise
            time.sleep(0.2)
