# SPDX-License-Identifier: Apache-2.0
"""The mirror reads uncommitted records too, so aborted records reach the target."""
import clients


def run(lab):
    lab.record()
    a = lab.topic("a", 2)
    m = lab.mirror(consumer={"isolation.level": "read_uncommitted"})
    lab.do("c2", clients.transact, lab.source, a, 2, "one", 9, 10, abort_every=3)
    lab.finish(m)
    lab.stop_recording()
    lab.conclude()
