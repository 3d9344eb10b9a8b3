"""Where things are measured: a namespace with NICs, and in it netd, or a raw program, or nobody yet."""

import contextlib
import itertools
import json
import os
import pathlib
import platform
import shutil
import sys
import tempfile
import time

import zmq

checkout = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(checkout / "integration"))
from host import Netd, OpenVSwitch, Space, run  # noqa: E402

build = pathlib.Path(os.environ.get("NETD_BUILD", checkout / "build/release"))
numbers = itertools.count()


def machine():
    """This one; in the lab, the lab's."""
    cpu = next((line.partition(":")[2].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "?")
    return f"{os.cpu_count()} × {cpu}, Linux {platform.release()}"


class World:
    """A namespace of its own with NICs n0, n1, ... whose wires are up."""

    def __init__(self, nics=0, ovs=False):
        self.space = Space(f"bench{next(numbers)}")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="netd-bench-"))
        self.ovs = OpenVSwitch(self.space, self.folder / "ovs")
        self.netd = self.line = None
        if nics:
            self.limit("veths", nics, "n")
        if ovs:
            self.ovs.start()

    def limit(self, *words):
        """bench/limit's program in here: the seconds that it tells."""
        told = self.space.run(build / "bench/limit", *words, patience=580)
        return [int(line) / 1e6 for line in told.split()]

    def start_netd(self):
        """A netd, and a line to it. The seconds until it answered."""
        if not self.netd:
            (self.folder / "netd/run").mkdir(parents=True)
            run("mount", "-t", "tmpfs", "tmpfs", self.folder / "netd/run")  # as /run is
            self.netd = Netd(self.space, self.folder / "netd", build, self.ovs.socket)
        self.line = Line(self.netd.control)
        begun = time.perf_counter()
        self.netd.start()
        self.line.call("Host.ping2")
        return time.perf_counter() - begun

    def resident(self):
        """MiB of netd's memory."""
        for pid in [int(pid) for pid in run("pgrep", "-x", "netd").split()]:
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if self.netd.control.encode() in words:
                text = pathlib.Path(f"/proc/{pid}/status").read_text()
                return int(text.partition("VmRSS:")[2].split()[0]) / 1024
        return 0

    def close(self):
        for one in (self.line, self.netd, self.ovs, self.space):
            if one is not None:
                with contextlib.suppress(Exception):
                    one.close()
        if (self.folder / "netd/run").is_mount():
            run("umount", self.folder / "netd/run")
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Line:
    """A connection that does nothing but send bytes and wait for bytes, so that little of the time is its own."""

    def __init__(self, endpoint):
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        for option, value in ((zmq.LINGER, 0), (zmq.RECONNECT_IVL, 1), (zmq.RCVTIMEO, 580_000), (zmq.MAXMSGSIZE, -1)):
            self.socket.setsockopt(option, value)
        self.socket.connect(endpoint)

    def close(self):
        self.socket.close()

    @staticmethod
    def words(method, params=None):
        return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}).encode()

    def send(self, method, params=None):
        self.socket.send(self.words(method, params))

    def ask(self, method, params=None):
        """(seconds from the sending to the answer's last byte, the answer's bytes)."""
        words = self.words(method, params)
        begun = time.perf_counter()
        self.socket.send(words)
        answer = self.socket.recv()
        return time.perf_counter() - begun, answer

    def call(self, method, params=None):
        """The seconds; an answer that says no ends the bench."""
        seconds, answer = self.ask(method, params)
        if b'"error"' in answer[:2000] and "error" in json.loads(answer):
            raise RuntimeError(f"{method}: {json.loads(answer)['error']}")
        return seconds

    def setup(self, networks, **options):
        options.setdefault("connectivityCheck", False)
        return self.call("Host.setupNetworks", {"networks": networks, "bondings": {}, "options": options})


def networks(count, **attributes):
    """So many networks, each on a NIC of its own."""
    return {f"b{i}": {"nic": f"n{i}", **attributes} for i in range(count)}


def removal(count):
    return {f"b{i}": {"remove": True} for i in range(count)}


def nic(number, network="b0"):
    mac = f"52:54:00:aa:{number >> 8:02x}:{number & 255:02x}"
    return {"vmId": "vm", "nic": {"macAddr": mac, "network": network, "kind": "tap"}}
