# SPDX-License-Identifier: Apache-2.0
"""Producers and the mirror speak SASL on 9094: SCRAM-SHA-256 and PLAIN; one mistake of a kind."""
import clients


def run(lab):
    scram = {**clients.SASL, "sasl.mechanism": "SCRAM-SHA-256"}
    plain = {**clients.SASL, "sasl.mechanism": "PLAIN"}
    lab.record()
    a = lab.topic("a", 3)
    real, lab.source, lab.target = (lab.source, lab.target), lab.sasl_source, lab.sasl_target
    m = lab.mirror(consumer=scram, producer=plain, seed=3, faults={"drop": .02, "value": .02})
    lab.source, lab.target = real
    lab.produce(a, 3, 1, 120, conf=scram, bootstrap=lab.sasl_source)
    lab.produce(a, 3, 2, 120, host="c2", conf=plain, bootstrap=lab.sasl_source)
    lab.finish(m)
    lab.stop_recording()
    lab.conclude()
