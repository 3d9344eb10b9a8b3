"""Whether a link flapped that had no reason to: what is the same before a call and after it was the same all the time.

Heard from the kernel's own notifications: links (deleted and made again, down, without carrier, master, MAC, MTU), addresses and routes of a
namespace. What a call changed is its own affair; what it did not, nobody on the wire may notice."""

import socket
import struct
from dataclasses import dataclass, fields

from frames import inside

SO_RCVBUFFORCE, NETLINK_ADD_MEMBERSHIP, SOL_NETLINK = 33, 1, 270
NEWLINK, DELLINK, GETLINK, NEWADDR, DELADDR, GETADDR, NEWROUTE, DELROUTE, GETROUTE = 16, 17, 18, 20, 21, 22, 24, 25, 26
NEWRULE, DELRULE, NEWVLAN, DELVLAN = 32, 33, 112, 113
groups = {"link": 1, "v4addr": 5, "v4route": 7, "v4rule": 8, "v6addr": 9, "v6route": 11, "v6rule": 19, "vlan": 32}
DUMP, DONE = 0x301, 3
# Open vSwitch makes and resizes these by itself; and a bridge's own device, which nobody is reached by, has the MTU of its smallest port.
of_others = ("ovs-netdev", "ovs-system")
words = {NEWADDR: "address added", DELADDR: "address removed", NEWROUTE: "route added", DELROUTE: "route removed", NEWRULE: "rule added",
         DELRULE: "rule removed", NEWVLAN: "vlan added", DELVLAN: "vlan removed", NEWLINK: "link", DELLINK: "link removed"}
UP, LOWER_UP, MAIN, UNICAST, PERMANENT, TENTATIVE = 0x1, 0x10000, 254, 1, 0x80, 0x40


@dataclass
class Link:
    name: str
    up: bool
    carrier: bool
    master: int
    mac: str
    mtu: int
    alias: str
    lower: int
    kind: str


def attributes(data):
    found, at = {}, 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        found[kind & 0x3FFF] = data[at + 4:at + length]
        at += max(4, (length + 3) & ~3)
    return found


def _number(data):
    return int.from_bytes(data or b"", "little")


def _text(data):
    return (data or b"").rstrip(b"\0").decode(errors="replace")


def read_link(body):
    """(index, Link), of a message that is about the link itself and not about its port of a bridge."""
    family, _, index, flags, _ = struct.unpack_from("=BxHiII", body)
    if family != 0:
        return None
    told = attributes(body[16:])
    kind = _text(attributes(told.get(18, b"")).get(1))
    return index, Link(_text(told.get(3)), bool(flags & UP), bool(flags & LOWER_UP), _number(told.get(10)), (told.get(1) or b"").hex(":"),
                       _number(told.get(4)), _text(told.get(20)), _number(told.get(5)), kind)


def read_address(body):
    family, prefix, _, scope, index = struct.unpack_from("=BBBBi", body)
    told = attributes(body[8:])
    return (index, family, (told.get(2) or told.get(1) or b"").hex(), prefix) if scope == 0 else None


def is_tentative(body):
    """An IPv6 address that the kernel still asks about whether somebody else has it."""
    return bool(body[2] & TENTATIVE)


def read_route(body):
    family, length, _, _, table, protocol, _, kind, _ = struct.unpack_from("=BBBBBBBBI", body)
    told = attributes(body[12:])
    table = _number(told.get(15)) or table
    target = (told.get(1) or b"").hex()
    if kind != UNICAST or target.startswith(("fe80", "ff0")) or protocol == 2:   # the kernel's own follow links and addresses
        return None
    return family, target, length, table, (told.get(5) or b"").hex(), _number(told.get(4)), _number(told.get(6))


class Ear:
    """Hears a namespace; `begin` and `end` around a call."""

    def __init__(self, space):
        with inside(space.name):
            self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
            self.asker = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
        self.socket.bind((0, 0))
        for group in groups.values():
            try:
                self.socket.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)
            except OSError:   # a kernel without VLAN filtering has no such group
                pass
        self.socket.setblocking(False)
        self.asker.bind((0, 0))

    def close(self):
        self.socket.close()
        self.asker.close()

    def dump(self, kind, size):
        self.asker.send(struct.pack("=IHHII", 16 + size, kind, DUMP, 1, 0) + bytes(size))
        while True:
            for answer, body in _messages(self.asker.recv(1 << 20)):
                if answer == DONE:
                    return
                yield body

    def look(self):
        links = dict(filter(None, map(read_link, self.dump(GETLINK, 16))))
        addresses = set(filter(None, map(read_address, self.dump(GETADDR, 8))))
        return links, addresses, set(filter(None, map(read_route, self.dump(GETROUTE, 12))))

    def heard(self):
        while True:
            try:
                data = self.socket.recv(1 << 20)
            except BlockingIOError:
                return
            yield from _messages(data)

    def begin(self):
        self.tentative = {read_address(body) for body in self.dump(GETADDR, 8) if is_tentative(body)} - {None}
        for _ in self.heard():
            pass
        self.before = self.look()

    def end(self, excused=()):
        """Who flapped, in words, but for the `excused` devices."""
        messages, after = list(self.heard()), self.look()
        found = [*_remade(self.before[0], after[0])]
        for kind, body in messages:
            if kind in (NEWLINK, DELLINK):
                found += _link_flaps(kind, read_link(body), self.before[0], after[0])
            elif kind == DELADDR and (address := read_address(body)) in self.before[1] & after[1]:
                found.append((_name(after[0], address[0]), "lost an address for a moment"))
            elif kind == DELROUTE and (route := read_route(body)) in self.before[2] & after[2]:
                found.append((_name(after[0], route[5]), f"lost a route to {route[1] or 'everywhere'} for a moment"))
        return [f"{name} {what}" for name, what in dict.fromkeys(found) if name not in (*excused, *of_others) and what and not _is_resized_by_ovs(name, what)]

    def writes(self):
        """What was changed since `begin`, in words: not what links tell by themselves of their carrier, nor that an address which
        was there proved to be nobody else's."""
        links, found = dict(self.before[0]), []
        for kind, body in self.heard():
            if kind in (NEWLINK, DELLINK):
                if (told := read_link(body)) is None:
                    continue
                index, link = told
                old = links.get(index)
                if kind == NEWLINK and old and all(getattr(link, one.name) == getattr(old, one.name) for one in fields(Link) if one.name != "carrier"):
                    continue
                links[index] = link
                found.append(f"{words[kind]} {link}")
            elif kind == NEWADDR and not is_tentative(body) and read_address(body) in self.tentative:
                continue
            elif (kind not in (NEWROUTE, DELROUTE) or read_route(body)) and (kind not in (NEWADDR, DELADDR) or read_address(body)):
                found.append(words.get(kind, f"message {kind}"))
        return found


def _messages(data):
    at = 0
    while at + 16 <= len(data):
        length, kind = struct.unpack_from("=IH", data, at)
        yield kind, data[at + 16:at + length]
        at += (length + 3) & ~3


def _name(links, index):
    return links[index].name if index in links else str(index)


def _is_resized_by_ovs(name, what):
    return name.startswith("ovs-") and what.startswith("had mtu")


def _remade(before, after):
    indices = {link.name: index for index, link in before.items()}
    return [(link.name, "was deleted and made again") for index, link in after.items() if indices.get(link.name, index) != index]


def _link_flaps(kind, told, before, after):
    if not told or kind == DELLINK or told[0] not in before or told[0] not in after:
        return []
    index, link = told
    old, new = before[index], after[index]
    # A bond takes only a port that is down.
    enslaved = old.master != new.master and any(after.get(of, before.get(of, old)).kind == "bond" for of in (old.master, new.master))
    same = [one for one in ("up", "carrier", "master", "mac", "mtu") if getattr(old, one) == getattr(new, one) and not (enslaved and one in ("up", "carrier"))]
    return [(new.name, f"had {one} {getattr(link, one)!r} meanwhile, {getattr(new, one)!r} before and after")
            for one in same if getattr(link, one) != getattr(new, one) and not (one == "carrier" and not new.carrier)]
