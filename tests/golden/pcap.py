# SPDX-License-Identifier: Apache-2.0
"""Classic pcap files as lists of packets, and frames made by hand: independent of paritap."""
import gzip
import os
import socket
import struct

ETHERNET = 1


class Capture:
    """Header and packets [(seconds, fraction, wire length, bytes)] of one little-endian file."""

    def __init__(self, packets, magic=0xA1B2C3D4, link=ETHERNET, snaplen=262144):
        self.packets = packets
        self.magic = magic
        self.link = link
        self.snaplen = snaplen

    def with_packets(self, packets):
        return Capture(packets, self.magic, self.link, self.snaplen)

    def write(self, path):
        with open(path, "wb") as f:
            f.write(struct.pack("<IHHiIII", self.magic, 2, 4, 0, 0, self.snaplen, self.link))
            for sec, frac, wire, data in self.packets:
                f.write(struct.pack("<IIII", sec, frac, len(data), wire))
                f.write(data)
        return path


def read(path):
    """A missing file is an error: no test skips because a capture is not there."""
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rb") as f:
        raw = f.read()
    magic, _, _, _, _, snaplen, link = struct.unpack_from("<IHHiIII", raw)
    if magic not in (0xA1B2C3D4, 0xA1B23C4D):
        raise ValueError("%s: no little-endian pcap" % path)
    packets = []
    at = 24
    while at < len(raw):
        sec, frac, caplen, wire = struct.unpack_from("<IIII", raw, at)
        packets.append((sec, frac, wire, raw[at + 16:at + 16 + caplen]))
        at += 16 + caplen
    return Capture(packets, magic, link, snaplen)


def addresses(frame):
    """Both IPv4 addresses of an Ethernet frame, as text; empty for everything else."""
    if frame[12:14] != b"\x08\x00":
        return ()
    return (socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34]))


def without(cap, unwanted):
    """A copy without the frames for which unwanted(address) holds of either end."""
    return cap.with_packets([p for p in cap.packets
                             if not any(unwanted(a) for a in addresses(p[3]))])


def thinned(cap, rng, share):
    return cap.with_packets([p for p in cap.packets if rng.random() >= share])


def without_requests(cap, rng, share, longest=600):
    """A share of the small packets with data to the lower port, which is the broker's, is gone:
    most of what clients ask for."""
    def is_request(frame):
        if len(frame) < 54 or frame[12:14] != b"\x08\x00" or frame[23] != 6:
            return False
        tcp = 14 + (frame[14] & 15) * 4
        source, target = struct.unpack_from(">HH", frame, tcp)
        length = struct.unpack_from(">H", frame, 16)[0] + 14 - tcp - (frame[tcp + 12] >> 4) * 4
        return target < source and 0 < length <= longest
    return cap.with_packets([p for p in cap.packets
                             if not is_request(p[3]) or rng.random() >= share])


def answers_only(cap, rng, share):
    """Of a share of the connections all that goes to the lower port, which is the broker's, is
    gone: a mirror of one direction."""
    dark = {}

    def is_dark(frame):
        if len(frame) < 54 or frame[12:14] != b"\x08\x00" or frame[23] != 6:
            return False
        tcp = 14 + (frame[14] & 15) * 4
        source, target = struct.unpack_from(">HH", frame, tcp)
        key = frame[26:34] + frame[tcp:tcp + 4]
        return target < source and dark.setdefault(key, rng.random() < share)
    return cap.with_packets([p for p in cap.packets if not is_dark(p[3])])


def without_texts(cap, texts):
    """A copy without the packets in which one of these byte strings stands."""
    return cap.with_packets([p for p in cap.packets if not any(t in p[3] for t in texts)])


def spoiled(cap, rng, share):
    """Of compressed batches (magic 2) that lie in one packet, the first byte behind the header is
    changed, so that they cannot be decoded, and the checksum made right again. Returns the copy and
    how many there were."""
    return _changed(cap, lambda d, at: d[at + 22] & 7 and rng.random() < share, _flip(61))


def contradicting(cap, rng, share):
    """Of plain batches (magic 2) that lie in one packet, one of the last bytes is changed, and the
    checksum made right again: copies of one log say different things. Returns the same."""
    return _changed(cap, lambda d, at: not d[at + 22] & 7 and rng.random() < share, _flip(-3))


def renumbered(cap, start, by):
    """Batches of idempotent producers get another sequence, from `start` on. Returns the same."""
    def change(d, at, _):
        struct.pack_into(">i", d, at + 53, struct.unpack_from(">i", d, at + 53)[0] + by)
    return _changed(cap, lambda d, at: struct.unpack_from(">q", d, at + 43)[0] >= 0 and
                    struct.unpack_from(">i", d, at + 53)[0] >= start, change)


def _flip(place):
    def change(d, at, end):
        d[(at if place > 0 else end) + place] ^= 0x55
    return change


def _changed(cap, wanted, change):
    packets, cnt = [], 0
    for s, f, w, d in cap.packets:
        d = bytearray(d)
        for at in _batches(d):
            end = at + 12 + struct.unpack_from(">i", d, at + 8)[0]
            if wanted(d, at):
                change(d, at, end)
                struct.pack_into(">I", d, at + 17, crc32c(d[at + 21:end]))
                cnt += 1
        packets.append((s, f, w, bytes(d)))
    return cap.with_packets(packets), cnt


def _batches(d):
    """Where the whole batches of a packet begin."""
    at = d.find(2, 16) - 16
    while at >= 0:
        size = struct.unpack_from(">i", d, at + 8)[0] if at + 62 <= len(d) else 0
        if (size > 49 and at + 12 + size <= len(d) and d[at + 21] == 0 and
                struct.unpack_from(">I", d, at + 17)[0] == crc32c(d[at + 21:at + 12 + size])):
            yield at
        at = d.find(2, at + 17) - 16


def snapped(cap, snaplen):
    return cap.with_packets([(s, f, w, d[:snaplen]) for s, f, w, d in cap.packets])


def split(cap, rng, parts):
    """Pieces whose packets follow each other in time, so that merging them gives the file again."""
    times = [(s, f) for s, f, _, _ in cap.packets]
    latest, cuts, before = None, [], []
    for t in times:
        before.append(latest)
        latest = t if latest is None else max(latest, t)
    soonest = None
    for i in range(len(times) - 1, 0, -1):
        soonest = times[i] if soonest is None else min(soonest, times[i])
        if before[i] < soonest:
            cuts.append(i)
    chosen = [0] + sorted(rng.sample(cuts, min(parts - 1, len(cuts)))) + [len(times)]
    return [cap.with_packets(cap.packets[a:b]) for a, b in zip(chosen, chosen[1:])]


def ends(frame):
    """Both ends of an Ethernet frame with IPv4 and TCP, (address, port); None for all else."""
    if frame[12:14] != b"\x08\x00" or frame[23] != 6:
        return None
    at = 14 + 4 * (frame[14] & 15)
    ports = struct.unpack_from(">HH", frame, at)
    return ((frame[26:30], ports[0]), (frame[30:34], ports[1]))


def fibres(cap):
    """The two directions of every connection, each in a file of its own."""
    out = ([], [])
    for p in cap.packets:
        e = ends(p[3])
        out[e is not None and e[0] > e[1]].append(p)
    return [cap.with_packets(packets) for packets in out]


def beside(cap, address):
    """What taps at this address and at all others see: what passes between is in both files."""
    near = cap.with_packets([p for p in cap.packets if address in addresses(p[3])])
    far = cap.with_packets([p for p in cap.packets if set(addresses(p[3])) != {address} and
                            any(a != address and a.startswith("10.88.1.")
                                for a in addresses(p[3]))])
    return [near, far]


def shifted(cap, seconds):
    """The same by another clock."""
    unit = 1000000000 if cap.magic == 0xA1B23C4D else 1000000
    packets = []
    for s, f, w, d in cap.packets:
        t = s * unit + f + round(seconds * unit)
        packets.append((t // unit, t % unit, w, d))
    return cap.with_packets(packets)


class Stream:
    """One TCP connection made by hand: SYN, then data in segments."""

    def __init__(self, sport=9092):
        self.ends = (("10.9.0.1", 40000), ("10.9.0.2", sport))
        self.seq = [1000, 9000]
        self.packets = []
        self.sec, self.usec = 1700000000, 0
        self._segment(0, b"", 0x02)
        self.seq[0] += 1
        self._segment(1, b"", 0x12)
        self.seq[1] += 1
        self._segment(0, b"", 0x10)

    def _segment(self, side, data, flags):
        (src, sport), (dst, dport) = self.ends[side], self.ends[1 - side]
        tcp = struct.pack(">HHIIBBHHH", sport, dport, self.seq[side] & 0xFFFFFFFF,
                          self.seq[1 - side] & 0xFFFFFFFF if flags & 0x10 else 0, 0x50, flags,
                          65535, 0, 0)
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(data), len(self.packets) & 0xFFFF, 0,
                         64, 6, 0, socket.inet_aton(src), socket.inet_aton(dst))
        frame = b"\x02\0\0\0\0\2\x02\0\0\0\0\1\x08\0" + ip + tcp + data
        self.packets.append((self.sec, self.usec, len(frame), frame))
        self.usec += 10
        if self.usec >= 1000000:
            self.sec, self.usec = self.sec + 1, 0

    def send(self, side, data, mss=1448):
        for i in range(0, len(data), mss):
            self._segment(side, data[i:i + mss], 0x18)
            self.seq[side] += len(data[i:i + mss])
        self._segment(1 - side, b"", 0x10)
        return self

    def capture(self):
        return Capture(self.packets)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _CRC32C[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def _table():
    out = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        out.append(n)
    return out


_CRC32C = _table()


def batch(records, count, codec=0):
    """A magic-2 batch around `records`, its CRC right, that says it holds `count` of them."""
    body = struct.pack(">hiqqqhii", codec, min(count - 1, 0x7FFFFFFF), 1700000000000,
                       1700000000000, -1, -1, -1, count) + records
    tail = struct.pack(">ibI", 0, 2, crc32c(body)) + body
    return struct.pack(">qi", 0, len(tail)) + tail


def request(api, version, correlation, body, client=b"tests"):
    head = struct.pack(">hhih", api, version, correlation, len(client)) + client
    return struct.pack(">i", len(head) + len(body)) + head + body


def produce(correlation, topic, record_batch, version=7):
    topic = topic.encode()
    body = struct.pack(">hhi", -1, -1, 30000) + struct.pack(">i", 1)
    body += struct.pack(">h", len(topic)) + topic
    body += struct.pack(">iii", 1, 0, len(record_batch)) + record_batch
    return request(0, version, correlation, body)


def produce_response(correlation, topic, base_offset):
    """Version 7: error 0 for partition 0."""
    topic = topic.encode()
    body = struct.pack(">ii", correlation, 1) + struct.pack(">h", len(topic)) + topic
    body += struct.pack(">iihqqq", 1, 0, 0, base_offset, -1, 0) + struct.pack(">i", 0)
    return struct.pack(">i", len(body)) + body


def captures_dir():
    here = os.path.dirname(os.path.abspath(__file__))
    return os.path.join(os.path.dirname(here), "captures")
