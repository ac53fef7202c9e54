# SPDX-License-Identifier: Apache-2.0
"""The same TCP bytes in other segments: what no reader of streams may notice.

Payload is cut and joined anew, and what real networks and mirrors do is added: copies, reordering
within a few packets, retransmissions whose boundaries are others, segments that overlap the one
before. Only Ethernet, IPv4 and TCP frames are touched; every other frame stays where it is.
"""
import struct

MAX_PAYLOAD = 65535 - 60  # what an IPv4 length can say


class Segment:
    """One TCP segment: everything in front of the sequence number is kept as it is."""

    def __init__(self, packet):
        sec, frac, _, data = packet
        self.time = (sec, frac)
        self.ip_len = (data[14] & 15) * 4
        self.tcp_at = 14 + self.ip_len
        self.tcp_len = (data[self.tcp_at + 12] >> 4) * 4
        total = struct.unpack_from(">H", data, 16)[0]
        self.head = data[:self.tcp_at + self.tcp_len]
        self.payload = data[self.tcp_at + self.tcp_len:14 + total]
        self.seq, self.ack = struct.unpack_from(">II", data, self.tcp_at + 4)
        self.flags = data[self.tcp_at + 13]
        self.ends = (data[26:30] + data[self.tcp_at:self.tcp_at + 2],
                     data[30:34] + data[self.tcp_at + 2:self.tcp_at + 4])

    def packet(self, seq, payload, flags, ip_id):
        head = bytearray(self.head)
        struct.pack_into(">HH", head, 16, self.ip_len + self.tcp_len + len(payload), ip_id)
        struct.pack_into(">I", head, self.tcp_at + 4, seq & 0xFFFFFFFF)
        head[self.tcp_at + 13] = flags
        data = bytes(head) + payload
        return (*self.time, len(data), data)


def segment_of(packet):
    data = packet[3]
    if len(data) < 54 or data[12:14] != b"\x08\x00" or data[23] != 6:
        return None
    return Segment(packet)


SYN, FIN, RST = 2, 1, 4


def recut(cap, rng, size, join=False, overlap=0.0, repeat=0.0, copies=0.0, jitter_us=0):
    """size(): length of the next segment. join: payload that follows on in the same direction, with
    none of the other direction between, is joined before it is cut. overlap, repeat and copies are
    probabilities a segment; jitter_us: how far a packet may move in time."""
    items = [(p, segment_of(p)) for p in cap.packets]
    if join:
        items = joined(items)
    out = []
    ids = {}

    def emit(s, seq, payload, flags):
        ids[s.ends] = ids.get(s.ends, 0) % 65535 + 1
        out.append(s.packet(seq, payload, flags, ids[s.ends]))
        if rng.random() < copies:
            out.append(out[-1])

    for packet, s in items:
        if s is None or not s.payload:
            out.append(packet)
            continue
        at = 0
        while at < len(s.payload):
            n = max(1, min(size(), MAX_PAYLOAD, len(s.payload) - at))
            last = at + n == len(s.payload)
            flags = s.flags if last else s.flags & ~FIN
            back = 0
            if at and rng.random() < overlap:
                back = rng.randint(1, min(at, 2000, MAX_PAYLOAD - n)) if n < MAX_PAYLOAD else 0
            emit(s, s.seq + at - back, s.payload[at - back:at + n], flags)
            at += n
            if rng.random() < repeat:
                again = rng.randint(1, min(at, 3000))
                emit(s, s.seq + at - again, s.payload[at - again:at], flags & ~FIN)
    if jitter_us:
        out = shuffled(cap, out, rng, jitter_us)
    return cap.with_packets(out)


def begun(cap, first, rng):
    """Without the packets before index first, and, in one of two cases, without the first bytes of
    that one's payload."""
    packets = cap.packets[first:]
    s = segment_of(packets[0])
    if s and s.payload and rng.random() < 0.5:
        n = rng.randint(1, len(s.payload))
        packets[0] = s.packet(s.seq + n, s.payload[n:], s.flags,
                              struct.unpack_from(">H", packets[0][3], 18)[0])
    return cap.with_packets(packets)


def from_their_start(cap):
    """Without the connections whose SYN is not there: where those begin depends on the packets."""
    begun = set()
    for s in map(segment_of, cap.packets):
        if s and s.flags & SYN:
            begun.add(frozenset(s.ends))
    keep = []
    for p in cap.packets:
        s = segment_of(p)
        if s and frozenset(s.ends) in begun:
            keep.append(p)
    return cap.with_packets(keep)


def joined(items):
    """Joins payload of one direction into the first packet that carries it."""
    out = []
    open_at = {}  # ends of a direction -> its joined segment
    for packet, s in items:
        if s is None:
            out.append((packet, s))
            continue
        other = (s.ends[1], s.ends[0])
        if s.flags & (SYN | FIN | RST) or not s.payload:
            if s.flags & (SYN | FIN | RST):
                open_at.pop(s.ends, None)
                open_at.pop(other, None)
            out.append((packet, s))
            continue
        open_at.pop(other, None)
        first = open_at.get(s.ends)
        if first and (first.seq + len(first.payload)) & 0xFFFFFFFF == s.seq and \
                len(first.payload) + len(s.payload) < 1 << 20 and \
                first.time[0] == s.time[0]:
            first.payload += s.payload
            continue
        open_at[s.ends] = s
        out.append((packet, s))
    return out


def shuffled(cap, packets, rng, jitter_us):
    """Packets moved by up to jitter_us in time."""
    unit = 1000000000 if cap.magic == 0xA1B23C4D else 1000000
    late = []
    for i, (sec, frac, wire, data) in enumerate(packets):
        at = sec * unit + frac + int(rng.random() * jitter_us * (unit // 1000000))
        late.append((at, i, wire, data))
    return [(at // unit, at % unit, wire, data) for at, _, wire, data in sorted(late)]
