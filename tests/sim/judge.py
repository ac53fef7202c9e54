# SPDX-License-Identifier: Apache-2.0
"""What a report of simulated traffic says, held against the truth that paritap-sim wrote.

False is: a divergence that names a record with which nothing is wrong, more copies than there are,
a finding within a cluster (none is simulated), a verified pair of records that differ. Which of
several equal records is meant is free, so claims are counted by what the records carry. One that is
cleaned away is not to be told from its equal beside it, which the mirror got.
"""
import array
import collections
import json

NONE, SAME, COPY, CHANGED, EXTRA, MOVED = range(6)
NEAR = 1000     # offsets between a difference and a count that differs because of it


class Log:
    """One log: arrays of one element an offset."""

    def __init__(self, f, end):
        def read(code, size):
            a = array.array(code)
            a.frombytes(f.read(end * size))
            return a
        self.end = end
        self.identity = read("Q", 8)
        self.cleaned = read("Q", 8)     # what it was that was cleaned away
        self.source = read("q", 8)      # the offset that it was copied from
        self.origin = read("B", 1)
        self.dropped = read("B", 1)
        self.recoverable = read("B", 1)
        self.readable = read("B", 1)


class Truth:
    def __init__(self, path):
        with open(path, "rb") as f:
            self.story = json.loads(f.readline())
            logs = [(e["partition"], Log(f, e["end"])) for e in self.story["logs"]]
        self.pairs = [Pair(logs[i][1], logs[i + 1][1]) for i in range(0, len(logs), 2)]


class Pair:
    """One partition on both sides, and what is wrong with it."""

    def __init__(self, source, target):
        self.source, self.target = source, target
        self.copies = collections.defaultdict(list)     # source offset -> target offsets
        for t, s in enumerate(target.source):
            if s >= 0 and target.origin[t] != CHANGED:
                self.copies[s].append(t)
        self.bad_source = {s for s in range(source.end) if source.dropped[s]}
        self.bad_target = {t for t, o in enumerate(target.origin) if o in (COPY, CHANGED, EXTRA)}
        self.several = {t for ts in self.copies.values() if len(ts) > 1 for t in ts}
        self.spans_source, self.spans_target = set(), set()
        for t, o in enumerate(target.origin):
            if o == CHANGED:
                self.bad_source.add(target.source[t])
            if o == MOVED:
                self._moved(t)

    def _moved(self, t):
        """All that it went past, and itself: which of them moved is free."""
        s = self.target.source[t]
        beside = [self.target.source[i] for i in (t - 1, t + 1)
                  if 0 <= i < self.target.end and self.target.source[i] >= 0]
        lo, hi = min([s] + beside), max([s] + beside)
        self.spans_source.update(range(lo - 1, hi + 2))
        home = [self.copies[i][0] for i in (s - 1, s + 1) if self.copies.get(i)]
        lo, hi = min([t] + home), max([t] + home)
        self.spans_target.update(range(lo - 1, hi + 2))

    def wrong_anywhere(self):
        return bool(self.bad_source or self.bad_target or self.spans_source)

    def near_wrong(self, s, t):
        def near(offset, places):
            return offset is not None and any(abs(offset - x) <= NEAR for x in places)
        return near(s, self.bad_source | self.spans_source) or \
            near(t, self.bad_target | self.spans_target)


def report_pair(report, partition):
    for n, p in enumerate(report["pairs"]):
        if p["source"]["partition"] == partition:
            return n, p
    return None, None


def false_matches(pair, got):
    wrong = []
    for r in got["offset_map"]:
        s, t, n = r["source_from"], r["target_from"], r["count"]
        source = [i or was for i, was in zip(pair.source.identity[s:s + n],
                                             pair.source.cleaned[s:s + n])]
        if source != list(pair.target.identity[t:t + n]) or 0 in source:
            wrong.append("verified, but not equal: %d -> %d, %d records" % (s, t, n))
    return wrong


class Claims:
    """Claims on one side, counted by what the records carry."""

    def __init__(self, log, bad):
        self.log = log
        self.left = collections.Counter(log.identity[i] for i in bad if 0 <= i < log.end)

    def take(self, offset):
        if not 0 <= offset < self.log.end:
            return False
        self.left[self.log.identity[offset]] -= 1
        return self.left[self.log.identity[offset]] >= 0


def false_findings(pair, findings):
    """Sentences about findings that are not true."""
    lost = Claims(pair.source, pair.bad_source)
    gone = Claims(pair.source, pair.bad_source | pair.spans_source)
    surplus = Claims(pair.target, pair.bad_target)
    several = Claims(pair.target, pair.several | pair.bad_target)
    moved = Claims(pair.source, pair.spans_source)
    copies = collections.Counter()
    wrong = []
    for f in findings:
        count = 1 if f["code"] == "RECORD_COUNT_DIFFERS" else f["count"]
        for i in range(count):
            s = f["source"]["offset"] + i if f["source"] else None
            t = f["target"]["offset"] + i if f["target"] else None
            code = f["code"]
            if code == "RECORD_MISSING":
                ok = lost.take(s)
            elif code == "RECORD_MISSING_OR_REORDERED":
                ok = gone.take(s)
            elif code == "RECORD_MUTATED":
                ok = lost.take(s) and surplus.take(t)
            elif code in ("RECORD_EXTRA", "RECORD_DUPLICATED"):
                ok = several.take(t)
                origin = pair.target.source[t]
                if ok and t in pair.several:
                    copies[origin] += 1
                    ok = copies[origin] < len(pair.copies[origin])
            elif code == "RECORD_REORDERED":
                ok = moved.take(s) or surplus.take(t)   # the one that is too many stands there
            elif code == "RECORD_COUNT_DIFFERS":
                ok = pair.near_wrong(s, t)
            else:
                ok = False
            if not ok:
                wrong.append("%s source %s target %s" % (code, s, t))
    return wrong


def shares(pair, got, figures):
    """How much of what could be read was verified."""
    seen = bytearray(pair.source.end)
    for r in got["offset_map"]:
        seen[r["source_from"]:r["source_from"] + r["count"]] = b"\1" * r["count"]
    for t, s in enumerate(pair.target.source):
        if s < 0 or pair.target.origin[t] != SAME:
            continue
        if pair.source.recoverable[s] and pair.target.recoverable[t]:
            figures["recoverable"] += 1
            figures["recoverable_verified"] += seen[s]
        if pair.source.readable[s] and pair.target.readable[t]:
            figures["readable"] += 1
            figures["readable_verified"] += seen[s]


# What names a fault, the proven kind first. Where the rest of the horizon was not seen, a record
# that is not in its place may be elsewhere: then only the other is proven.
NAMES = {"missing": ("RECORD_MISSING", "RECORD_MISSING_OR_REORDERED"),
         "extra": ("RECORD_EXTRA", "RECORD_COUNT_DIFFERS"),
         "changed": ("RECORD_MUTATED", "RECORD_COUNT_DIFFERS")}


def certified_faults(pair):
    """(kind, source offset, target offset, index of the one that names it) of the faults that stand
    between three offsets to each side that could be read, on both sides."""
    def whole(log, at):
        return all(0 <= i < log.end and (log.recoverable[i] or not log.identity[i])
                   for i in range(at - 3, at + 4))

    for s in sorted(pair.bad_source):
        before = next((pair.copies[i][0] for i in range(s - 1, max(s - 8, -1), -1)
                       if pair.copies.get(i)), None)
        if pair.source.dropped[s] and before is not None and whole(pair.source, s) and \
                whole(pair.target, before):
            yield "missing", s, before, 0
    for t in sorted(pair.bad_target):
        kind = {CHANGED: "changed", EXTRA: "extra"}.get(pair.target.origin[t])
        beside = next((pair.target.source[i] for i in range(t, min(t + 8, pair.target.end))
                       if pair.target.source[i] >= 0), None)
        if kind and beside is not None and whole(pair.source, beside) and whole(pair.target, t):
            yield kind, beside, t, 1


def named(pair, findings, figures):
    """How many of the certified faults have a finding that names them."""
    said = {(f["code"], side, f[side]["offset"] + i) for f in findings
            for side in ("source", "target") if f[side] for i in range(f["count"])}
    for kind, s, t, which in certified_faults(pair):
        place = (("source", s), ("target", t))[which]
        proven, weaker = NAMES[kind]
        figures["faults"] += 1
        figures["faults_proven"] += (proven, *place) in said
        figures["faults_named"] += (proven, *place) in said or (weaker, *place) in said


def whole_interval(pair, report, partition, got):
    """certified + unseen = all offsets of the observed intervals."""
    total = 0
    for cluster in report["clusters"]:
        for log in cluster["logs"]:
            if log["topic"] == got["source"]["topic"] and log["partition"] == partition and \
                    log["last_offset"] is not None and log["first_offset"] is not None:
                total += log["last_offset"] - log["first_offset"] + 1
                side = pair.source if cluster["role"] == "source" else pair.target
                if log["last_offset"] >= side.end:
                    return ["%s: offset %d, the log ends at %d" %
                            (cluster["role"], log["last_offset"], side.end)]
    books = got["offsets_certified"] + got["unseen_source"] + got["unseen_target"]
    if total != books:
        return ["%d offsets observed, %d certified or unseen" % (total, books)]
    return []


def judge(report, truth):
    """(errors, figures)"""
    errors = []
    figures = collections.Counter()
    for partition, pair in enumerate(truth.pairs):
        n, got = report_pair(report, partition)
        figures["records"] += sum(1 for x in pair.source.identity if x)
        if got is None:         # what could be read of it counts as well
            shares(pair, {"offset_map": []}, figures)
            if not truth.story["repeats"]:
                named(pair, [], figures)
            continue
        mine = [f for f in report["findings"]
                if f["pair"] == n and f["severity"] == "divergence"]
        wrong = false_findings(pair, mine)
        unequal = false_matches(pair, got)
        figures["false_findings"] += len(wrong)
        figures["false_matches"] += len(unequal)
        figures["verified"] += got["verified"]
        figures["findings"] += len(mine)
        shares(pair, got, figures)
        if not truth.story["repeats"]:
            named(pair, mine, figures)
        errors += ["partition %d: %s" % (partition, e)
                   for e in wrong + unequal + whole_interval(pair, report, partition, got)]
    for f in report["findings"]:
        if f["severity"] == "divergence" and f["pair"] is None:
            figures["false_findings"] += 1
            errors.append("%s: %s" % (f["code"], f["message"]))
    if report["verdict"] == "parity" and any(p.wrong_anywhere() for p in truth.pairs) and \
            not any(p["unseen"] or p["unverifiable"] or p["pending"] for p in report["pairs"]):
        errors.append("parity, though the clusters differ and nothing is said to be unseen")
    return errors, figures
