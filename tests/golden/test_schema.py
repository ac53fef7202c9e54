#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The schema describes what the writer writes: a hand-made report with every member is valid.

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
    with tempfile.TemporaryDirectory() as tmp:
        path = os.path.join(tmp, "report.json")
        subprocess.run([argv[1], path], check=True)
        report = rep.load(path)
    errors = rep.schema_errors(report)
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
