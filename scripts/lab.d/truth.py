# SPDX-License-Identifier: Apache-2.0
"""The truth of a scenario: what a plain consumer read from both clusters, aligned exactly.

Nothing here parses packets, and nothing here knows paritap. A dump is one dictionary a record:
topic t, partition p, offset o, timestamp ts of type tt, the first bytes of the key k (kl its
length, -1 for null), content id `id` and the value's alone `v`, value length vl, and c=1 if a
consumer that reads only committed records got it too.
"""
import gzip
import hashlib
import json
import time
from collections import Counter, defaultdict

from confluent_kafka import Consumer, TopicPartition, KafkaException

LOG_APPEND = 2


def content_id(*parts):
    h = hashlib.sha256()
    for part in parts:
        h.update((-1 if part is None else len(part)).to_bytes(4, "big", signed=True))
        h.update(part or b"")
    return h.hexdigest()[:16]


def row(m, committed):
    tt, ts = m.timestamp()
    headers = [x for name, value in m.headers() or [] for x in (name.encode(), value)]
    key, value = m.key(), m.value()
    return {"t": m.topic(), "p": m.partition(), "o": m.offset(), "ts": ts, "tt": tt,
            "k": (key or b"")[:16].decode("latin-1"), "kl": -1 if key is None else len(key),
            "id": content_id(key, value, *headers), "v": content_id(value),
            "kid": content_id(key), "vl": -1 if value is None else len(value),
            "c": int(committed is None or m.offset() in committed)}


def read(bootstrap, parts, isolation):
    """Every record between each partition's low and high watermark, as (watermarks, messages)."""
    c = Consumer({"bootstrap.servers": bootstrap, "group.id": "truth", "client.id": "truth",
                  "enable.auto.commit": False, "isolation.level": isolation,
                  "enable.partition.eof": True, "auto.offset.reset": "earliest",
                  "fetch.wait.max.ms": 50, "check.crcs": True})
    marks, open_parts, got = {}, set(), []
    for t, p in parts:
        lo, hi = c.get_watermark_offsets(TopicPartition(t, p), timeout=20)
        marks[t, p] = [lo, hi]
        open_parts.add((t, p))
    c.assign([TopicPartition(t, p, marks[t, p][0]) for t, p in parts])
    while open_parts:
        m = c.poll(20)
        if m is None:
            raise RuntimeError("no end of " + repr(open_parts))
        if m.error():
            if m.error().code() != -191:     # the end of a partition
                raise KafkaException(m.error())
            open_parts.discard((m.topic(), m.partition()))
        else:
            got.append(m)
    c.close()
    return marks, got


def dump(bootstrap, topics):
    """One cluster's dump: (watermarks, rows) of every partition of the topics."""
    c = Consumer({"bootstrap.servers": bootstrap, "group.id": "truth"})
    known = c.list_topics(timeout=20).topics
    c.close()
    parts = [(t, p) for t in topics if t in known for p in sorted(known[t].partitions)]
    marks, got = read(bootstrap, parts, "read_uncommitted")
    committed = defaultdict(set)
    for m in read(bootstrap, parts, "read_committed")[1]:
        committed[m.topic(), m.partition()].add(m.offset())
    rows = [row(m, committed[m.topic(), m.partition()]) for m in got]
    rows.sort(key=lambda r: (r["t"], r["p"], r["o"]))
    return {"%s-%d" % k: v for k, v in marks.items()}, rows


def watch(stop, bootstrap, topic, partitions):
    """Every record that a topic ever shows, until `stop` is set: rows, all taken as committed."""
    c = Consumer({"bootstrap.servers": bootstrap, "group.id": "truth", "client.id": "truth",
                  "enable.auto.commit": False, "fetch.wait.max.ms": 20})
    c.assign([TopicPartition(topic, p, 0) for p in range(partitions)])
    rows, last = [], time.time()
    while not stop.is_set() or time.time() - last < 2:
        m = c.poll(0.1)
        if m is not None and not m.error():
            rows.append(row(m, None))
            last = time.time()
    c.close()
    return sorted(rows, key=lambda r: (r["t"], r["p"], r["o"]))


def save(path, dumped):
    marks, rows = dumped
    with gzip.GzipFile(path, "wb", 9, mtime=0) as f:
        for line in [{"watermarks": marks}] + rows:
            f.write((json.dumps(line) + "\n").encode())


def by_partition(rows):
    out = defaultdict(list)
    for r in rows:
        if r["c"]:
            out[r["t"], r["p"]].append(r)
    return out


def common(a, b):
    """Longest common subsequence of two lists, as (i, j) pairs; plain, after equal ends are cut."""
    lo, hi = 0, 0
    while lo < min(len(a), len(b)) and a[lo] == b[lo]:
        lo += 1
    while hi < min(len(a), len(b)) - lo and a[-1 - hi] == b[-1 - hi]:
        hi += 1
    x, y = a[lo:len(a) - hi], b[lo:len(b) - hi]
    best = [[0] * (len(y) + 1) for _ in range(len(x) + 1)]
    for i in range(len(x) - 1, -1, -1):
        for j in range(len(y) - 1, -1, -1):
            best[i][j] = (best[i + 1][j + 1] + 1 if x[i] == y[j] else
                          max(best[i + 1][j], best[i][j + 1]))
    pairs, i, j = [(k, k) for k in range(lo)], 0, 0
    while i < len(x) and j < len(y):
        if x[i] == y[j]:
            pairs.append((lo + i, lo + j))
            i, j = i + 1, j + 1
        elif best[i + 1][j] >= best[i][j + 1]:
            i += 1
        else:
            j += 1
    return pairs + [(len(a) - hi + k, len(b) - hi + k) for k in range(hi)]


def same_record(s, t, timed):
    """Whether two left-over records are one that was changed on its way."""
    if s["kl"] >= 0 and t["kl"] >= 0 and s["kid"] == t["kid"]:
        return True
    if s["vl"] >= 0 and t["vl"] >= 0 and s["v"] == t["v"]:
        return True
    return s["kl"] < 0 and t["kl"] < 0 and timed and s["ts"] == t["ts"]


def align(source, target):
    """What a perfect observer says of one partition pair, both sides' committed rows given."""
    timed = not any(r["tt"] == LOG_APPEND for r in source + target)
    a = [(r["id"], r["ts"] if timed else 0) for r in source]
    b = [(r["id"], r["ts"] if timed else 0) for r in target]
    pairs = common(a, b)
    left, right = dict.fromkeys(range(len(a))), dict.fromkeys(range(len(b)))
    for i, j in pairs:
        del left[i], right[j]
    out = {"mutated": [], "missing": [], "extra": [], "duplicated": [], "reordered": []}
    home = defaultdict(list)
    for i in left:
        home[a[i]].append(i)
    for j in list(right):
        if home[b[j]]:
            i = home[b[j]].pop(0)
            out["reordered"].append([source[i]["o"], target[j]["o"]])
            del left[i], right[j]
    matched = Counter(a[i] for i, _ in pairs)
    for j in list(right):
        if matched[b[j]]:
            out["duplicated"].append(target[j]["o"])
            del right[j]
    edges = [(-1, -1)] + pairs + [(len(a), len(b))]
    for (i0, j0), (i1, j1) in zip(edges, edges[1:]):
        s = [i for i in range(i0 + 1, i1) if i in left]
        t = [j for j in range(j0 + 1, j1) if j in right]
        for i, j in zip(s, t):
            if same_record(source[i], target[j], timed):
                out["mutated"].append([source[i]["o"], target[j]["o"]])
                del left[i], right[j]
    out["missing"] = [source[i]["o"] for i in left]
    out["extra"] = [target[j]["o"] for j in right]
    runs = []
    for i, j in pairs:
        s, t = source[i]["o"], target[j]["o"]
        if runs and runs[-1][0] + runs[-1][2] == s and runs[-1][1] + runs[-1][2] == t:
            runs[-1][2] += 1
        else:
            runs.append([s, t, 1])
    return len(pairs), {k: sorted(v) for k, v in out.items() if v}, runs


def expect(source, target, rename, gone=()):
    """Pairs of expected.json. `gone` are (t, p, o) of source rows that were removed lawfully."""
    s, t = by_partition(source), by_partition(target)
    pairs = []
    for topic, p in sorted({(r["t"], r["p"]) for r in source}):
        rows_s, rows_t = s.get((topic, p), []), t.get((rename(topic), p), [])
        matched, kinds, runs = align(rows_s, rows_t)
        lawful = [o for o in kinds.get("missing", []) if (topic, p, o) in gone]
        if lawful:
            kinds["compacted"] = lawful
            kinds["missing"] = [o for o in kinds["missing"] if o not in lawful]
            if not kinds["missing"]:
                del kinds["missing"]
        pairs.append({"source": "%s-%d" % (topic, p), "target": "%s-%d" % (rename(topic), p),
                      "source_records": len(rows_s), "target_records": len(rows_t),
                      "matched": matched, **kinds, "offset_map": runs})
    return pairs
