# SPDX-License-Identifier: Apache-2.0
"""Frames as mirrors wrap them, and IP packets in fragments: independent of paritap."""
import collections
import itertools
import socket
import struct

MAC = b"\x02\0\0\0\0\x12\x02\0\0\0\0\x11"
COLLECTOR = ("192.0.2.1", "192.0.2.9")
COLLECTOR6 = ("2001:db8::1", "2001:db8::9")
GRE, UDP = 47, 17
VXLAN_PORT, GENEVE_PORT = 4789, 6081


def ip4(proto, payload, ident):
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), ident & 0xFFFF, 0, 64, proto, 0,
                       *map(socket.inet_aton, COLLECTOR))
    return MAC + b"\x08\0" + head + payload


def ip6(proto, payload):
    head = struct.pack(">IHBB", 6 << 28, len(payload), proto, 64)
    head += b"".join(socket.inet_pton(socket.AF_INET6, a) for a in COLLECTOR6)
    return MAC + b"\x86\xdd" + head + payload


def udp(port, payload):
    return struct.pack(">HHHH", 49999, port, 8 + len(payload), 0) + payload


def gre(protocol, payload, key=None, seq=None, checksum=False):
    flags = checksum << 15 | (key is not None) << 13 | (seq is not None) << 12
    head = struct.pack(">HH", flags, protocol) + (b"\xc0\xc0\0\0" if checksum else b"")
    return head + b"".join(struct.pack(">I", x) for x in (key, seq) if x is not None) + payload


def erspan2(frame, seq, session):
    return gre(0x88BE, struct.pack(">HHI", 0x1001, 0x0800 | session, 3) + frame, seq=seq)


def erspan3(frame, seq, session, kind=0, sub=b""):
    head = struct.pack(">HHIHH", 0x2001, session, seq * 1000 & 0xFFFFFFFF, 0,
                       kind << 10 | bool(sub))
    return gre(0x22EB, head + sub + frame, seq=seq)


def geneve(protocol, payload):
    option = struct.pack(">HBBI", 0x0102, 0x80, 1, 0xDEADBEEF)
    return udp(GENEVE_PORT, struct.pack(">BBHI", len(option) // 4, 0, protocol, 7 << 8) + option +
               payload)


def vxlan(frame):
    return udp(VXLAN_PORT, struct.pack(">II", 8 << 24, 7 << 8) + frame)


def mpls(payload):
    return MAC + b"\x88\x47" + struct.pack(">II", 100 << 12 | 64, 200 << 12 | 1 << 8 | 64) + payload


# name: frame (around IPv4), number, IP identification -> the frame that the tap sees
WRAPPERS = {
    "qinq": lambda f, n, i: f[:12] + b"\x88\xa8\0\x07\x81\0\0\x08" + f[12:],
    "vxlan": lambda f, n, i: ip4(UDP, vxlan(f), i),
    "gre": lambda f, n, i: ip4(GRE, gre(0x6558, f), i),
    "gre numbered": lambda f, n, i: ip4(GRE, gre(0x6558, f, key=101, seq=n, checksum=True), i),
    "gre ip": lambda f, n, i: ip4(GRE, gre(0x0800, f[14:]), i),
    "erspan1": lambda f, n, i: ip4(GRE, gre(0x88BE, f), i),
    "erspan2": lambda f, n, i: ip4(GRE, erspan2(f, n, 102), i),
    "erspan2 over ip6": lambda f, n, i: ip6(GRE, erspan2(f, n, 103)),
    "erspan3": lambda f, n, i: ip4(GRE, erspan3(f, n, 104), i),
    "erspan3 sub": lambda f, n, i: ip4(GRE, erspan3(f, n, 105, sub=b"platform"), i),
    "erspan3 ip": lambda f, n, i: ip4(GRE, erspan3(f[14:], n, 106, kind=2), i),
    "geneve": lambda f, n, i: ip4(UDP, geneve(0x6558, f), i),
    "geneve over ip6": lambda f, n, i: ip6(UDP, geneve(0x6558, f)),
    "geneve ip": lambda f, n, i: ip4(UDP, geneve(0x0800, f[14:]), i),
    "mpls": lambda f, n, i: mpls(f[14:]),
    "pseudowire": lambda f, n, i: mpls(f),
    "pseudowire with control word": lambda f, n, i: mpls(b"\0\0\0\0" + f),
    "erspan2 in vxlan": lambda f, n, i: ip4(UDP, vxlan(ip4(GRE, erspan2(f, n, 107), i)), i),
    "mpls in gre in geneve": lambda f, n, i: ip6(UDP, geneve(0x6558, ip4(GRE, gre(
        0x8847, mpls(f[14:])[14:]), i))),
}


def fragments(frame, mtu, ident=0):
    """The frame's IP packet in as many frames as it takes."""
    if frame[12:14] == b"\x08\0":
        size = (frame[14] & 15) * 4
        total = struct.unpack_from(">H", frame, 16)[0]
        head, body, room = frame[:14 + size], frame[14 + size:14 + total], (mtu - size) // 8 * 8
    elif frame[12:14] == b"\x86\xdd":
        size = 40
        total = size + struct.unpack_from(">H", frame, 18)[0]
        head, body, room = frame[:54], frame[54:14 + total], (mtu - size - 8) // 8 * 8
    else:
        return [frame]
    if total <= mtu:
        return [frame]
    out = []
    for at in range(0, len(body), room):
        part = body[at:at + room]
        more = at + room < len(body)
        h = bytearray(head)
        if size == 40:
            struct.pack_into(">HB", h, 18, 8 + len(part), 44)
            h += struct.pack(">BBHI", head[20], 0, at | more, ident & 0xFFFFFFFF)
        else:
            struct.pack_into(">H", h, 16, size + len(part))
            struct.pack_into(">H", h, 20, more << 13 | at // 8)
        out.append(bytes(h) + part)
    return out


def packet_id(packet):
    return packet[3][18:20] + packet[3][26:34]


def wrapped(cap, names, mtu=1500, inner_mtu=0):
    """The capture's packets as lists of frames, wrapped by turns. Every third IP packet larger than
    inner_mtu (0: none) was in fragments before, if no other has its addresses and identification:
    fragments of a copy would be none of a second packet."""
    turns = itertools.cycle(names)
    idents = itertools.count()
    numbers = {name: itertools.count() for name in names}
    same = collections.Counter(map(packet_id, cap.packets))
    out = []
    for at, packet in enumerate(cap.packets):
        name = next(turns)
        split = inner_mtu and at % 3 == 0 and same[packet_id(packet)] == 1
        inner = fragments(packet[3], inner_mtu) if split else [packet[3]]
        frames = []
        for f in inner:
            i = next(idents)
            frames += fragments(WRAPPERS[name](f, next(numbers[name]), i), mtu, i)
        out.append(frames)
    return out


def capture(cap, packets):
    """Lists of frames as a capture: each list at the time of the packet in its place."""
    return cap.with_packets([(s, f, len(d), d) for (s, f, _, _), frames in zip(cap.packets, packets)
                             for d in frames])


def disordered(packets):
    """Fragments of a packet from the last to the first, and the last one of them only behind the
    first one of the next packet, if that has several: packets become whole in the same order."""
    out = []
    early = None
    for frames, after in zip(packets, packets[1:] + [[]]):
        frames = frames[::-1]
        if early is not None:
            frames.remove(early)
        early = None
        if len(frames) > 1 and len(after) > 1:
            early = after[-1]
            frames = frames[:-1] + [early] + frames[-1:]
        out.append(frames)
    return out


def twice(packets):
    return [[f for frame in frames for f in (frame, frame)] if len(frames) > 1 else frames
            for frames in packets]
