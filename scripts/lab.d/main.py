# SPDX-License-Identifier: Apache-2.0
"""The lab's commands; scripts/lab says what they do."""
import importlib
import os
import shutil
import sys

import clients
import cluster
import net
from lab import Job, Lab

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE + "/scenarios")
BROKERS = cluster.SOURCE + cluster.TARGET
LOG4J = """\
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %c{1} %m%n
"""


def scenarios():
    return sorted(n[:-3] for n in os.listdir(HERE + "/scenarios") if n.endswith(".py"))


def up(version=cluster.VERSION):
    down()
    os.makedirs(cluster.RUN)
    with open(cluster.RUN + "/log4j2.properties", "w") as f:
        f.write(LOG4J)
    net.up()
    for host in BROKERS:
        cluster.prepare(host, version if host in cluster.SOURCE else cluster.VERSION)
        cluster.start(host)
    for host in BROKERS:
        Job("truth", cluster.wait_port, (host,), {}).result()
    for side in "st":
        Job("truth", clients.topics, (cluster.bootstrap(side),), {}).result()


def down():
    for host in ("mm2",) + BROKERS:
        cluster.end(host, patience=5)
    net.down()
    shutil.rmtree(cluster.RUN, ignore_errors=True)


def run(name, folder, watched=False):
    if name not in scenarios():
        raise SystemExit("no such scenario; there are: " + " ".join(scenarios()))
    os.makedirs(folder, exist_ok=True)
    for old in os.listdir(folder):
        if old.startswith((name + ".", name + "-")):
            os.unlink(os.path.join(folder, old))
    lab = Lab(name, folder, watched)
    for bootstrap in (lab.source, lab.target):
        there = lab.do("truth", clients.topics, bootstrap)
        lab.do("truth", clients.drop, bootstrap, [t for t in there if not t.startswith("__")])
    try:
        importlib.import_module(name).run(lab)
        lab.save()
    finally:
        if lab.capture:
            lab.stop_recording()
        cluster.end("mm2")


def live(name, folder):
    try:
        run(name, folder, True)
    finally:
        net.mirror(True)
    with open("%s/%s.live-seen.json" % (folder, name), encoding="utf-8") as f:
        print(f.read(), end="")


def main(words):
    commands = {"up": up, "down": down, "run": run, "live": live,
                "list": lambda: print("\n".join(scenarios()))}
    if not words or words[0] not in commands:
        raise SystemExit("usage: lab up [VERSION] | run SCENARIO OUT | live SCENARIO OUT | "
                         "list | down")
    commands[words[0]](*words[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
