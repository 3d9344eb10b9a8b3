"""Errors quote the packet that they are about, and may lie: nobody on one network tells the host how large packets are to be on another."""

import contextlib
import socket
import struct
import time

from attacks import checksum, ether, icmp6, ip4, ip6, link_local, udp, udp6
from frames import BROADCAST, inside
from guests import Guest, uplinks
from host import reachable, wait_until
from roles import define, on, wire_up
from runner import case

ROUTER = "02:ff:00:00:00:01"   # of somebody on the wire


def too_long4(source, to, about):
    message = struct.pack("!BBHHH", 3, 4, 0, 0, 600) + about
    return ip4(source, to, 1, message[:2] + struct.pack("!H", checksum(message)) + message[4:])


def too_long6(source, to, about):
    return ip6(source, to, 58, icmp6(source, to, 2, struct.pack("!I", 1280) + about))


def believed(host):
    """The versions of IP of which the host takes it that packets to the first network have to be small."""
    asked = {4: "10.1.0.2", 6: "fd00:1::2"}
    return {version for version, address in asked.items() if "mtu" in host.space.run("ip", "-o", f"-{version}", "route", "get", address)}


def of_another_network(host):
    wire_up(host, eno1=1, eno4=4)
    define(host, {"disks": on("eno1", 1, "storage"), "lan": on("eno4", 4)})
    wait_until(lambda: all(reachable(*((host.space, f"{head}2") for head in ("10.1.0.", "fd00:1::", "10.4.0.", "fd00:4::")))), what="the wire does not answer")
    guests = [Guest(host, "strict", "lan", "tap", filter="strict", filterParameters=["10.4.0.7"]), Guest(host, "trusted", "lan", "tap", filter="trusted")]
    wires = uplinks(host, "eno1", "eno4")
    # The answer to a ping: whoever quotes that needs to know of nothing that the host has sent.
    four = ip4("10.1.0.1", "10.1.0.2", 1, bytes(8))
    six = ip6("fd00:1::1", "fd00:1::2", 58, icmp6("fd00:1::1", "fd00:1::2", 129, bytes(4)))
    mac = host.space.link("lan")["address"]
    for name, end, sender in [*((one.name, one.end, one.mac) for one in guests), ("the wire", wires["eno4"], ROUTER)]:
        for tries in range(5):
            end.send(ether(mac, sender, 0x800, too_long4("10.4.0.7", "10.4.0.1", four)))
            end.send(ether(mac, sender, 0x86DD, too_long6(link_local(sender), "fd00:4::1", six)))
            for to in (BROADCAST, "33:33:00:00:00:01"):
                end.send(ether(to, sender, 0x86DD, too_long6(link_local(sender), "ff02::1", six)))
            time.sleep(0.1)
            assert not (found := believed(host)), (name, tries, found)
    # The control: an error about what the host did send there, by who is on the way.
    mac, asked = host.space.link("disks")["address"], {}
    for family, own, other in ((socket.AF_INET, "10.1.0.1", "10.1.0.2"), (socket.AF_INET6, "fd00:1::1", "fd00:1::2")):
        with inside(host.space.name):
            asker = asked[own, other] = host.later(socket.socket(family, socket.SOCK_DGRAM))
        asker.connect((other, 9))

    def honest_is_believed():
        for (own, other), asker in asked.items():
            port = asker.getsockname()[1]
            for _ in range(2):
                with contextlib.suppress(OSError):   # what the error before made of it
                    asker.send(b"netd-question")
            if asker.family == socket.AF_INET:
                wires["eno1"].send(ether(mac, ROUTER, 0x800, too_long4(other, own, ip4(own, other, 17, udp(port, 9, b"netd-question")))))
            else:
                wires["eno1"].send(ether(mac, ROUTER, 0x86DD, too_long6(other, own, ip6(own, other, 17, udp6(own, other, port, 9, b"netd-question")))))
        time.sleep(0.1)
        return believed(host) == {4, 6}

    wait_until(honest_is_believed, what=lambda: f"an honest error is believed of {believed(host)} only")


@case("services")
def what_is_said_of_another_networks_packets_is_not_believed(host):
    of_another_network(host)


@case("services", "ovs")
def what_is_said_of_another_networks_packets_is_not_believed_on_open_vswitch(host):
    host.kind = "ovs"
    of_another_network(host)
