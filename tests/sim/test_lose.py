#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""paritap-lose keeps its word: shares, runs, seeds, addresses. Counted here from the files."""
import gzip
import os
import struct
import subprocess
import sys
import tempfile

lose, capture = sys.argv[1:3]


def run(*args):
    out = tempfile.NamedTemporaryFile(suffix=".pcap").name
    text = subprocess.run([lose, *args, capture, out], check=True,
                          capture_output=True, text=True).stdout
    with open(out, "rb") as f:
        data = f.read()
    os.unlink(out)
    return {k: int(v) for k, v in (p.split("=") for p in text.split())}, frames(data)


def frames(data):
    """(time in ns, bytes) of each frame of a little-endian pcap."""
    scale = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1}[struct.unpack_from("<I", data)[0]]
    at, found = 24, []
    while at < len(data):
        sec, sub, cap, _ = struct.unpack_from("<IIII", data, at)
        found.append((sec * 10**9 + sub * scale, data[at + 16 : at + 16 + cap]))
        at += 16 + cap
    return found


def addresses(frame):
    return {".".join(map(str, frame[26:30])), ".".join(map(str, frame[30:34]))}


def runs(kept):
    """Lengths of the runs of frames that are gone."""
    found, n, it = [], 0, iter(kept)
    want = next(it, None)
    for frame in whole:
        if frame == want:
            want = next(it, None)
            if n:
                found.append(n)
            n = 0
        else:
            n += 1
    return found


with gzip.open(capture) as f:
    whole = frames(f.read())

said, kept = run()
assert kept == whole, "nothing asked, something lost"
assert said["frames"] == len(whole) and said["lost_at_random"] == 0

for rate, bursts in ((0.01, 1), (0.2, 1), (0.05, 8)):
    args = ("--rate", str(rate), "--bursts", str(bursts))
    said, kept = run(*args, "--seed", "7")
    lost = len(whole) - len(kept)
    assert said["lost_at_random"] == lost
    assert said["lost_bytes"] == sum(len(f[1]) for f in whole) - sum(len(f[1]) for f in kept)
    mean = rate * len(whole)
    assert abs(lost - mean) < 6 * (mean * 2 * bursts) ** 0.5, (rate, bursts, lost)
    lengths = runs(kept)
    assert sum(lengths) == lost
    if bursts > 1:
        assert bursts / 2 < sum(lengths) / len(lengths) < bursts * 2
    assert run(*args, "--seed", "7")[1] == kept, "the same seed gave something else"
    assert run(*args, "--seed", "8")[1] != kept, "another seed gave the same"

host, other = "10.88.1.1", "10.88.1.2"
said, kept = run("--drop-host", host)
assert kept == [f for f in whole if host not in addresses(f[1])] and len(kept) < len(whole)
assert said["lost_by_address"] == len(whole) - len(kept)
said, kept = run("--drop-pair", host, other)
assert kept == [f for f in whole if addresses(f[1]) != {host, other}] and len(kept) < len(whole)

for bad in (["--rate", "1"], ["--bursts", "0"], ["--drop-pair", host], ["--what"]):
    done = subprocess.run([lose, *bad, capture, os.devnull], capture_output=True)
    assert done.returncode == 2, bad
assert subprocess.run([lose, "/does/not/exist", os.devnull], capture_output=True).returncode == 2
