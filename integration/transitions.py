"""Changes that together take every kind of step that a plan has, each there and back: what crashes.py kills netd in."""

import contextlib
from dataclasses import dataclass

import addresses
from client import NoAnswer

from killing import Ask, Deed

mgmt = {"nic": "eno1", "ipaddr": "192.0.2.10", "prefix": 24, "gateway": "192.0.2.1", "defaultRoute": True}


@dataclass
class Transition:
    there: object
    back: object
    given: tuple = ()                     # what was asked before
    prepare: object = None                # what the host has besides: namespaces, servers
    by_the_watchdog: bool = True          # False: what it does not do, the next netd does
    is_same: bool = False                 # a repair: there and back are one picture


def setup(networks, bondings=None, confirmed=False, is_done=None, **options):
    params = {"networks": networks, "bondings": bondings or {}, "options": {"connectivityCheck": confirmed, **options}}
    return Ask("Host.setupNetworks", params, confirmed, is_done)


def removed(now, then):
    return {**then, **{name: {"remove": True} for name in now if name not in then}}


def of_kind(kind, networks):
    return {name: {"switch": kind or "legacy", **network} for name, network in networks.items()}


def defined(old, new, bonds=({}, {}), more=(), prepare=None, **options):
    """From these definitions to those; `more` is asked between."""
    there = setup(removed(old, new), removed(bonds[0], bonds[1]), **options)
    back = setup(removed(new, old), removed(bonds[1], bonds[0]), **options)
    return Transition(there, back, (setup(old, bonds[0], **options), *more), prepare)


def plug(vm, network, mac, **nic):
    return Ask("VM.hotplugNic", {"vmId": vm, "nic": {"network": network, "macAddr": mac, **nic}})


def update(vm, mac, **what):
    return Ask("VM.updateDevice", {"vmId": vm, "deviceType": "interface", "macAddr": mac, **what})


def unplug(vm, mac):
    return Ask("VM.hotunplugNic", {"vmId": vm, "nic": {"macAddr": mac}})


a, b, ear = "56:6f:00:00:00:0a", "56:6f:00:00:00:0b", "56:6f:00:00:00:0e"


def tagged(kind, vlan, **network):
    """On VLAN of eno1 where the kind goes with tags, else alone on it."""
    return {"nic": "eno1", "switch": kind or "legacy", **({"vlan": vlan} if kind else {}), **network}


def two_networks(kind, **web):
    """Two of them, both on one NIC where there are tags."""
    return {"web": tagged(kind, 100, **web), "db": {**tagged(kind, 200, mtu=9000), **({} if kind else {"nic": "eno2"})}}


def with_namespace(host):
    if "a" not in host.spaces:
        host.add_space("a")


def untagged_and_committed(_):
    old = {"ovirtmgmt": {**mgmt, "nameservers": ["192.0.2.53"]}, "lan": {"nic": "eno4"}}
    new = {"ovirtmgmt": {**mgmt, "nic": "eno2", "mtu": 9000, "ipaddr": "192.0.2.11", "ipv6addr": "2001:db8::1/64", "nameservers": ["192.0.2.54"]},
           "storage": {"nic": "eno3", "bridged": False, "ipaddr": "10.40.0.10", "prefix": 24, "gateway": "10.40.0.1"}}
    return defined(old, new, commitOnSuccess=True)


def tags(kind):
    old = {"web": {"nic": "eno1", "vlan": 100}, "ovirtmgmt": mgmt}
    new = {"web": {"nic": "eno2", "vlan": 101, "mtu": 9000}, "ovirtmgmt": {**mgmt, "vlan": 7},
           "db": {"nic": "eno1", "vlan": 100, "ipaddr": "10.0.0.1", "prefix": 24, "gateway": "10.0.0.2", "routes": [{"to": "198.51.100.0/24", "via": "10.0.0.3"}]}}
    return defined(of_kind(kind, old), of_kind(kind, new))


def options_roles_and_settings(_):
    old = {"web": {"nic": "eno1", "stp": True, "roles": ["vm"], "ipv6addr": "2001:db8::1/64"}, "mig": {"nic": "eno2", "bridged": False, "ipaddr": "10.1.0.1", "prefix": 24, "roles": ["migration"]}}
    new = {"web": {"nic": "eno1", "custom": {"bridge_opts": "priority=4096 ageing_time=10000"}, "roles": ["vm", "storage"], "ipv6autoconf": True, "mtu": 1400},
           "mig": {"nic": "eno2", "ipaddr": "10.1.0.1", "prefix": 24, "roles": ["migration", "display"]}}
    return defined(old, new)


def a_nic_becomes_a_bond(kind):
    nets = lambda base: of_kind(kind, {"ovirtmgmt": {**{key: value for key, value in mgmt.items() if key != "nic"}, **base}, "web": {**base, "vlan": 100, "mtu": 9000}})
    return defined(nets({"nic": "eno1"}), nets({"bonding": "bond0"}), ({}, {"bond0": bond(kind, ["eno1", "eno2"])}))


def bond(kind, nics, options="mode=active-backup miimon=100"):
    return {"nics": nics, "options": options, "switch": kind or "legacy"}


def a_bond_changes(kind):
    net = lambda mtu: of_kind(kind, {"web": {"bonding": "bond0", "vlan": 100, "mtu": mtu, "ipaddr": "10.0.0.1", "prefix": 24}})
    return defined(net(1500), net(9000), ({"bond0": bond(kind, ["eno1", "eno2"], "mode=active-backup miimon=100 primary=eno1")}, {"bond0": bond(kind, ["eno2", "eno3"], "mode=4 miimon=200 lacp_rate=1")}))


def shares(kind):
    share = lambda ls: {"hostQos": {"out": {"ls": {"m2": ls}}}}
    old = {"web": {"nic": "eno1", "vlan": 100, **share(10)}, "flat": {"nic": "eno1", **share(20)}}
    new = {"web": {"nic": "eno1", "vlan": 100, **share(30)}, "db": {"nic": "eno1", "vlan": 200, **share(5)}, "flat": {"nic": "eno1", **share(20)}}
    return defined(of_kind(kind, old), of_kind(kind, new))


def shares_come(kind):
    nets = {"web": {"nic": "eno1", "vlan": 100}, "flat": {"nic": "eno1"}}
    share = {"hostQos": {"out": {"ls": {"m2": 10}, "ul": {"m2": 5000000}}}}
    return defined(of_kind(kind, nets), of_kind(kind, {name: {**network, **share} for name, network in nets.items()}))


def a_tap_is_plugged(kind):
    return Transition(plug("b", "web", b, kind="tap"), unplug("b", b), (setup(two_networks(kind)),))


def a_pair_is_plugged(kind):
    return Transition(plug("a", "web", a, kind="netns"), unplug("a", a), (setup(two_networks(kind)),), with_namespace)


def a_nic_of_a_guest_moves(kind):
    return Transition(update("b", b, network="db", filter="trusted", port_isolated=True), update("b", b, network="web", filter="standard", port_isolated=False),
                      (setup(two_networks(kind)), plug("b", "web", b, kind="tap")))


def limits_and_copies(kind):
    given = (setup(two_networks(kind)), plug("b", "web", b, kind="tap"), plug("a", "db", a, kind="tap"))
    there = update("b", b, portMirroring=["db"], specParams={"inbound": {"average": 125, "burst": 16}})
    return Transition(there, update("b", b, portMirroring=[], specParams=None), given)


def a_network_moves_with_its_guests(kind):
    old, new = two_networks(kind), two_networks(kind)
    new["web"] = {**new["web"], "nic": "eno3", **({"vlan": 101} if kind else {}), "mtu": 9000}
    return defined(old, new, more=(plug("b", "web", b, kind="tap"), plug("a", "web", a, kind="netns")), prepare=with_namespace)


def conversion(of, to, with_tags=True):
    def nets(kind):
        one = {"ovirtmgmt": {**mgmt, "switch": kind}}
        return {**one, "web": {"nic": "eno1", "switch": kind, "vlan": 100, "mtu": 9000}} if with_tags else one
    network = "web" if with_tags else "ovirtmgmt"
    return defined(nets(of), nets(to), more=(plug("b", network, b, kind="tap"), plug("a", network, a, kind="netns")), prepare=with_namespace)


def leases(_):
    """To a network that asks for its address and is not the one with the default route: its gateway serves itself only."""
    old = {"ovirtmgmt": mgmt}
    new = {"ovirtmgmt": mgmt, "web": {"nic": "eno2", "bridged": False, "bootproto": "dhcp"}}
    transition = defined(old, new, prepare=with_server)
    transition.there.is_done = lambda host: any(rule["priority"] == 3200 for rule in host.space.ip("-4", "rule", "show"))
    transition.by_the_watchdog = False   # it follows no lease
    return transition


def with_server(host):
    addresses.Server(host, "eno2")


def a_repair(_):
    """Somebody deletes the bridge of a network; netd makes it again, and the NIC is its port."""
    web = {"nic": "eno1", "ipaddr": "10.0.0.1", "prefix": 24, "gateway": "10.0.0.2"}
    deed = Deed(lambda host: host.space.links("link delete web"), is_mended)
    return Transition(deed, deed, (setup({"web": web}), plug("b", "web", b, kind="tap")), by_the_watchdog=False, is_same=True)


def is_mended(host):
    link = host.space.link("eno1")
    if not link or link.get("master") != "web":
        return False
    with contextlib.suppress(NoAnswer):
        return not any(host.client.call("Host.getDrift", patience=0.5).values())
