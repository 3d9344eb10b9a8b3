"""A host to try netd on: a network namespace with NICs, wires to somewhere else, an Open vSwitch, and netd itself.

Everything that is made here is taken away by `close`, whatever happened meanwhile; processes are ended by their number.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

from client import Client, Events, NoAnswer
from readers import Database, Look

checkout = pathlib.Path(__file__).resolve().parent.parent


class Failed(Exception):
    pass


def run(*words, text=None, check=True, patience=180):
    """A program's output; its error is told if it fails."""
    done = subprocess.run([str(word) for word in words], input=text, text=True, capture_output=True, timeout=patience,
                          stdin=None if text is not None else subprocess.DEVNULL)
    if check and done.returncode != 0:
        raise Failed(f"{' '.join(map(str, words))}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def wait_until(is_so, patience=10, what="it did not become so"):
    deadline = time.monotonic() + max(3 * patience, 60)   # the machine may have much else to do, or stand still for a while
    while not (value := is_so()):
        if time.monotonic() > deadline:
            raise Failed(what() if callable(what) else what)
        time.sleep(0.02)
    return value


def is_alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Space:
    """A named network namespace."""

    def __init__(self, name):
        self.name, self.reader = name, Look(name)
        run("ip", "netns", "add", name)
        self.links("link set lo up")

    def close(self):
        self.reader.close()
        run("ip", "netns", "delete", self.name, check=False)

    def links(self, *lines):
        """Lines for `ip -batch` in here."""
        # Long: the kernel may still be burying thousands of links of a namespace that was there before.
        run("ip", "-n", self.name, "-batch", "-", text="\n".join(lines) + "\n", patience=300)

    def ip(self, *words):
        """What `ip -j` tells of this namespace."""
        return [entry for entry in json.loads(run("ip", "-n", self.name, "-d", "-j", *words) or "[]") if entry]

    def look(self):
        """Everything at once: (what -4 tells, what -6 tells, VLANs of bridge ports)."""
        return self.reader.look()

    def traffic(self, what, device=None, *more):
        """What `tc` tells of qdiscs, classes or filters."""
        return run("tc", "-n", self.name, what, "show", *(("dev", device) if device else ()), *more)

    def link(self, name):
        found = json.loads(run("ip", "-n", self.name, "-d", "-j", "-s", "link", "show", name, check=False) or "[]")
        return found[0] if found else None

    def command(self, *words):
        return ["ip", "netns", "exec", self.name, *map(str, words)]

    def run(self, *words, **how):
        return run(*self.command(*words), **how)

    def start(self, *words, **how):
        return subprocess.Popen(self.command(*words), stdin=subprocess.DEVNULL, start_new_session=True, **how)


def reachable(*pairs, size=None, patience=1):
    """Pings at once, one a pair (space, address): who got an answer. Asked twice, since an ARP answer may be late."""
    how = ["-n", "-q", "-i", "0.2", "-c", "3", "-W", str(patience)] + (["-M", "do", "-s", str(size)] if size else [])
    asked = [space.start("ping", *how, address, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for space, address in pairs]
    return [ping.wait() == 0 for ping in asked]


class OpenVSwitch:
    """A private one that serves one namespace (integration/ovs)."""

    def __init__(self, space, folder, datapath="userspace"):
        self.space, self.folder, self.datapath = space, pathlib.Path(folder), datapath
        self.folder.mkdir(parents=True, exist_ok=True)
        self.socket = f"unix:{self.folder}/db.sock"

    def start(self):
        self.space.run(checkout / "integration/ovs", "start", self.folder, self.datapath)

    def pid(self, daemon):
        return int((self.folder / f"{daemon}.pid").read_text())

    @contextlib.contextmanager
    def stopped(self, daemon):
        """ovsdb-server or ovs-vswitchd stands still meanwhile."""
        pid = self.pid(daemon)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def kill(self, daemon):
        """ovsdb-server or ovs-vswitchd, as a crash does."""
        pid = self.pid(daemon)
        if _name(pid) == daemon:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(pid), what=f"{daemon} does not die")

    def start_again(self, daemon):
        """As systemd does with one that crashed."""
        self.space.run(checkout / "integration/ovs", {"ovsdb-server": "database", "ovs-vswitchd": "switch"}[daemon], self.folder)

    def close(self):
        if self.folder.exists():
            self.space.run(checkout / "integration/ovs", "stop", self.folder)

    def vsctl(self, *words):
        return run("ovs-vsctl", f"--db={self.socket}", "--timeout=150", *words)

    def appctl(self, *words):
        return run("ovs-appctl", "-t", f"{self.folder}/ovs-vswitchd.ctl", *words)

    def ofctl(self, bridge, *words):
        options = [word for word in words if word.startswith("--")]
        command, *rest = [word for word in words if not word.startswith("--")]
        return run("ovs-ofctl", *options, command, f"unix:{self.folder}/{bridge}.mgmt", *rest)

    def rows(self, table):
        """The table's rows as {column: value}, OVSDB's sets and maps as lists and objects."""
        return Database(self.socket).rows(table)[0]

    def flows(self, bridge):
        """(cookie, port that it is for, the flow as ovs-ofctl words it) of each flow that is for one port."""
        text = run("ovs-ofctl", "-O", "OpenFlow14", "dump-flows", "--no-names", "--no-stats", f"unix:{self.folder}/{bridge}.mgmt", check=False)
        return [(int(flow[1], 16), int(flow[2]), flow[0].strip()) for flow in re.finditer(r"cookie=(0x[0-9a-f]+).*in_port=(\d+).*", text)]


class Netd:
    """The daemon, in a namespace, with every file of its own in one folder."""

    def __init__(self, space, folder, build, ovs_socket, words=()):
        self.space, self.folder, self.build = space, pathlib.Path(folder), pathlib.Path(build)
        self.control, self.events = f"ipc://{folder}/s/control", f"ipc://{folder}/s/events"
        self.state, self.run = self.folder / "state", self.folder / "run"
        self.log = self.folder / "log"
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "config").write_text("{}")
        self.words = [self.build / "netd/netd", "--config", self.folder / "config", "--control", self.control, "--events", self.events,
                      "--state", self.state, "--run", self.run, "--ovs", ovs_socket, "--libvirt", "", "--resolv-conf", self.folder / "resolv.conf", *words]
        self.process, self.watchdogs, self.clients = None, [], []

    def start(self, before=(), more=()):
        """`before` is a program that runs it, like strace."""
        with open(self.log, "ab") as log:
            self.process = self.space.start(*before, *self.words, *more, stdout=log, stderr=log)
        return self

    def ready(self, patience=180):
        deadline, answer_time = time.monotonic() + patience, 0.5
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise Failed(f"netd ended with {self.process.returncode}: {self.told()}")
            with Client(self.control, answer_time) as client, contextlib.suppress(NoAnswer):
                answer_time = min(answer_time * 1.5, 10)
                client.call("Host.ping2")
                self.watchdogs += [pid for pid in _descendants(self.process.pid) if _name(pid) == "netd-watchdog"]
                return self
        raise Failed(f"netd does not answer: {self.told()}")

    def client(self, patience=120):
        self.clients.append(Client(self.control, patience))
        return self.clients[-1]

    def subscribe(self, topic=""):
        self.clients.append(Events(self.events, topic))
        return self.clients[-1]

    def netctl(self, *words, check=True):
        endpoints = dict(os.environ, NETD_CONTROL=self.control, NETD_EVENTS=self.events)
        done = subprocess.run([self.build / "netctl/netctl", "--timeout", "120s", *map(str, words)], text=True, capture_output=True, stdin=subprocess.DEVNULL,
                              env=endpoints, timeout=180)
        if check and done.returncode != 0:
            raise Failed(f"netctl {' '.join(map(str, words))} ({done.returncode}): {done.stderr.strip()}")
        return done.stdout

    def dhcp_clients(self):
        """{key: pid} of those that it started, and that may outlive it."""
        found = {}
        for file in (self.run / "dhcp").glob("*.pid"):
            with contextlib.suppress(FileNotFoundError):
                if words := file.read_text().split():   # it may be written just now
                    found[file.stem] = int(words[0])
        return found

    def told(self):
        return self.log.read_text(errors="replace").strip()[-2000:] if self.log.exists() else ""

    def doing(self):
        """Where in the kernel its threads and the programs that it runs are."""
        tasks = list(pathlib.Path(f"/proc/{self.process.pid}/task").glob("*"))
        with contextlib.suppress(OSError):
            tasks += [pathlib.Path(f"/proc/{child}") for task in tasks for child in (task / "children").read_text().split()]
        found = []
        for task in tasks:
            with contextlib.suppress(OSError):
                found.append(f"{(task / 'comm').read_text().strip()} {(task / 'wchan').read_text()}")
        return ", ".join(sorted(found))

    def kill(self):
        """As a crash does: no word to anybody."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(120)
            except subprocess.TimeoutExpired:
                self.kill()
                raise Failed("netd did not end within 120 s of SIGTERM")
        return self.process.returncode if self.process else 0

    def close(self):
        for client in self.clients:
            client.close()
        with contextlib.suppress(Failed):
            self.stop()
        for pid in self.dhcp_clients().values():
            if _name(pid) == "dhcpcd":
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
        for pid in self.watchdogs:
            if _name(pid) == "netd-watchdog":
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def _name(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _descendants(pid):
    parents = {}
    for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(entry.parent.name)] = int(entry.read_text().rpartition(") ")[2].split()[1])
    found = [pid]
    for candidate in found:
        found += [child for child, parent in parents.items() if parent == candidate]
    return found[1:]


class Host:
    """Namespace `host` with NICs, whose other ends are devices of the same name in namespace `wire`."""

    def __init__(self, build, nics=("eno1", "eno2", "eno3", "eno4"), words=()):
        self.spaces, self.closing = {}, []
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="netd-"))
        try:
            self.space, self.wire = self.add_space("host"), self.add_space("wire")
            for number, nic in enumerate(nics, 1):
                self.add_nic(nic, number)
            self.ovs = OpenVSwitch(self.space, self.folder / "ovs")
            self.netd = Netd(self.space, self.folder / "netd", build, self.ovs.socket, words)
        except BaseException:
            self.close()
            raise

    def add_space(self, name):
        self.spaces[name] = Space(name)
        return self.spaces[name]

    def add_nic(self, nic, number):
        mac = f"52:54:00:00:00:{number:02x}"
        self.space.links(f"link add {nic} address {mac} type veth peer name {nic} netns {self.wire.name}")
        self.wire.links(f"link set {nic} mtu 9216 up")

    def start_ovs(self, datapath="userspace"):
        self.ovs.datapath = datapath
        self.ovs.start()

    def later(self, close):
        """To be closed with the host, before all else."""
        self.closing.append(close)
        return close

    def close(self):
        for one in [*reversed(self.closing), getattr(self, "netd", None), getattr(self, "ovs", None), *self.spaces.values()]:
            if one is not None:
                with contextlib.suppress(Exception):
                    one.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
