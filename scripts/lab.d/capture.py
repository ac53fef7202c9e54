# SPDX-License-Identifier: Apache-2.0
"""Records what the monitor port shows of each cluster, without the host that fetches the truth."""
import gzip
import os
import shutil
import signal
import subprocess
import time

import net

FILTER = {"source": "net 10.88.1.0/24", "target": "net 10.88.2.0/24"}


class Capture:
    def __init__(self, folder, name):
        self.plain, self.running = [], []
        for side, what in FILTER.items():
            path = "%s/%s-%s.pcap" % (folder, name, side)
            self.plain.append(path)
            self.running.append(subprocess.Popen(
                net.inside(net.MONITOR, "tcpdump", "-Z", "root", "-B", "65536", "-s", "0", "-U",
                           "-i", "mon0", "-w", path, "tcp and %s and not host %s" %
                           (what, net.HOSTS["truth"])),
                stderr=subprocess.PIPE, text=True))
        time.sleep(1)

    def stop(self):
        """Ends both captures; a packet that the kernel dropped would make the truth untrue."""
        time.sleep(1)
        for p in self.running:
            p.send_signal(signal.SIGINT)
            said = p.communicate()[1]
            if "0 packets dropped by kernel" not in said:
                raise RuntimeError("the capture lost packets: " + said)
        for path in self.plain:
            with open(path, "rb") as f, gzip.GzipFile(path + ".gz", "wb", 9, mtime=0) as g:
                shutil.copyfileobj(f, g, 1 << 20)
            os.unlink(path)
