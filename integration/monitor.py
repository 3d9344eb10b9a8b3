"""Hears every change of links, addresses, routes and rules in a namespace, and every write to an Open vSwitch database."""

import socket
import struct
import time

from frames import inside

RTNLGRP = {"link": 1, "v4addr": 5, "v4route": 7, "v6addr": 9, "v6route": 11, "v4rule": 8, "v6rule": 19, "bridge vlan": 32, "tc": 4}
NETLINK_ADD_MEMBERSHIP, SOL_NETLINK, SO_RCVBUFFORCE = 1, 270, 33
kinds = {16: "new link", 17: "gone link", 20: "new address", 21: "gone address", 24: "new route", 25: "gone route", 32: "new rule", 33: "gone rule",
         112: "new vlan", 113: "gone vlan", 36: "new qdisc", 37: "gone qdisc", 40: "new class", 41: "gone class", 44: "new filter", 45: "gone filter"}


class Monitor:
    def __init__(self, host):
        self.ovs_log = host.ovs.folder / "conf.db"
        with inside(host.space.name):
            self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        self.socket.bind((0, 0))
        for group in RTNLGRP.values():
            try:
                self.socket.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)
            except OSError:   # a kernel without VLAN filtering has no such group
                pass
        self.socket.setblocking(False)
        host.later(self)
        self.written()

    def close(self):
        self.socket.close()

    def settle(self, quiet=0.4, patience=60):
        """Until the kernel has been silent for a while: links that just came up still have things to say."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            time.sleep(quiet)
            if not self.written():
                return

    def written(self, wait=0.0):
        """What was changed since the last time, in words; the database's writes by their number of bytes."""
        time.sleep(wait)
        found = []
        while True:
            try:
                data = self.socket.recv(1 << 20)
            except BlockingIOError:
                break
            except OSError as error:
                found.append(f"lost: {error}")
                continue
            at = 0
            while at < len(data):
                length, kind = struct.unpack_from("=IH", data, at)
                found.append(_words(kind, data[at + 16:at + length]))
                at += (length + 3) & ~3
        size = self.ovs_log.stat().st_size if self.ovs_log.exists() else 0
        if size != getattr(self, "size", size):
            found.append(f"database: {size - self.size} bytes")
        self.size = size
        return found


def _words(kind, body):
    text = kinds.get(kind, f"message {kind}")
    if kind not in (16, 17):
        return text
    at = 16
    while at + 4 <= len(body):
        length, attribute = struct.unpack_from("=HH", body, at)
        if attribute == 3:
            return f"{text} {body[at + 4:at + length - 1].decode()}"
        at += max(4, (length + 3) & ~3)
    return text
