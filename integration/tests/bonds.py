"""What bonds do while they are changed: which port carries, and that it is another one for a reason only."""

import socket
import struct

from agree import agree
from flaps import NEWLINK, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, attributes, groups
from frames import inside
from host import wait_until
from runner import case

LINKINFO, INFO_DATA, ACTIVE_SLAVE = 18, 2, 2


class ActivePorts:
    """Hears which port of a bond is told to be the active one, from now on."""

    def __init__(self, host, bond):
        with inside(host.space.name):
            self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self.socket.bind((0, 0))
        self.socket.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, groups["link"])
        self.socket.setblocking(False)
        self.index = host.space.link(bond)["ifindex"]
        host.later(self)

    def close(self):
        self.socket.close()

    def told(self):
        """Their indices; 0 for none."""
        found = set()
        while True:
            try:
                data = self.socket.recv(1 << 20)
            except BlockingIOError:
                return found
            at = 0
            while at < len(data):
                length, kind = struct.unpack_from("=IH", data, at)
                body = data[at + 16:at + length]
                if kind == NEWLINK and struct.unpack_from("=i", body, 4)[0] == self.index and body[0] == 0:
                    info = attributes(attributes(body[16:]).get(LINKINFO, b""))
                    found.add(int.from_bytes(attributes(info.get(INFO_DATA, b"")).get(ACTIVE_SLAVE, b""), "little"))
                at += (length + 3) & ~3


def active(host, bond="bond0"):
    return host.space.link(bond)["linkinfo"]["info_data"].get("active_slave")


@case("bond")
def a_primary_that_vanished_takes_nothing_over_when_it_comes_again_without_being_one(host):
    options = "mode=active-backup miimon=100"
    host.client.setup({"web": {"bonding": "bond0"}}, {"bond0": {"nics": ["eno3", "eno4"], "options": f"{options} primary=eno4"}}, confirm=None)
    host.space.links("link delete eno4")
    host.client.setup({}, {"bond0": {"nics": ["eno3"], "options": options}}, confirm=None)
    host.add_nic("eno4", 4)
    wait_until(lambda: active(host) == "eno3", what="eno3 does not carry")
    ports = ActivePorts(host, "bond0")
    host.client.setup({}, {"bond0": {"nics": ["eno3", "eno4"], "options": options}}, confirm=None)
    agree(host, patience=10)
    assert ports.told() <= {host.space.link("eno3")["ifindex"]}, "eno4 took over what is sent"


@case("bond")
def a_bond_of_nics_whose_macs_are_fixed_has_the_mac_of_the_active_one(host):
    """In the one mode that can; and it is told, though nobody has named it."""
    host.space.links("link add ifb0 type ifb", "link add ifb1 type ifb")
    bond = {"nics": ["ifb0"], "options": "mode=active-backup miimon=100"}

    def follows(policy):
        wait_until(lambda: not any(host.client.call("Host.getDrift").values()), what="it is not as it is defined")
        told = host.client.call("Host.getNetworkCapabilities")["bondings"]["bond0"]["opts"].get("fail_over_mac", "none")
        assert (told, host.space.link("bond0")["linkinfo"]["info_data"]["fail_over_mac"]) == (policy, policy), told

    host.client.setup({"web": {"bonding": "bond0"}}, {"bond0": bond}, confirm=None)
    follows("active")
    for edit in ({"nics": ["ifb0", "ifb1"]}, {"options": "mode=active-backup miimon=200"}, {"nics": ["ifb1"]}, {"nics": ["ifb0"]}, {"nics": ["eno3", "ifb0"]}):
        bond.update(edit)
        host.client.setup({}, {"bond0": bond}, confirm=None)
        follows("active")
    host.netd.stop()
    host.netd.start().ready()
    host.client = host.netd.client()
    assert not host.client.setup({}, {"bond0": bond}, confirm=None)["changed"]
    host.client.setup({}, {"bond0": {**bond, "nics": ["eno3"]}}, confirm=None)
    follows("none")
