#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A live run whose readers and which itself is killed, stopped, told to end and asked for reports.

    test_daemon.py PARITAP PARITAPD [CASE...]
"""
import json
import os
import random
import signal
import sys
import time

import daemon
import pcap
import run
import run_live
from daemon import (NAME, PATIENCE, SLOW, Failure, check, found, lines, patience, report_of, same,
                    worked_off)


def killed_reader(b):
    """Whoever reads may be killed: the run does not notice."""
    child = b.start_daemon("watched.json")
    b.wait_for(child, lambda r: True)
    for _ in range(3):
        reader = b.follow()
        reader.kill()
        reader.wait()
    check(child.poll() is None, "paritapd goes on")
    b.wait_for(child, worked_off)
    code, err = b.end(child)
    check(code == 1 and not err, "and ends as always", code, err)
    check(same(b.content("watched.json"), b.baseline), "with the same report")


def stopped_reader(b):
    """A reader that stood still learns exactly what it missed: what it read and what it missed are
    all findings. The writer is stopped before it finds anything, so that the reader is there."""
    config = b.path("ring.yaml")
    with open(config, "w", encoding="utf-8") as f:
        f.write("segment:\n  findings: 8\n")
    for _ in range(20):
        child = b.start_daemon("ring.json", "--config", config)
        if stop_before_findings(b, child):
            break
        b.end(child, signal.SIGKILL)
    else:
        raise Failure("paritapd could not be stopped before its first finding")
    reader = b.follow()
    reader.send_signal(signal.SIGSTOP)
    child.send_signal(signal.SIGCONT)
    b.wait_for(child, worked_off)
    reader.send_signal(signal.SIGCONT)
    b.end(child)
    said = lines(reader.stdout.read())
    check(said[-1]["type"] == "run" and said[-1]["writer"] == "ended", "it saw the end")
    read = sum(1 for s in said if s["type"] == "finding")
    missed = sum(s["count"] for s in said if s["type"] == "missed")
    check(missed and read, "some were missed, some read", missed, read)
    check(missed + read == 51, "missed and read are all", missed, read)
    check(found(said[-1]) == 51, "and the totals say so")


def stop_before_findings(b, child):
    """Stops the run as soon as its segment is there; whether nothing was found yet."""
    end = time.monotonic() + PATIENCE
    while not os.path.exists("/dev/shm/" + NAME) and time.monotonic() < end:
        time.sleep(0.0005)
    while time.monotonic() < end:
        child.send_signal(signal.SIGSTOP)
        got = b.read("--jsonl")
        state = lines(got.stdout)[0] if got.returncode != 2 else {"pid": 0}
        if state["pid"] == child.pid:
            return not found(state)
        child.send_signal(signal.SIGCONT) # not ready: or the last run's is still there
        time.sleep(0.001)
    return False


# ---------------------------------------------------------------- ends

def killed_daemon(b):
    """Followers are told within two seconds, the last state stays, and the name is free."""
    child = b.working("killed.json")
    last = lines(b.read("--jsonl").stdout)[0]
    check(last["writer"] in ("alive", "stale"), "it is there", last["writer"])
    reader = b.follow()
    begin = time.monotonic()
    child.kill()
    rest = lines(reader.stdout.read())
    told = time.monotonic() - begin
    child.wait()
    check(told < 2, "told within two seconds", told)
    check(rest[-1]["type"] == "run" and rest[-1]["writer"] == "dead", "the follower says dead",
          rest[-1]["writer"])
    shown = ("inputs", "pairs", "finding_totals")
    check([rest[-1][k] for k in shown] == [last[k] for k in shown], "with the last state")
    after = b.read("--jsonl")
    after = lines(after.stdout)[0]
    for state in (after, rest[-1]):
        del state["heartbeat_age_ms"]
    check(after == rest[-1], "report says the same afterwards")
    check("DEAD" in b.read().stdout, "so does the page")
    check(not os.path.exists(b.path("killed.json")), "and there is no report of it")
    done, raw = b.whole_run("next.json")
    check(done.returncode == 1 and same(raw, b.baseline), "the next run takes the name over",
          done.stderr)
    check(lines(b.read("--jsonl").stdout)[0]["writer"] == "ended", "and its end is seen")


def told_to_end(b):
    """SIGTERM and Ctrl-C: the last report is written, the exit code is the verdict's."""
    for sig in (signal.SIGTERM, signal.SIGINT):
        name = "end-%d.json" % sig
        child = b.working(name)
        code, err = b.end(child, sig)
        check(code == 1 and not err, "exit code of the verdict", sig, code, err)
        check(same(b.content(name), b.baseline), "the report is that of a whole run", sig)
        check(lines(b.read("--jsonl").stdout)[0]["writer"] == "ended", "the segment says it", sig)


def told_early(b):
    """While it starts and works: it ends, with a report or without, and never with a wrong verdict.
    A request for a report does not end it."""
    ports = b.ports_of("link")  # these are the same
    for i in range(12):
        name = "early-%d.json" % i
        child = b.start_daemon(name, ports=ports)
        time.sleep(i * 0.06 * (3 if SLOW else 1))
        begin = time.monotonic()
        code, err = b.end(child)
        check(time.monotonic() - begin < 10, "it ends soon", i)
        check(code in (0, 3, -signal.SIGTERM), "it ends quietly", i, code, err)
        check(os.path.exists(b.path(name)) == (code >= 0), "a report, or none", i, code)
        if code >= 0:
            verdict = report_of(b.content(name))["verdict"]
            check(run.EXIT[verdict] == code, "the verdict is the exit code's", verdict, code)
    left = [n for n in os.listdir(b.tmp) if n.startswith("early-") and not n.endswith(".json")]
    check(not left, "nothing half written is left", left)
    done, raw = b.whole_run("after.json")
    check(done.returncode == 1 and same(raw, b.baseline), "the name is free", done.stderr)


def cut_short(b):
    """Captures that end inside batches and lack packets: what workers find out at the end, and what
    time alone decides, is in the report as in a replay's, by any number of workers."""
    rng = random.Random(0)  # one that two workers got wrong
    files = {}
    for side in ("source", "target"):
        cap = pcap.read(b.capture("mirror-faults", side))
        cap = pcap.thinned(cap, rng, rng.choice((0, 0.03)))
        cut = rng.randrange(len(cap.packets) // 2, len(cap.packets))
        files[side] = [cap.with_packets(cap.packets[:cut]).write(b.path("cut-%s.pcap" % side))]
    want = run_live.comparable(run.replay(b.paritap, files["source"], files["target"]).report)
    wrong = []
    for workers in (1, 2, 3):
        live = run_live.paritapd(b.paritapd, b.tmp, files, workers, False)
        check(live.report, "a report", live.code, live.stderr)
        wrong += ["%d workers: %s" % (workers, d)
                  for d in run_live.differences(want, run_live.comparable(live.report))]
    check(not wrong, "live and replay differ", *wrong[:8])


# ---------------------------------------------------------------- reports on request

def asked_for_report(b):
    """A whole report, while the run goes on, each time; and the end is as if nobody had asked."""
    for workers in (1, 2):
        name = "asked-%d.json" % workers
        child = b.working(name, "--workers", str(workers))
        for _ in range(2):
            child.send_signal(signal.SIGUSR1)
            report = report_of(wait_for_file(b, child, name))
            check(report["verdict"] == "divergent", "a request: the verdict so far")
            os.unlink(b.path(name))
        code, err = b.end(child)
        check(code == 1 and not err, "it ends as always", code, err)
        check(same(b.content(name), b.baseline), "with the same report", workers)


def wait_for_file(b, child, name):
    for _ in patience():
        check(child.poll() is None, "the run goes on", child.returncode)
        if os.path.exists(b.path(name)):
            return b.content(name)
    raise Failure("SIGUSR1: no report")


def asked_often(b):
    """Requests without a pause: whatever stands there is whole, and no process is left behind."""
    child = b.working("often.json")
    end = time.monotonic() + 2
    seen = 0
    while time.monotonic() < end:
        child.send_signal(signal.SIGUSR1)
        time.sleep(0.01)
        if os.path.exists(b.path("often.json")):
            json.loads(b.content("often.json"))
            seen += 1
    check(seen, "reports come")
    for _ in patience():
        if not children_of(child.pid):
            break
    else:
        raise Failure("processes are left: %s" % children_of(child.pid))
    child.send_signal(signal.SIGUSR1)  # and at once its end
    code, err = b.end(child)
    check(code == 1 and not err, "it ends as always", code, err)
    check(same(b.content("often.json"), b.baseline), "with the same report")
    check(not os.path.exists(b.path("often.json.part")), "nothing half written is left")


def hung_reporter(b):
    """A report that cannot be written on (its file is a pipe that nobody reads) does not hold the
    end of the run."""
    child = b.working("hung.json")
    os.mkfifo(b.path("hung.json.part"))
    child.send_signal(signal.SIGUSR1)
    for _ in patience():
        if children_of(child.pid):
            break
    time.sleep(0.5)  # it has opened the pipe by now
    check(children_of(child.pid), "somebody writes a report, and hangs")
    os.unlink(b.path("hung.json.part"))
    begin = time.monotonic()
    code, err = b.end(child)
    check(time.monotonic() - begin < 20, "the run ends all the same")
    check(code == 1 and not err, "as always", code, err)
    check(same(b.content("hung.json"), b.baseline), "with the same report")


def asked_early(b):
    """Who asks for a report while it starts gets one later; the run is not ended by it."""
    for delay in (0, 0.02, 0.1, 0.2):
        child = b.start_daemon("asked-early.json")
        wait_for_main(child)
        time.sleep(delay)
        child.send_signal(signal.SIGUSR1)
        b.wait_for(child, lambda r: True)
        code, err = b.end(child)
        check(code in (1, 3), "SIGUSR1 ended a run that was starting", delay, code, err)


def wait_for_main(child):
    """Until it catches SIGUSR1: before main, nobody does."""
    for _ in patience(0.001):
        with open("/proc/%d/status" % child.pid, encoding="ascii") as f:
            caught = next(line for line in f if line.startswith("SigCgt:"))
        if int(caught.split()[1], 16) >> (signal.SIGUSR1 - 1) & 1:
            return
    raise Failure("it never catches SIGUSR1")


def children_of(pid):
    out = []
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/children" % (pid, task), encoding="ascii") as f:
            out += f.read().split()
    return out


CASES = (killed_reader, stopped_reader, killed_daemon, told_to_end, told_early, cut_short,
         asked_for_report, asked_often, asked_early,
         hung_reporter)


if __name__ == "__main__":
    sys.exit(daemon.main(sys.argv, CASES, __doc__))
