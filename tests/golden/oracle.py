# SPDX-License-Identifier: Apache-2.0
"""Which record batches of a capture can be recovered when a part of it is missing.

Knows nothing of paritap and no layout of any body: TCP directions are put together from the
packets, frames are found by their size fields from a direction's start, and record batches inside
them by their shape and a right checksum. The whole capture is the truth of where everything is.

A batch can be recovered from a Cut if
  - all its bytes are there, its frame's header, and all that stands before it in the frame but is
    no batch itself (that names topic and partition);
  - where its frame begins can be derived: from the start of the connection, from an earlier frame
    whose size field is there and whose own start can be derived, or because the frame's size and
    header and the whole of the next two frames are there;
  - for a fetched batch, the header of the request is there and can be found, since only that tells
    what the response is; for a produced one, the whole response is there.
"""
import bisect
import re
import struct
import zlib

import pcap

FIN, SYN, RST, ACK = 1, 2, 4, 16
FRAME_MAX = 101 << 20
SIZE_LEN = 4
PRODUCE, FETCH = 0, 1
SHAPE = re.compile(rb"(?s)(?=\0\0.{6}\0...(?:....\x02....\0[\0-\x7f]|....[\0\1][\0-\x0f]))")


def segment_of(data, link):
    """(src, dst, seq, flags, payload) of a frame, wrapped in VXLAN or not; None without TCP."""
    if link != pcap.ETHERNET or len(data) < 34:
        return None
    at, kind = 14, data[12:14]
    while kind in (b"\x81\0", b"\x88\xa8"):
        kind, at = data[at + 2:at + 4], at + 4
    if kind != b"\x08\0":
        return None
    total = struct.unpack_from(">H", data, at + 2)[0] or len(data) - at
    proto, end, addr = data[at + 9], at + total, data[at + 12:at + 20]
    at += 4 * (data[at] & 15)
    if proto == 17 and data[at + 2:at + 4] == b"\x12\xb5":
        return segment_of(data[at + 16:end], link)
    if proto != 6 or len(data) < at + 20:
        return None
    sport, dport, seq = struct.unpack_from(">HHI", data, at)
    return ((addr[:4], sport), (addr[4:], dport), seq, data[at + 13],
            data[at + 4 * (data[at + 12] >> 4):end])


class Direction:
    """Bytes that one side sent, and which packets carried each of them."""

    def __init__(self):
        self.base = None  # sequence number of stream offset 0
        self.syn = []     # packets with the SYN
        self.segs = []    # (packet, offset, payload)
        self.data = b""
        self.bounds, self.carriers = [], []
        self.frames = []

    def add(self, packet, seq, flags, payload):
        if flags & SYN:
            self.syn.append(packet)
            self.base = (seq + 1) & 0xFFFFFFFF
        if payload and not flags & SYN:
            if self.base is None:
                self.base = seq
            off = (seq - self.base + (1 << 31)) % (1 << 32) - (1 << 31)
            self.segs.append((packet, off, payload))

    def build(self):
        low = 0 if self.syn else min((o for _, o, _ in self.segs), default=0)
        segs = [(p, o - low, d) for p, o, d in self.segs if o >= low]
        data = bytearray(max((o + len(d) for _, o, d in segs), default=0))
        cuts = set()
        for _, o, d in segs:
            data[o:o + len(d)] = d
            cuts |= {o, o + len(d)}
        self.data, self.bounds = bytes(data), sorted(cuts)
        self.segs = [(p, o, len(d)) for p, o, d in segs]
        self.carriers = [[] for _ in self.bounds]
        for p, o, n in self.segs:
            for k in range(bisect.bisect_left(self.bounds, o),
                           bisect.bisect_left(self.bounds, o + n)):
                self.carriers[k].append((p, o))

    def pieces(self, a, b):
        """(start, carriers) of each run of bytes in [a, b) that the same packets carried."""
        k = bisect.bisect_right(self.bounds, a) - 1
        while k < len(self.bounds) and self.bounds[k] < b:
            yield max(a, self.bounds[k]), self.carriers[k]
            k += 1

    def last(self, a, b):
        """The highest packet number at which a capture may start and still have all of [a, b)."""
        return min((max((p for p, _ in c), default=0) for _, c in self.pieces(a, b)), default=0)


class Frame:
    def __init__(self, start, end):
        self.start, self.end = start, end
        self.head_end = min(end, start + 12)
        self.api = self.version = self.id = None
        self.peer = None  # index of the other direction's frame that it belongs to


class Batch:
    def __init__(self, conn, side, index, start, end, gaps):
        self.conn, self.side, self.index = conn, side, index
        self.start, self.end = start, end
        self.gaps = gaps  # what must be there before it in its frame
        self.source = "fetch"
        self.group = None


class Conn:
    def __init__(self, ends):
        self.ends = ends
        self.dirs = (Direction(), Direction())
        self.initiator = None  # side of the SYN
        self.request_side = None


class Cut:
    """Before packet `first` nothing is there, nor the first `trim` bytes of its payload, nor the
    packets in `gone`."""

    def __init__(self, first=1, trim=0, gone=()):
        self.first, self.trim, self.gone = first, trim, frozenset(gone)
        self.derived, self.holes = {}, {}

    def has_packet(self, p):
        return p >= self.first and p not in self.gone

    def lost(self, d):
        """Runs of bytes that no packet of what is left carries, in order."""
        if id(d) not in self.holes:
            out = []
            for lo, hi, carriers in zip(d.bounds, d.bounds[1:], d.carriers):
                end = hi
                for p, off in carriers:
                    if self.has_packet(p):
                        end = min(end, max(lo, off + self.trim) if p == self.first else lo)
                if end > lo:
                    out.append((lo, end))
            self.holes[id(d)] = out
        return self.holes[id(d)]

    def has(self, d, a, b):
        holes = self.lost(d)
        k = bisect.bisect_left(holes, (a,))
        if k and holes[k - 1][1] > a:
            return False
        return k == len(holes) or holes[k][0] >= b

    def derivable(self, conn, side):
        key = (id(conn), side)
        if key not in self.derived:
            d = conn.dirs[side]
            # Only from the far end: what is whole. Then forward.
            whole = [self.has(d, f.start, f.end) for f in d.frames] + [False, False]
            out = []
            for i, f in enumerate(d.frames):
                known = whole[i + 1] and whole[i + 2] and self.has(d, f.start, f.head_end)
                if not known and i == 0:
                    known = f.start == 0 and any(map(self.has_packet, d.syn))
                elif not known:
                    before = d.frames[i - 1]
                    known = out[i - 1] and self.has(d, before.start, before.start + SIZE_LEN)
                out.append(known)
            self.derived[key] = out
        return self.derived[key]

    def why_not(self, b):
        """None if the batch can be recovered, else what stands against it."""
        d, other = b.conn.dirs[b.side], b.conn.dirs[1 - b.side]
        f = d.frames[b.index]
        if not self.has(d, b.start, b.end):
            return "batch"
        if not self.derivable(b.conn, b.side)[b.index]:
            return "boundary"
        if not self.has(d, f.start, f.head_end):
            return "header"
        if f.peer is None:
            return "no peer"
        peer = other.frames[f.peer]
        if not self.derivable(b.conn, 1 - b.side)[f.peer]:
            return "peer's boundary"
        if not self.has(other, peer.start, peer.end if b.source == "produce" else peer.head_end):
            return "peer"
        if not all(self.has(d, lo, hi) for lo, hi in b.gaps):
            return "names"
        return None


class Oracle:
    def __init__(self, cap):
        self.packet_cnt = len(cap.packets)
        self.payload_len = []
        self.conns, self.batches, self.groups = [], [], {}
        self.known = {}
        self.read(cap)
        for c in self.conns:
            for d in c.dirs:
                d.build()
            self.walk(c)

    def read(self, cap):
        live = {}
        for n, (_, _, _, data) in enumerate(cap.packets, 1):
            s = segment_of(data, cap.link)
            self.payload_len.append(len(s[4]) if s else 0)
            if not s:
                continue
            src, dst, seq, flags, payload = s
            key = frozenset((src, dst))
            c = live.get(key)
            if c and flags & SYN and not flags & ACK and \
                    c.dirs[c.ends.index(src)].base not in (None, (seq + 1) & 0xFFFFFFFF):
                c = None
            if not c:
                c = live[key] = Conn((src, dst))
                self.conns.append(c)
            if flags & SYN and not flags & ACK:
                c.initiator = c.ends.index(src)
            c.dirs[c.ends.index(src)].add(n, seq, flags, payload)

    def walk(self, c):
        for d in c.dirs:
            d.frames = frames_of(d)
        c.request_side = request_side(c)
        if c.request_side is None:
            return
        requests, responses = c.dirs[c.request_side], c.dirs[1 - c.request_side]
        waiting = {}
        for i, f in enumerate(requests.frames):
            at = f.start + SIZE_LEN
            f.api, f.version, f.id, n = struct.unpack_from(">hhih", requests.data, at) \
                if f.end - at >= 10 else (None, None, None, -1)
            f.head_end = min(f.end, at + 10 + max(n, 0) + 1)
            waiting.setdefault(f.id, []).append(i)
        for i, f in enumerate(responses.frames):
            f.id = struct.unpack_from(">i", responses.data, f.start + SIZE_LEN)[0] \
                if f.end - f.start >= 8 else None
            if waiting.get(f.id):
                f.peer = waiting[f.id].pop(0)
                f.api = requests.frames[f.peer].api
                requests.frames[f.peer].peer = i
        for side, api in ((c.request_side, PRODUCE), (1 - c.request_side, FETCH)):
            for i, f in enumerate(c.dirs[side].frames):
                if f.api == api:
                    self.find(c, side, i, f)

    def find(self, c, side, index, f):
        d = c.dirs[side]
        at = gap = f.start + SIZE_LEN
        gaps = []
        for m in SHAPE.finditer(d.data, at, f.end):
            p = m.start()
            if p < at:
                continue
            size = 12 + struct.unpack_from(">i", d.data, p + 8)[0]
            if not 26 <= size <= f.end - p or not self.is_batch(d.data[p:p + size]):
                continue
            if p > gap:
                gaps.append((gap, p))
            b = Batch(c, side, index, p, p + size, tuple(gaps))
            b.source = "produce" if f.api == PRODUCE else "fetch"
            b.carriers = [n for n, _ in next(d.pieces(p, p + 1))[1]]
            b.group = next((self.known[n, size] for n in b.carriers if (n, size) in self.known),
                           (min(b.carriers), size))
            for n in b.carriers:
                self.known.setdefault((n, size), b.group)
            self.groups.setdefault(b.group, []).append(b)
            self.batches.append(b)
            at = gap = p + size

    checked = {}

    def is_batch(self, data):
        if data not in self.checked:
            self.checked[data] = right(data)
        return self.checked[data]

    def starts(self):
        """For each batch the last packet at which a capture may start and the batch be recovered;
        within that packet's payload it takes a closer look (Cut). The same rules, for all starts at
        once."""
        derived = {}
        for d in (d for c in self.conns for d in c.dirs):
            whole = [d.last(f.start, f.end) for f in d.frames] + [0, 0]
            out = derived[id(d)] = []
            for i, f in enumerate(d.frames):
                known = min(d.last(f.start, f.head_end), whole[i + 1], whole[i + 2])
                if i == 0 and f.start == 0:
                    known = max([known] + d.syn)
                elif i:
                    before = d.frames[i - 1]
                    known = max(known, min(out[i - 1], d.last(before.start,
                                                              before.start + SIZE_LEN)))
                out.append(known)
        return [self.start_of(b, derived) for b in self.batches]

    @staticmethod
    def start_of(b, derived):
        d, other = b.conn.dirs[b.side], b.conn.dirs[1 - b.side]
        f = d.frames[b.index]
        if f.peer is None:
            return 0
        peer = other.frames[f.peer]
        parts = [(d, b.start, b.end), (d, f.start, f.head_end)] + [(d, *g) for g in b.gaps]
        parts.append((other, peer.start, peer.end if b.source == "produce" else peer.head_end))
        return min([derived[id(d)][b.index], derived[id(other)][f.peer]] +
                   [x.last(lo, hi) for x, lo, hi in parts])


def right(data):
    if data[16] == 2:
        return len(data) >= 61 and struct.unpack_from(">I", data, 17)[0] == pcap.crc32c(data[21:])
    return len(data) >= 26 and struct.unpack_from(">I", data, 12)[0] == zlib.crc32(data[16:])


def frames_of(d):
    """Frames by their sizes; where the start was not seen, from the first segment from which all
    sizes make sense up to the end."""
    starts = [0] if d.syn else sorted({o for _, o, _ in d.segs})[:400]
    for start in starts:
        out, at = [], start
        while at + SIZE_LEN <= len(d.data):
            size = struct.unpack_from(">I", d.data, at)[0]
            if not 4 <= size <= FRAME_MAX:
                break
            if at + SIZE_LEN + size > len(d.data):
                at = len(d.data)
                break
            out.append(Frame(at, at + SIZE_LEN + size))
            at += SIZE_LEN + size
        if d.syn or (out and at + SIZE_LEN > len(d.data)):
            return out
    return []


def request_side(c):
    """The side whose frames look like requests: that of the SYN; where that was not seen and both
    do, the one with the longer names."""
    best, names = None, -1
    for side, d in enumerate(c.dirs):
        if c.initiator not in (None, side):
            continue
        look = d.frames[:4]
        sizes = [header_name(d.data, f) for f in look]
        if look and min(sizes) >= 0 and sum(sizes) > names:
            best, names = side, sum(sizes)
    return best


def header_name(data, f):
    """Length of the client id of what looks like a request, or -1."""
    if f.end - f.start < 14:
        return -1
    api, version, _, n = struct.unpack_from(">hhih", data, f.start + SIZE_LEN)
    n = max(n, 0)
    name = data[f.start + 14:f.start + 14 + n]
    good = 0 <= api <= 120 and 0 <= version <= 25 and n <= 255 and f.start + 14 + n <= f.end
    return n if good and all(32 <= x < 127 for x in name) else -1
