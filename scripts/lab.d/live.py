# SPDX-License-Identifier: Apache-2.0
"""paritapd on the monitor port while a scenario runs, with a reporter beside it.

The mirror is switched on when paritapd listens and off before it ends, so that what the monitor
port was sent can be compared, packet by packet, with what paritapd says that it took or lost. The
host that fetches the truth is not mirrored.
"""
import datetime
import json
import os
import signal
import subprocess
import threading
import time

import net

SEGMENT = "lab"
# net_af_packet has a ring that is large enough for brokers that share their cores, but does not
# count what it loses: the wire's own counter is what it is compared with. net_pcap counts, but its
# ring of 2 MiB overflows here now and then.
PORT = os.environ.get("PARITAP_LAB_PORT", "net_af_packet0,iface=mon0,blocksz=1048576,framesz=2048,"
                                          "framecnt=65536")
HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS = os.environ.get("PARITAP_TOOLS",
                       os.path.join(HERE, "..", "..", "build", "tools"))
PATIENCE = 60


def sent():
    """Packets that the switch has put on the monitor port."""
    out = subprocess.run(net.inside(net.SWITCH, "cat",
                                    "/sys/class/net/sp0/statistics/tx_packets"),
                         stdout=subprocess.PIPE, check=True, text=True).stdout
    return int(out)


class Live:
    def __init__(self, folder, name, words=()):
        self.path = os.path.join(folder, name)
        self.lines = []
        net.mirror(False)
        time.sleep(0.5)
        if os.path.exists("/dev/shm/" + SEGMENT): # of a run before, which readers would show
            os.unlink("/dev/shm/" + SEGMENT)
        self.before = sent()
        self.daemon = subprocess.Popen(
            net.inside(net.MONITOR, os.path.join(TOOLS, "paritapd"), "--no-huge", "--quiet",
                       "--ports", PORT,
                       "--source-brokers", "10.88.1.0/24", "--target-brokers", "10.88.2.0/24",
                       "--segment", SEGMENT, "--json", self.path + ".live.json", *words,
                       *os.environ.get("PARITAP_LAB_ARGS", "").split()),
            stdin=subprocess.DEVNULL)
        self.wait_ready()
        self.reporter = subprocess.Popen(
            [os.path.join(TOOLS, "paritap"), "report", "--follow", "--jsonl", SEGMENT],
            stdout=subprocess.PIPE, text=True)
        self.reading = threading.Thread(target=self.read, daemon=True)
        self.reading.start()
        net.mirror(True, truth=False)

    def wait_ready(self):
        limit = time.time() + PATIENCE
        while subprocess.run([os.path.join(TOOLS, "paritap"), "report", "--jsonl", SEGMENT],
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                             check=False).returncode == 2:
            if self.daemon.poll() is not None or time.time() > limit:
                raise RuntimeError("paritapd did not start")
            time.sleep(0.2)

    def read(self):
        for line in self.reporter.stdout:
            self.lines.append((time.time(), json.loads(line)))

    def stop(self):
        """Ends paritapd and returns what was seen of the run."""
        time.sleep(2)
        net.mirror(False)
        time.sleep(1)
        wire = sent() - self.before
        self.daemon.send_signal(signal.SIGTERM)
        code = self.daemon.wait(PATIENCE)
        self.reporter.wait(PATIENCE)
        self.reading.join(PATIENCE)
        with open(self.path + ".live.json", encoding="utf-8") as f:
            report = json.load(f)
        with open(self.path + ".follow.jsonl", "w", encoding="utf-8") as f:
            for at, line in self.lines:
                f.write(json.dumps({"read": at, **line}) + "\n")
        seen = {"exit": code, "wire_packets": wire,
                "packets": sum(i["packets"] for i in report["inputs"]),
                "lost": sum(i["missed"] + i["no_buffer"] for i in report["inputs"]),
                **self.delays(report)}
        with open(self.path + ".live-seen.json", "w", encoding="utf-8") as f:
            json.dump(seen, f, indent=1)
            f.write("\n")
        return seen

    def delays(self, report):
        """From the moment at which a finding was certified to the one at which it was read."""
        told = [(at, x) for at, x in self.lines if x.get("type") == "finding"]
        late = [at - datetime.datetime.fromisoformat(
            x["certified"][:26].rstrip("Z") + "+00:00").timestamp() for at, x in told]
        return {"findings": len(report["findings"]), "findings_followed": len(told),
                "longest_delay_s": round(max(late), 3) if late else None}
