# SPDX-License-Identifier: Apache-2.0
"""The lab's network: one namespace a host, one bridge, and a monitor port.

The bridge mirrors the ingress of every access port, so each frame reaches the monitor exactly
once. Offloads are off at the hosts' ends: frames are real 1500-byte frames with right checksums.
"""
import ctypes
import os
import subprocess

PREFIX = "ptlab-"
SWITCH, MONITOR = PREFIX + "sw", PREFIX + "mon"
HOSTS = {"s1": "10.88.1.1", "s2": "10.88.1.2", "s3": "10.88.1.3", "t1": "10.88.2.1",
         "r1": "10.88.3.1", "c1": "10.88.4.1", "c2": "10.88.4.2", "c3": "10.88.4.3",
         "truth": "10.88.4.9"}
CLONE_NEWNET = 0x40000000


def sh(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def inside(ns, *words):
    return ("ip", "netns", "exec", ns) + words


def enter(host):
    """Moves this thread, and the threads that it starts later, into a host's namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/run/netns/" + PREFIX + host) as f:
        if libc.setns(f.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns " + host)


def add_host(host, address):
    ns, port = PREFIX + host, "p-" + host
    sh("ip", "netns", "add", ns)
    sh("ip", "link", "add", "eth0", "netns", ns, "type", "veth", "peer", "name", port,
       "netns", SWITCH)
    for where in (("-n", ns, "addr", "add", address + "/16", "dev", "eth0"),
                  ("-n", ns, "link", "set", "lo", "up"),
                  ("-n", ns, "link", "set", "eth0", "up"),
                  ("-n", SWITCH, "link", "set", port, "master", "br0"),
                  ("-n", SWITCH, "link", "set", port, "up")):
        sh("ip", *where)
    sh(*inside(ns, "ethtool", "-K", "eth0", "tso", "off", "gso", "off", "gro", "off", "tx", "off"))
    sh(*inside(SWITCH, "tc", "qdisc", "add", "dev", port, "clsact"))
    mirror_port(host, True)


def mirror_port(host, on, but=None):
    """Mirrors what a host sends, or nothing; but: except to this address."""
    port = "p-" + host
    subprocess.run(inside(SWITCH, "tc", "filter", "del", "dev", port, "ingress"), check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if on and but:
        sh(*inside(SWITCH, "tc", "filter", "add", "dev", port, "ingress", "protocol", "ip", "prio",
                   "1", "u32", "match", "ip", "dst", but + "/32", "flowid", "1:1"))
    if on:
        sh(*inside(SWITCH, "tc", "filter", "add", "dev", port, "ingress", "protocol", "all", "prio",
                   "2", "u32", "match", "u32", "0", "0", "action", "mirred", "egress", "mirror",
                   "dev", "sp0"))


def mirror(on, truth=True):
    """Switches the monitor port on or off; truth: also what the truth's host says and hears."""
    for host in HOSTS:
        mirror_port(host, on and (truth or host != "truth"), None if truth else HOSTS["truth"])


def up():
    for ns in (SWITCH, MONITOR):
        sh("ip", "netns", "add", ns)
        sh(*inside(ns, "sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1"))
    sh("ip", "link", "add", "mon0", "netns", MONITOR, "type", "veth", "peer", "name", "sp0",
       "netns", SWITCH)
    sh("ip", "-n", SWITCH, "link", "add", "br0", "type", "bridge")
    sh("ip", "-n", SWITCH, "link", "set", "br0", "up")
    for ns, port in ((SWITCH, "sp0"), (MONITOR, "mon0")):
        sh("ip", "-n", ns, "link", "set", port, "mtu", "3400", "promisc", "on", "up")
    for host, address in HOSTS.items():
        add_host(host, address)


def down():
    for host in list(HOSTS) + ["sw", "mon"]:
        if os.path.exists("/run/netns/" + PREFIX + host):
            sh("ip", "netns", "del", PREFIX + host)
