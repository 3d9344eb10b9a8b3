"""Raw Ethernet frames in any network namespace: what is sent is exactly that, what arrives is told with its tags."""

import contextlib
import ctypes
import fcntl
import os
import select
import socket
import struct
import time
from dataclasses import dataclass

ETH_P_ALL, PACKET_AUXDATA, SOL_PACKET, PACKET_OUTGOING, SO_RCVBUFFORCE = 3, 8, 263, 4, 33
TP_STATUS_VLAN_VALID, TP_STATUS_VLAN_TPID_VALID = 0x10, 0x40
CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TAP, IFF_NO_PI, IFF_VNET_HDR, IFF_MULTI_QUEUE = 0x400454CA, 0x2, 0x1000, 0x4000, 0x100
VNET_HEADER = 10
EXPERIMENT = 0x88B5   # the ethertype that IEEE keeps for trying things
TAGS = {0x8100: "802.1Q", 0x88A8: "802.1ad"}
BROADCAST = "ff:ff:ff:ff:ff:ff"

_libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def inside(namespace):
    """This thread in another network namespace: what is opened meanwhile stays there. None is where we are."""
    if namespace is None:
        yield
        return
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        _enter(there)
        yield
    finally:
        _enter(here)
        os.close(here)
        os.close(there)


def _enter(descriptor):
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def mac_bytes(text):
    return bytes.fromhex(text.replace(":", ""))


@dataclass(frozen=True)
class Frame:
    to: str
    sender: str
    tags: tuple       # VLAN ids from the outermost inward
    ethertype: int
    payload: bytes

    def __str__(self):
        tags = "".join(f" tag {tag}" for tag in self.tags)
        return f"{self.sender} > {self.to}{tags} type {self.ethertype:04x} {self.payload[:24]!r}"


def write_frame(to, sender, payload, tags=(), ethertype=EXPERIMENT):
    head = mac_bytes(to) + mac_bytes(sender)
    for tag in tags:
        head += struct.pack("!HH", 0x8100, tag)
    return (head + struct.pack("!H", ethertype) + payload).ljust(60, b"\0")


def read_frame(data, accelerated=()):
    tags, at = list(accelerated), 12
    (kind,) = struct.unpack_from("!H", data, at)
    while kind in TAGS and len(data) >= at + 6:
        tags.append(struct.unpack_from("!H", data, at + 2)[0] & 0xFFF)
        at += 4
        (kind,) = struct.unpack_from("!H", data, at)
    return Frame(data[:6].hex(":"), data[6:12].hex(":"), tuple(tags), kind, data[at + 2:])


class Wire:
    """A raw socket on a device: hears what comes in there, says what is to go out of it."""

    def __init__(self, namespace, device):
        self.namespace, self.device = namespace, device
        with inside(namespace):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
        self.socket.bind((device, 0))
        self.socket.setblocking(False)

    def close(self):
        self.socket.close()

    def fileno(self):
        return self.socket.fileno()

    def send(self, frame):
        self.socket.send(frame)

    def receive(self):
        """Every frame that waits, but for those that went out by this device."""
        frames = []
        while True:
            try:
                data, extra, _, address = self.socket.recvmsg(65536, 64)
            except BlockingIOError:
                return frames
            if address[2] != PACKET_OUTGOING:
                frames.append(read_frame(data, _accelerated_tag(extra)))


def _accelerated_tag(extra):
    # The kernel takes the outermost tag off the frame and tells it beside.
    for level, kind, data in extra:
        if level == SOL_PACKET and kind == PACKET_AUXDATA:
            status, _, _, _, _, tci, _ = struct.unpack("IIIHHHH", data[:20])
            if status & TP_STATUS_VLAN_VALID:
                return (tci & 0xFFF,)
    return ()


class Tap:
    """The hypervisor's end of a tap that netd made: what the guest sends and gets."""

    def __init__(self, namespace, device, queues=1, descriptor=None):
        """With a descriptor, that one is it."""
        self.namespace, self.device = namespace, device
        if descriptor is not None:
            os.set_blocking(descriptor, False)
            self.descriptor = descriptor
            return
        flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (IFF_MULTI_QUEUE if queues > 1 else 0)
        with inside(namespace):
            self.descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            fcntl.ioctl(self.descriptor, TUNSETIFF, struct.pack("16sH22x", device.encode(), flags))

    def close(self):
        os.close(self.descriptor)

    def fileno(self):
        return self.descriptor

    def send(self, frame):
        os.write(self.descriptor, bytes(VNET_HEADER) + frame)

    def receive(self):
        frames = []
        while True:
            try:
                frames.append(read_frame(os.read(self.descriptor, 65600)[VNET_HEADER:]))
            except BlockingIOError:
                return frames


def drain(ends):
    for end in ends:
        end.receive()


def collect(ends, token, patience=1.0, quiet=0.15, enough=None):
    """Where frames with that token arrive: {end: [Frame]}. Ends `quiet` after all of `enough` have one."""
    seen = {end: [] for end in ends}
    deadline = time.monotonic() + patience
    satisfied = False
    while (left := deadline - time.monotonic()) > 0:
        for end in select.select(ends, [], [], left)[0]:
            seen[end] += [frame for frame in end.receive() if token in frame.payload]
        if not satisfied and enough is not None and all(seen[end] for end in enough):
            satisfied, deadline = True, min(deadline, time.monotonic() + quiet)
    for end in ends:   # whoever was kept off the processor looks once more
        seen[end] += [frame for frame in end.receive() if token in frame.payload]
    return seen


_tokens = iter(range(1, 1 << 30))


def shout(speaker, mac, ends, tags=(), to=BROADCAST, expected=(), patience=60):
    """A frame from `speaker`; where it arrived and with which tags: {end: [tags, …]}. `ends` are all that listen.

    A port that has just come up forwards when the kernel gets round to it, within a second or so: a frame that did not
    come to all of `expected` is followed by another one, for a while; what is told is about the last one alone."""
    deadline = time.monotonic() + patience
    others = [end for end in ends if end is not speaker]
    while True:
        token = b"netd-%08d" % next(_tokens)
        drain(ends)
        speaker.send(write_frame(to, mac, token, tags))
        seen = collect(others, token, 1.0 if expected else 0.4, enough=expected)
        if all(seen[end] for end in expected) or time.monotonic() > deadline:
            return {end: [frame.tags for frame in frames] for end, frames in seen.items() if frames}
