#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""paritapd as its users meet it: killed, signalled, started wrongly, watched and no longer watched.

    test_daemon.py PARITAP PARITAPD [CASE...]

Every case runs the real programs on captures as ports. All cases run, also behind one that failed.
Random choices come from PT_SEED, which is printed when a case fails.
"""
import fcntl
import grp
import gzip
import json
import mmap
import os
import random
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import time

import pcap
import report as rep
import run
import run_live

NAME = "paritap-daemon-%d" % os.getpid()
PATIENCE = 30  # seconds, for a machine that is busy
NOBODY = 65534
PACKETS = 2565  # in both captures
SEED = int(os.environ.get("PT_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
SLOW = os.environ.get("PT_SANITIZED") == "1"
FLIPS = 100 if SLOW else 250  # corrupted segments that are read

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
        with open(out, "rb") as f:
            return done, f.read()

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


def patience():
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        yield
        time.sleep(0.05)


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


# ---------------------------------------------------------------- readers

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
    said = lines(reader.communicate(timeout=PATIENCE)[0])
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


def corrupted(b):
    """Nothing in a segment crashes a reader, or makes it read for ever."""
    rng = random.Random(SEED)
    done, _ = b.whole_run("good.json")
    check(done.returncode == 1, "a run to corrupt")
    with open("/dev/shm/" + NAME, "rb") as f:
        good = f.read()
    for i in range(FLIPS):
        bad = bytearray(good)
        for _ in range(rng.choice((1, 1, 2, 8, 64))):
            limit = rng.choice((256, 4096, len(bad)))
            bad[rng.randrange(limit)] = rng.randrange(256)
        if i % 16 == 15:
            del bad[rng.randrange(len(bad)):]
        write_object(NAME, bad)
        done = b.read(*((), ("--jsonl",), ("--all",), ("--follow",) if i % 8 == 3 else ())[i % 4])
        check(done.returncode in (0, 1, 2, 3), "round %d: a reader survives" % i,
              done.returncode, done.stderr[-500:])
        check(done.returncode != 2 or done.stderr.startswith("paritap report: "),
              "round %d: refused with a sentence" % i, done.stderr[-500:])
    write_object(NAME, good)
    flipped_while_read(b, rng)


def write_object(name, content):
    """A new object each time: whoever has the old one mapped keeps it."""
    path = "/dev/shm/" + name
    with open(path + ".new", "wb") as f:
        f.write(content)
    os.rename(path + ".new", path)


def flipped_while_read(b, rng):
    """The same while readers follow. What makes a writer alive is its lock, so here this test is
    the writer."""
    with open("/dev/shm/" + NAME, "r+b") as f:
        lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        fcntl.fcntl(f.fileno(), fcntl.F_OFD_SETLK, lock)
        with mmap.mmap(f.fileno(), 0) as mem:
            readers = [b.start([b.paritap, "report", "--follow", *args, NAME],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                       for args in ((), ("--jsonl",), ("--all",)) * 2]
            end = time.monotonic() + 3
            while time.monotonic() < end:
                mem[rng.randrange(rng.choice((512, 65536, len(mem))))] = rng.randrange(256)
                time.sleep(0.001)
    for reader in readers:
        code, err = ended(reader)
        check(code in (0, 1, 2, 3), "a follower survives", code, err[-500:])


# ---------------------------------------------------------------- ends

def killed_daemon(b):
    """Followers are told within two seconds, the last state stays, and the name is free."""
    child = b.working("killed.json")
    last = lines(b.read("--jsonl").stdout)[0]
    check(last["writer"] in ("alive", "stale"), "it is there", last["writer"])
    reader = b.follow()
    begin = time.monotonic()
    child.kill()
    rest = lines(reader.communicate(timeout=PATIENCE)[0])
    told = time.monotonic() - begin
    child.wait()
    check(told < 2, "told within two seconds", told)
    check(rest[-1]["type"] == "run" and rest[-1]["writer"] == "dead", "the follower says dead",
          rest[-1]["writer"])
    same = ("inputs", "pairs", "finding_totals")
    check([rest[-1][k] for k in same] == [last[k] for k in same], "with the last state")
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
        time.sleep(i * 0.03 * (4 if SLOW else 1))
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


def asked_early(b):
    """Who asks for a report while it starts gets one later; the run is not ended by it."""
    for delay in (0.02, 0.1, 0.2):
        child = b.start_daemon("asked-early.json")
        time.sleep(delay)
        child.send_signal(signal.SIGUSR1)
        b.wait_for(child, lambda r: True)
        code, err = b.end(child)
        check(code in (1, 3), "SIGUSR1 ended a run that was starting", delay, code, err)


def children_of(pid):
    out = []
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/children" % (pid, task), encoding="ascii") as f:
            out += f.read().split()
    return out


# ---------------------------------------------------------------- starts

def refused(b, *args, words=(), **more):
    """Exit 2 and one sentence, with these words, on standard error."""
    done = subprocess.run([b.paritapd, "--exit-when-idle", "200ms", "--segment", NAME, *args],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=PATIENCE, check=False, env=ENV, **more)
    err = done.stderr.decode(errors="replace")
    told = " ".join(args)
    wrong = []
    if done.returncode != 2:
        wrong.append("exit %d" % done.returncode)
    if done.stdout:
        wrong.append("standard output: %d bytes, %.60r" % (len(done.stdout), done.stdout))
    if not err.startswith("paritapd: ") or err.count("\n") != 1:
        wrong.append("not one sentence: %.300r" % err)
    wrong += ["no \"%s\" in: %.300r" % (w, err) for w in words if w not in err]
    return ["%s: %s" % (told.replace(b.tmp + "/", ""), w) for w in wrong]


def bad_starts(b):
    """What a user gets wrong: exit 2 and a sentence that says what to do."""
    source, target = b.ports[:2], b.ports[2:]
    both = ("--no-huge", *b.ports)
    packed = b.path("packed.pcap.gz")
    shutil.copy(run.pair_file("link", "source"), packed)

    def instead(port):
        return ("--no-huge", "--source", port, *target)

    cases = [
        ((), "no port given"),
        (("--no-huge", *source), "--target"),
        (instead("foo0,x=1"), "foo0", "driver's name"),
        (instead("net_foo0,x=1"), "net_foo0", "driver"),
        (instead("net_pcap0"), "net_pcap0"),
        (instead("0000:99:00.0"), "0000:99:00.0"),
        (instead("net_pcap0,rx_pcap=/nonexistent.pcap"), "/nonexistent.pcap", "No such file"),
        (instead("net_pcap0,rx_pcap=" + packed), "packed.pcap.gz", "gunzip"),
        (instead("net_pcap0,iface=nosuch9"), "nosuch9", "there are"),
        (instead(b.capture("mirror-faults", "source")), "rx_pcap=FILE"),
        ((*both, "--cores", "99"), "99", "lscpu"),
        ((*both, "--json", "/nonexistent/out.json"), "/nonexistent"),
        ((*both, "--json", b.tmp), "directory"),
        (("--no-huge", "--ports", source[1]), "--source-brokers"),
        ((*both, "--", "--nonsense"), "behind --"),
        ((*both, "--", "nonsense"), "behind --"),
        ((*both, "--workers", "0"), "--workers", "range"),
        ((*both, "--memory", "64MiB", "--workers", "8"), "--memory"),
        ((*both, "--segment", "a/b"), "segment"),
        ((*both, "--config", "/nonexistent.yaml"), "/nonexistent.yaml"),
        (both[1:], "--no-huge") if not huge_pages() else None,
    ]
    wrong = []
    for args, *words in filter(None, cases):
        wrong += refused(b, *args, words=words)
    check(not wrong, "refused", *wrong)
    check(not os.path.exists("/dev/shm/" + NAME), "no segment is left")


def huge_pages():
    with open("/proc/sys/vm/nr_hugepages", encoding="ascii") as f:
        return int(f.read())


def two_of_a_name(b):
    """The second is refused, the first does not notice; permissions are those of the settings."""
    config = b.path("readers.yaml")
    group = grp.getgrgid(os.getgid() if os.geteuid() else 1).gr_name
    with open(config, "w", encoding="utf-8") as f:
        f.write("segment:\n  mode: 0440\n  group: %s\n" % group)
    child = b.working("first.json", "--config", config)
    st = os.stat("/dev/shm/" + NAME)
    check(stat.S_IMODE(st.st_mode) == 0o440, "mode of the segment", oct(st.st_mode))
    check(grp.getgrgid(st.st_gid).gr_name == group, "group of the segment", st.st_gid)
    wrong = refused(b, "--no-huge", *b.ports, words=(NAME, "another paritap", "another name"))
    check(not wrong, "one writer a name", *wrong)
    code, err = b.end(child)
    check(code == 1 and not err, "the first ends as always", code, err)
    check(same(b.content("first.json"), b.baseline), "with the same report")


def no_segment(b):
    """An empty name: nobody watches, the report is the same."""
    done, raw = b.whole_run("unseen.json", "--segment", "")
    check(done.returncode == 1 and same(raw, b.baseline), "a run without a segment", done.stderr)


def as_nobody(b):
    """Files need no rights. What does need them is refused with a sentence."""
    if os.geteuid():
        return
    folder = b.path("nobody")
    os.mkdir(folder)
    os.chown(folder, NOBODY, NOBODY)
    who = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    out = os.path.join(folder, "out.json")
    done = subprocess.run([b.paritapd, "--no-huge", *b.ports, "--exit-when-idle", "300ms",
                           "--quiet", "--segment", NAME + "-nobody", "--json", out],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, timeout=PATIENCE, check=False, env=ENV, **who)
    check(done.returncode == 1, "as nobody", done.returncode, done.stderr.decode())
    with open(out, "rb") as f:
        check(same(f.read(), b.baseline), "with the same report")
    wrong = refused(b, "--no-huge", "--source", "net_pcap0,iface=lo", *b.ports[2:],
                    words=("lo", "root"), **who)
    wrong += refused(b, "--no-huge", *b.ports, "--json", "/root/out.json", words=("/root",), **who)
    if not huge_pages():
        wrong += refused(b, *b.ports, words=("--no-huge",), **who)
    check(not wrong, "refused", *wrong)


def shows(b):
    """--plan for cards that are not here and for ports that are; --print-config is its own input."""
    def out(*args, given=None):
        done = subprocess.run([b.paritapd, *args], input=given, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=PATIENCE, check=False, env=ENV,
                              universal_newlines=True)
        check(done.returncode == 0 and not done.stderr, " ".join(args), done.returncode,
              done.stderr)
        return done.stdout

    for ports in (("--source", "0000:81:00.0", "--target", "0000:81:00.1", "--no-huge"),
                  ("--no-huge", *b.ports)):
        plan = out("--plan", *ports)
        for word in ("2 ports", ports[1] if ports[0] == "--source" else "net_pcap0", "Cores"):
            check(word in plan, "the plan says %s" % word, plan)
    config = out("--no-huge", *b.ports, "--workers", "2", "--cores", "0,1,0", "--map", "a=b",
                 "--exclude", "x*,y", "--print-config")
    again = out("-c", "/dev/stdin", "--print-config", given=config)
    check(config == again, "--print-config is its own input")
    check("workers: 2" in config and "x*" in config, "and says what is in force")


# ---------------------------------------------------------------- main

CASES = (killed_reader, stopped_reader, killed_daemon, told_to_end, told_early, cut_short,
         asked_for_report, asked_often, asked_early, bad_starts, two_of_a_name, no_segment,
         as_nobody, shows, corrupted)


def main(argv):
    if len(argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    failed = 0
    with tempfile.TemporaryDirectory() as tmp:
        b = None
        try:
            b = Bench(os.path.abspath(argv[1]), os.path.abspath(argv[2]), tmp)
            for case in CASES:
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


if __name__ == "__main__":
    sys.exit(main(sys.argv))
