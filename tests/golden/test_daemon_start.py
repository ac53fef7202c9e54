#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What paritapd refuses to start with, what it shows without starting, as whom it runs; and what a
reader makes of a segment that is damaged.

    test_daemon_start.py PARITAP PARITAPD [CASE...]
"""
import fcntl
import grp
import mmap
import os
import random
import shutil
import stat
import struct
import subprocess
import sys
import time

import daemon
import run
from daemon import ENV, NAME, PATIENCE, SEED, SLOW, check, ended, same

NOBODY = 65534
FLIPS = 100 if SLOW else 250  # corrupted segments that are read


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
        ((*both, "--topic-ids", packed), "packed.pcap.gz:1:"),
        ((*both, "--learn", "-"), "--learn"),
        ((*both, "--learn", b.path("no/where")), "--learn", "No such file"),
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
    """--plan for cards that are not here and for ports that are; --print-config reads itself."""
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


def learns(b):
    """The names of topic ids are kept as a replay keeps them, and read by the next run."""
    live, replayed = b.path("live.txt"), b.path("replayed.txt")
    done, raw = b.whole_run("learned.json", "--learn", live)
    check(done.returncode == 1 and same(raw, b.baseline), "the report is the same", done.stderr)
    subprocess.run([b.paritap, "replay", "--quiet", "--learn", replayed, "--source",
                    b.capture("mirror-faults", "source"), "--target",
                    b.capture("mirror-faults", "target")],
                   stdout=subprocess.DEVNULL, timeout=PATIENCE, check=False)
    check(b.content("live.txt") == b.content("replayed.txt"), "the names are a replay's")
    check(b"Topic: " in b.content("live.txt"), "there are some")
    os.unlink(replayed)
    done, _ = b.whole_run("given.json", "--topic-ids", live, "--learn", replayed)
    check(done.returncode == 1 and not done.stderr, "they are read", done.stderr)
    check(b.content("live.txt") == b.content("replayed.txt"), "and kept")


CASES = (bad_starts, two_of_a_name, no_segment, as_nobody, learns, shows, corrupted)


if __name__ == "__main__":
    sys.exit(daemon.main(sys.argv, CASES, __doc__))
