# SPDX-License-Identifier: Apache-2.0
"""A bench for paritapd: the real programs on captures as ports, in a folder of their own.

A case is a function of a Bench; main runs all of them, also behind one that failed, or those that
are named. Random choices come from PT_SEED, which is printed.
"""
import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import report as rep
import run

NAME = "paritap-daemon-%d" % os.getpid()
PATIENCE = 30  # seconds, for a machine that is busy
PACKETS = 2565  # in both captures
SEED = int(os.environ.get("PT_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)

SLOW = os.environ.get("PT_SANITIZED") == "1"

# A sanitizer's complaint is no exit code of ours.
ENV = {"ASAN_OPTIONS": "exitcode=99", "UBSAN_OPTIONS": "halt_on_error=1:exitcode=99", **os.environ}


class Failure(Exception):
    pass


def check(ok, what, *more):
    if not ok:
        raise Failure("%s%s" % (what, "".join("\n    %s" % (m,) for m in more)))


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def found(state):
    return sum(state["finding_totals"].values())


def worked_off(state):
    """All packets are taken, and all is shown that can be known before the end: the last
    differences of three partitions wait for it."""
    return sum(i["packets"] for i in state["inputs"]) == PACKETS and found(state) == 48


class Bench:
    """The programs, two captures that differ in 51 records, and what was started."""

    def __init__(self, paritap, paritapd, tmp):
        self.tmp = tmp
        # Any user may enter this folder; not every build folder.
        os.chmod(tmp, 0o755)
        self.paritap = shutil.copy(paritap, self.path("paritap"))
        self.paritapd = shutil.copy(paritapd, self.path("paritapd"))
        self.started = []
        self.ports = self.ports_of("mirror-faults")
        done, self.baseline = self.whole_run("baseline.json")
        check(done.returncode == 1, "a plain run finds the divergence", done.stderr)
        self.clean()

    def path(self, name):
        return os.path.join(self.tmp, name)

    def capture(self, name, side):
        path = self.path("%s-%s.pcap" % (name, side))
        if not os.path.exists(path):
            with gzip.open(run.pair_file(name, side)) as f, open(path, "wb") as out:
                shutil.copyfileobj(f, out)
        return path

    def ports_of(self, name):
        return ["--source", "net_pcap0,rx_pcap=" + self.capture(name, "source"),
                "--target", "net_pcap1,rx_pcap=" + self.capture(name, "target")]

    def whole_run(self, out, *args):
        """A run that ends by itself: what it said, and its report's bytes."""
        out = self.path(out)
        done = subprocess.run(
            [self.paritapd, "--no-huge", *self.ports, "--exit-when-idle", "300ms", "--quiet",
             "--segment", NAME, "--json", out, *args], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=PATIENCE, check=False,
            env=ENV, universal_newlines=True)
        return done, self.content(out) if os.path.exists(out) else b""

    def start(self, argv, **more):
        child = subprocess.Popen(argv, env=ENV, stdin=subprocess.DEVNULL, **more)
        self.started.append(child)
        return child

    def start_daemon(self, out, *args, ports=None):
        """A run that lives until it is stopped."""
        return self.start([self.paritapd, "--no-huge", *(ports or self.ports), "--exit-when-idle",
                           "10m", "--quiet", "--segment", NAME, "--json", self.path(out), *args],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def working(self, out, *args):
        """The same, when it has worked off both captures and shown all findings."""
        child = self.start_daemon(out, *args)
        self.wait_for(child, worked_off)
        return child

    def read(self, *args):
        return subprocess.run([self.paritap, "report", *args, NAME], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False, universal_newlines=True,
                              timeout=PATIENCE, env=ENV)

    def wait_for(self, child, what):
        for _ in patience():
            check(child.poll() is None, "paritapd went away: %s" % child.returncode,
                  child.stderr.read().decode() if child.poll() is not None else "")
            got = self.read("--jsonl")
            if got.returncode != 2:
                state = lines(got.stdout)[0]
                if state["pid"] == child.pid and what(state):
                    return state
        raise Failure("the segment never said what was waited for")

    def follow(self, **more):
        """A follower that has printed the state of things."""
        child = self.start([self.paritap, "report", "--follow", "--jsonl", NAME],
                           stdout=subprocess.PIPE, universal_newlines=True, **more)
        check(json.loads(child.stdout.readline())["type"] == "run", "a follower begins with a run")
        return child

    def end(self, child, sig=signal.SIGTERM):
        """Exit code and standard error of a run that is told to end."""
        child.send_signal(sig)
        return ended(child)

    def content(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def clean(self):
        for child in self.started:
            if child.poll() is None:
                child.kill()
                child.wait()
        for name in os.listdir("/dev/shm"):
            if name.startswith(NAME):
                os.unlink("/dev/shm/" + name)


def patience(pause=0.05):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        yield
        time.sleep(pause)


def ended(child):
    err = child.communicate(timeout=PATIENCE)[1]
    return child.returncode, (err or b"").decode(errors="replace")


def same(raw, baseline):
    """The same report, but for who did the work, and with how much memory."""
    a, b = json.loads(raw), json.loads(baseline)
    for report in (a, b):
        for name in ("memory", "work"):
            report.pop(name, None)
    return a == b


def report_of(raw):
    """A whole, valid report."""
    report = json.loads(raw)
    errors = rep.schema_errors(report) + rep.consistency_errors(report)
    check(not errors, "the report is valid", *errors[:5])
    return report


def main(argv, cases, doc):
    if len(argv) < 3:
        print(doc, file=sys.stderr)
        return 2
    failed = 0
    with tempfile.TemporaryDirectory() as tmp:
        b = None
        try:
            b = Bench(os.path.abspath(argv[1]), os.path.abspath(argv[2]), tmp)
            for case in cases:
                if argv[3:] and case.__name__ not in argv[3:]:
                    continue
                begin = time.monotonic()
                try:
                    case(b)
                except (Failure, OSError, ValueError, subprocess.SubprocessError) as e:
                    print("%s: %s: %s" % (case.__name__, type(e).__name__, e))
                    failed += 1
                print("%s: %.1f s" % (case.__name__, time.monotonic() - begin))
                b.clean()
        finally:
            if b:
                b.clean()
    print("daemon: %d failed, PT_SEED=%d" % (failed, SEED))
    return 1 if failed else 0
