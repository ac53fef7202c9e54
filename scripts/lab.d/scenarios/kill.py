# SPDX-License-Identifier: Apache-2.0
"""One source broker is killed, and starts again, under producers with acks=1 and acks=all."""
import clients


def run(lab):
    lab.record()
    a = lab.topic("a", 3)
    m = lab.mirror()
    p = lab.go("c1", clients.produce, lab.source, a, 3, 1, 600, pause=.05, conf={"acks": 1})
    q = lab.go("c2", clients.produce, lab.source, a, 3, 2, 300, pause=.1,
               conf={"enable.idempotence": True})
    lab.stop_broker("s3", kill=True)
    lab.start_broker("s3")
    p.result(), q.result()
    lab.finish(m)
    lab.stop_recording()
    lab.conclude()
