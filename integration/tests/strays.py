"""Migrations and consoles leave by networks of their roles; what leaves by another device is told."""

import json
import socket

from agree import agree
from frames import inside
from host import reachable, wait_until
from roles import PORTS, Listeners, define, on, wire_up
from runner import case


def connect(space, address, name, own=None):
    with inside(space.name), socket.create_connection((address, PORTS[name]), timeout=60, source_address=(own, 0) if own else None):
        pass


def strays(host):
    wire_up(host, eno1=1, eno2=2, eno3=3)
    host.wire.links("addr add 192.0.2.9/32 dev lo")   # who comes from there has his answer by the default route
    for space in (host.space, host.wire):
        Listeners(host, space)
    told = host.netd.subscribe("traffic.strayed")
    define(host, {"ovirtmgmt": on("eno1", 1, gateway="10.1.0.2", defaultRoute=True)})
    wait_until(lambda: reachable((host.space, "10.1.0.2")) == [True])
    counted = lambda: {device: of["strays"] for device, of in host.client.call("Host.getNetworkStatistics")["network"].items() if "strays" in of}

    # There is nothing that they should leave by.
    connect(host.space, "10.1.0.2", "migration")
    assert counted() == {}, counted()

    define(host, {"move": on("eno2", 2, "migration"), "look": on("eno3", 3, "display")})
    wait_until(lambda: reachable((host.space, "10.2.0.2"), (host.space, "10.3.0.2")) == [True, True])
    before = counted().get("ovirtmgmt", {}).get("migration", 0)   # of when there was none
    connect(host.space, "10.2.0.2", "migration")
    connect(host.wire, "10.2.0.1", "libvirt")
    connect(host.wire, "10.3.0.1", "console")
    connect(host.space, "10.3.0.2", "console")       # another host's console is no display of this one
    connect(host.space, "10.1.0.2", "ssh")
    connect(host.space, "10.1.0.1", "migration")     # the host itself
    assert counted().get("ovirtmgmt", {}) == ({"migration": before} if before else {}), counted()

    connect(host.space, "10.1.0.2", "libvirt")
    host.wire.links("route add 10.3.0.1/32 dev eno3 src 192.0.2.9")
    connect(host.wire, "10.3.0.1", "console", own="192.0.2.9")
    heard = {}
    while len(heard) < 2:
        event = told.next()[1]
        heard[event["role"]] = event
    for role, network in (("migration", "move"), ("display", "look")):
        assert heard[role]["networks"] == [network] and heard[role]["device"] == "ovirtmgmt" and heard[role]["connections"] >= 1, heard
        words = host.netd.netctl("why", network)
        assert f"connections of {role} left by ovirtmgmt instead" in words, words
        assert set(json.loads(host.netd.netctl("why", network, "--json"))["strays"]) == {role}
    assert set(counted()["ovirtmgmt"]) == {"migration", "display"}, counted()
    agree(host)


@case("services")
def connections_that_leave_by_another_network_than_that_of_their_role_are_told(host):
    strays(host)


@case("services", "ovs")
def connections_that_leave_by_another_network_than_that_of_their_role_are_told_on_open_vswitch(host):
    host.kind = "ovs"
    strays(host)
