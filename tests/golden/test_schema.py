#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The schema describes what the writer writes: a hand-made report with every member is valid, and
so is that of a live run, whose inputs are ports.

    test_schema.py TEST_REPORT_JSON

Also, each object of the schema is closed: a member that the schema does not know is an error, so
that no name slips into the report unnoticed.
"""
import os
import subprocess
import sys
import tempfile

import report as rep


def main(argv):
    errors = []
    with tempfile.TemporaryDirectory() as tmp:
        path = os.path.join(tmp, "report.json")
        subprocess.run([argv[1], path, "ports"], check=True)
        report = rep.load(path)
        errors += rep.schema_errors(report)
        del report["inputs"][0]["missed"]
        if not rep.schema_errors(report):
            errors.append("a port without its losses was accepted")
        subprocess.run([argv[1], path], check=True)
        report = rep.load(path)
    errors += rep.schema_errors(report)
    report["inputs"][0]["missed"] = 0
    if not rep.schema_errors(report):
        errors.append("a file that missed packets was accepted")
    del report["inputs"][0]["missed"]
    for where in (report, report["pairs"][0], report["findings"][0], report["clusters"][0]):
        where["surprise"] = 1
        if not rep.schema_errors(report):
            errors.append("an unknown member was accepted")
        del where["surprise"]
    for e in errors:
        print(e)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
