# SPDX-License-Identifier: Apache-2.0
"""The Java client: idempotent, several codecs, a transaction with an abort; a Java consumer."""
import os

import cluster

HERE = os.path.dirname(os.path.abspath(__file__))


def java(bootstrap, topic, *words):
    import subprocess
    subprocess.run(["java", "-Xmx256m", "-cp", cluster.jars(cluster.VERSION) + "/*",
                    HERE + "/Client.java", bootstrap, topic, *words], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def run(lab):
    lab.record()
    a = lab.topic("a", 3)
    m = lab.mirror(seed=3, faults={"drop": .01, "value": .01})
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        lab.do("c1", java, lab.source, a, "produce", codec, "60")
    lab.do("c2", java, lab.source, a, "transact", "zstd", "60")
    lab.do("c3", java, lab.source, a, "consume", "none", "300")
    lab.finish(m)
    lab.stop_recording()
    lab.conclude()
