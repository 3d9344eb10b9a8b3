"""From one kind of switch to another in one call, with all networks and with the guests that are on them."""

import re
import subprocess

from agree import agree, changes, photograph
from client import says_no
from host import wait_until
from runner import case

circle = ("legacy", "vlan-aware", "ovs", "legacy", "ovs", "vlan-aware", "legacy")   # each way once


def networks(kind, base=None, **more):
    of = {**(base or {"nic": "eno1"}), "switch": kind}
    return {"ovirtmgmt": {**of, "ipaddr": "192.0.2.10", "prefix": 24, "gateway": "192.0.2.1", "defaultRoute": True},
            "web": {**of, "vlan": 100, "ipaddr": "10.0.0.1", "prefix": 24, **more}, "db": {**of, "vlan": 200, "mtu": 9000}}


def plug(host):
    """A namespace and a tap on web; the ports by guest."""
    host.add_space("a")
    netns = host.client.call("VM.hotplugNic", {"vmId": "a", "nic": {"network": "web", "kind": "netns"}})["nic"]
    tap = host.client.call("VM.hotplugNic", {"vmId": "b", "nic": {"network": "db", "kind": "tap"}})["nic"]
    host.spaces["a"].links("addr add 10.0.0.7/24 dev eth0", "link set eth0 up")
    return netns["port"], tap["port"]


def peer_on_the_wire(host, device="eno1"):
    host.wire.links(f"link add link {device} name web100 type vlan id 100", "addr add 10.0.0.9/24 dev web100", "link set web100 up")


def flat(host, kind, base=None):
    """What is there, and nothing that depends on the kind of switch."""
    agree(host)
    told = host.client.call("Host.getNetworkCapabilities")["networks"]
    assert {name: network["switch"] for name, network in told.items()} == dict.fromkeys(networks(kind, base), kind), told


class Pings:
    """A stream of frames from a guest, ten in a second of the clock's tenth; `lost` tells how many had no answer."""

    def __init__(self, host, space, address):
        self.process = host.spaces[space].start("ping", "-n", "-q", "-i", "0.02", address, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        host.later(self)

    def lost(self):
        self.process.send_signal(2)
        told = self.process.communicate(timeout=120)[0]
        sent, received = map(int, re.search(r"(\d+) packets transmitted, (\d+) received", told).groups())
        return sent - received, sent

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def go_round(host, base, bondings=None):
    ways = []
    for here, there in zip(circle, circle[1:]):
        pings = Pings(host, "a", "10.0.0.9")
        answer = host.client.setup(networks(there, base), bondings)
        assert answer["changed"]
        wait_until(lambda: host.wire.run("ping", "-n", "-q", "-c", "1", "-W", "1", "10.0.0.7", check=False).find(" 0% packet loss") > 0, 10, f"{there}: the guest is not there")
        wait_until(lambda: host.spaces["a"].run("ping", "-n", "-q", "-c", "1", "-W", "1", "10.0.0.9", check=False).find(" 0% packet loss") > 0, 10, f"{there}: no way out")
        lost, sent = pings.lost()
        ways.append(f"{here} to {there}: lost {lost} of {sent} (50 a second)")
        flat(host, there, base)
        assert host.client.setup(networks(there, base), bondings)["changed"] is False
        assert lost < sent, ways[-1]   # how many is told, not judged: the lab is no place to take a time
    print("\n".join("    " + way for way in ways))


@case("vlan", "vlan_filtering", "ovs")
def each_way_with_guests_that_lose_little(host):
    host.client.setup(networks("legacy"))
    plug(host)
    peer_on_the_wire(host)
    go_round(host, {"nic": "eno1"})


@case("vlan", "vlan_filtering", "ovs", "bond")
def each_way_on_a_bond(host):
    base = {"bonding": "bond0"}
    host.client.setup(networks("legacy", base), {"bond0": {"nics": ["eno1", "eno2"], "options": "mode=active-backup miimon=100 primary=eno1"}})
    plug(host)
    peer_on_the_wire(host)
    for here, there in zip(circle, circle[1:4]):
        before = host.space.link("bond0")["linkinfo"]["info_data"]
        host.client.setup(networks(there, base))
        flat(host, there, base)
        assert host.space.link("bond0")["linkinfo"]["info_data"]["mode"] == before["mode"], f"{here} to {there}"


@case("vlan", "vlan_filtering", "ovs")
def whatever_fails_the_source_is_as_it_was(host):
    for here, there in zip(circle, circle[1:]):
        host.client.setup(networks(here))
        ports = plug(host) if "a" not in host.spaces else ports
        before = photograph(host.space, host.ovs)
        refused = networks(there, ipv6autoconf=True, routes=[{"to": "2001:db8:9::/48", "via": "2001:db8:8::1"}])
        for code, wanted, how in ((29, refused, {}), (10, networks(there), {"confirm": False, "connectivityTimeout": 1})):
            says_no(lambda: host.client.setup(wanted, **how), code)
            differences = changes(before, photograph(host.space, host.ovs))
            assert not differences, "\n".join([f"{here} to {there}, {code}", *differences])
        agree(host)
        assert all(host.space.link(port) for port in ports)


@case("vlan", "vlan_filtering")
def all_networks_are_due_and_no_removal(host):
    host.client.setup(networks("legacy"))
    before = photograph(host.space)
    whole = networks("vlan-aware")
    for asked, at in (({name: whole[name] for name in ("ovirtmgmt", "web")}, "db"), ({**whole, "db": {"remove": True}}, "remove")):
        error = says_no(lambda: host.client.setup(asked), 21)
        assert at in str(error.message), error
    assert not changes(before, photograph(host.space))
    agree(host)


@case("ovs")
def without_tags_there_and_back(host):
    of = lambda kind: {"ovirtmgmt": {"nic": "eno1", "ipaddr": "192.0.2.10", "prefix": 24, "gateway": "192.0.2.1", "defaultRoute": True, "switch": kind},
                       "lan": {"switch": kind}}
    host.client.setup(of("legacy"))
    host.add_space("a")
    host.client.call("VM.hotplugNic", {"vmId": "a", "nic": {"network": "ovirtmgmt", "kind": "netns"}})
    host.spaces["a"].links("addr add 192.0.2.7/24 dev eth0", "link set eth0 up")
    host.wire.links("addr add 192.0.2.9/24 dev eno1")
    # Devices of Open vSwitch's own that nobody uses have another MAC each time.
    see = lambda: {what: [one for one in all_of_it if not str(one[0]).startswith("ovs-")] for what, all_of_it in photograph(host.space, host.ovs).items()}
    for kind in ("ovs", "legacy", "ovs"):
        before = see()
        refused = of(kind)
        refused["ovirtmgmt"].update(ipv6autoconf=True, routes=[{"to": "2001:db8:9::/48", "via": "2001:db8:8::1"}])
        says_no(lambda: host.client.setup(refused), 29)
        assert not (differences := changes(before, see())), differences
        assert host.client.setup(of(kind))["changed"]
        agree(host)
        assert host.client.setup(of(kind))["changed"] is False
        wait_until(lambda: host.wire.run("ping", "-n", "-q", "-c", "1", "-W", "1", "192.0.2.7", check=False).find(" 0% packet loss") > 0, 10, kind)
