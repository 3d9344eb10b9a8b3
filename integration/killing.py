"""Kills netd at one of its calls, and sees what becomes of the host.

strace counts each kind of call by itself, so a step is a call and its number: the third fsync. Only the thread that changes the
host is watched: what others send meanwhile does not count."""

import contextlib
import pathlib
import re
import subprocess
from collections import Counter
from dataclasses import dataclass

from agree import changes
from client import NoAnswer
from host import wait_until

# What leaves a trace: messages to the kernel and to Open vSwitch, files, sysctls, taps.
writes = ("sendmsg", "sendto", "fsync", "rename", "link", "unlink", "write", "ioctl")
# Between a transaction that was sent to Open vSwitch and its answer.
waits = ("poll",)
reconciler = "netd-reconciler"


def again(host, **how):
    host.netd.start(**how).ready()
    host.client = host.netd.client()


@dataclass(frozen=True)
class Step:
    call: str
    number: int
    words: str


def thread_of(netd):
    """The thread that changes the host."""
    for task in pathlib.Path(f"/proc/{netd}/task").glob("*"):
        if (task / "comm").read_text().strip() == reconciler:
            return task.name
    raise AssertionError(f"process {netd} has no thread {reconciler}")


class Strace:
    """On that thread of a netd that runs, or on another."""

    def __init__(self, host, *words, thread=None):
        self.thread = thread or thread_of(host.netd.process.pid)
        self.log = host.folder / "strace"
        self.log.write_text("")
        self.process = host.space.start("strace", "-qq", "-y", "-s", "400", "-o", self.log, "-p", self.thread, *words, stderr=subprocess.DEVNULL)
        host.later(self)
        wait_until(lambda: self.process.poll() is not None or self.is_attached(), 30, "strace does not attach")

    def is_attached(self):
        try:
            return "TracerPid:\t0\n" not in pathlib.Path(f"/proc/{self.thread}/status").read_text()
        except OSError:
            return False

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(120)

    def lines(self):
        self.close()
        return self.log.read_text(errors="replace").splitlines()


def signal_at(host, step, signal="KILL"):
    """From now on: at its number-th such call, before it is done."""
    return Strace(host, "-e", f"trace={step.call}", "-e", f"inject={step.call}:signal={signal}:when={step.number}")


def record(host, act):
    """The steps that netd takes while it does that."""
    strace = Strace(host, "-e", f"trace={','.join((*writes, *waits))}")
    act()
    counts, steps, was_sent = Counter(), [], False
    for line in strace.lines():
        call = line.partition("(")[0]
        if call not in (*writes, *waits) or "ERESTART" in line:   # begun again by the kernel itself, which another time it need not
            continue
        counts[call] += 1
        words = words_of(call, line)
        if words and (call not in waits or was_sent):
            steps.append(Step(call, counts[call], words))
        was_sent = call == "sendto"
    return steps


def words_of(call, line):
    """What the call does to something outside of netd, or nothing."""
    if call == "sendmsg":
        kinds = re.findall(r"nlmsg_type=([\w|<>]+(?: /\* .*? \*/)?)", line)
        return None if not kinds or any(kind.startswith("RTM_GET") for kind in kinds) else "netlink " + told(kinds)
    if call == "sendto":
        method = re.search(r'\\"method\\":\\"(\w+)\\"', line)
        return f"OVSDB {method[1]}" if method else "OpenFlow" if ".mgmt" in line or "\\4\\" in line or "\\5\\" in line else "socket"
    if call == "poll":
        return "sent, not answered"
    if call in ("write", "ioctl"):
        path = re.search(r"\(\d+<([^>]*)>", line)
        if call == "ioctl":
            request = re.search(r"TUN\w+", line)
            return f"tap {request[0]}" if request else None
        if not path or not path[1].startswith("/") or "/log" in path[1]:
            return None
        return f"write {short(path[1])}"
    paths = re.findall(r'"([^"]*)"', line) or re.findall(r"<([^>]*)>", line)
    return f"{call} {short(paths[-1])}"


def told(kinds):
    names = Counter(kind.removeprefix("RTM_").lower() for kind in kinds)
    return ", ".join(f"{name} × {count}" if count > 1 else name for name, count in names.items())


def short(path):
    return path.removeprefix("/proc/sys/net/") if path.startswith("/proc/") else "/".join(path.split("/")[-2:]) if "/dhcp/" in path else path.rpartition("/")[2]


@dataclass
class Ask:
    """One thing that is asked of netd, and when it is done."""
    method: str
    params: dict
    confirmed: bool = False
    is_done: object = None   # of the host, when more follows than the answer: a lease

    def run(self, host):
        """False if netd died meanwhile."""
        asked = host.client.send(self.method, self.params)
        with contextlib.ExitStack() as open_ones:
            engine = open_ones.enter_context(host.netd.client()) if self.confirmed else None
            if not wait_while_alive(host, lambda: self.is_answered(host, asked, engine)):
                return False
        return not self.is_done or wait_while_alive(host, lambda: self.is_done(host))

    def is_answered(self, host, asked, engine):
        with contextlib.suppress(NoAnswer):
            return host.client.receive(asked, 0.02) is not None
        if engine:
            with contextlib.suppress(NoAnswer):
                engine.call("Host.confirmConnectivity", patience=0.2)
        return False


@dataclass
class Deed:
    """What somebody does behind netd's back, and when netd has put it right."""
    do: object
    is_done: object

    def run(self, host):
        self.do(host)
        return wait_while_alive(host, lambda: self.is_done(host))


def wait_while_alive(host, is_so, patience=120):
    """False if netd died instead."""
    found = wait_until(lambda: is_so() or (host.netd.process.poll() is not None and "died"), patience, "netd neither answers nor dies")
    return found != "died"


def dies_at(host, step, ask):
    """Asks; netd is killed at that step, if it comes to it: the line of what it was at, or None."""
    strace = signal_at(host, step)
    is_done = ask.run(host)
    told = [line for line in strace.lines() if line.startswith(step.call + "(")]
    host.closing.remove(strace)
    if is_done and len(told) < step.number and host.netd.process.poll() is None:
        return None
    host.netd.process.wait(120)   # the answer may come before its end does
    host.client.close()   # ZeroMQ would send what netd did not take to the next one, in the midst of what is looked at
    return told[-1] if told else "?"


def one_of(pictures, found, where):
    """The name of the picture that the host is like."""
    differences = {name: changes(picture, found) for name, picture in pictures.items()}
    for name, lines in differences.items():
        if not lines:
            return name
    raise AssertionError("\n".join([f"{where}: neither", *(f"  {name} {line}" for name, lines in differences.items() for line in shortened(lines))]))


def shortened(lines, most=12):
    return lines if len(lines) <= most else [*lines[:most], f"and {len(lines) - most} more"]
