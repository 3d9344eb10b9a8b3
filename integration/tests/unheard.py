"""What the host takes from guests about its own neighbours: nothing, on every kind of switch."""

import ipaddress
import shutil
import struct
import time

from attacks import arp, ether, icmp6, ip6, speaks
from frames import BROADCAST, mac_bytes
from guests import Guest, define, uplinks
from host import reachable, run, wait_until
from runner import case

PEERS = ("10.0.0.99", "fd00::99")   # of the host's own, on the wire: a storage server


def neighbours(host):
    """{address: MAC}, as the host has its peers."""
    return {address: [entry.get("lladdr") for entry in host.space.ip("neigh", "show", address)] for address in PEERS}


def poison(guest):
    """Four times, as the kernel believes nothing else within a second of the last."""
    source, to = "fe80::1", "ff02::1"
    claim = icmp6(source, to, 136, struct.pack("!I16s", 0x20000000, ipaddress.ip_address(PEERS[1]).packed) + b"\2\1" + mac_bytes(guest.mac))
    for _ in range(4):
        time.sleep(1.2)
        for operation in (1, 2):
            guest.end.send(ether(BROADCAST, guest.mac, 0x806, arp(operation, guest.mac, PEERS[0], "10.0.0.254", "00:00:00:00:00:00")))
        guest.end.send(ether(BROADCAST, guest.mac, 0x806, arp(1, guest.mac, PEERS[0], PEERS[0], "00:00:00:00:00:00")))
        guest.end.send(ether("33:33:00:00:00:01", guest.mac, 0x86DD, ip6(source, to, 58, claim)))


def neighbours_stay_who_they_are(host):
    host.wire.links("addr add 10.0.0.99/24 dev eno1", "addr add fd00::99/64 dev eno1 nodad")
    define(host, {"web": {"nic": "eno1", "ipaddr": "10.0.0.254", "prefix": 24, "ipv6addr": "fd00::fe/64"}})
    reached = lambda: all(reachable((host.space, PEERS[0]), (host.space, PEERS[1])))
    wait_until(reached, what="the peer is not reached")
    guest = Guest(host, "a", "web", "tap")
    guest.address = "10.0.0.7"
    other = Guest(host, "b", "web", "tap", filter="none")
    speaks(guest, {"other": other, "wire": uplinks(host, "eno1")["eno1"]})
    true = neighbours(host)

    def is_deaf(after):
        poison(guest)
        assert neighbours(host) == true, (after, neighbours(host), true)
        assert reached(), after

    is_deaf("being plugged")
    guest.update(filter="strict", filterParameters=[PEERS[0]])
    guest.update(filter="standard")
    is_deaf("two updates")
    host.netd.kill()
    is_deaf("netd's death")
    host.netd.start().ready()
    is_deaf("netd's start")
    for harm in ("flush ruleset", *(("delete table arp netd-unheard", "flush set inet netd-unheard guests") if host.kind == "ovs" else ())):
        rules = lambda: host.space.run("nft", "list", "ruleset").count(guest.mac)
        before = rules()
        host.space.run("nft", harm)
        wait_until(lambda: rules() == before, what=lambda: f"not as before after '{harm}'")
    is_deaf("a flush")
    # The control: who may say what he likes is believed, and so is one that is filtered no longer.
    def is_believed(one):
        poison(one)
        return neighbours(host) == {address: [one.mac] for address in PEERS}

    wait_until(lambda: is_believed(other), what=lambda: f"the control is not believed: {neighbours(host)}")
    guest.update(filter="none")
    wait_until(lambda: is_believed(guest), what=lambda: f"one that is filtered no longer is not believed: {neighbours(host)}")
    guest.unplug()
    other.unplug()
    assert guest.mac not in host.space.run("nft", "list", "ruleset")


@case("services")
def neighbours_of_the_hosts_stay_who_they_are(host):
    neighbours_stay_who_they_are(host)


@case("services", "ovs")
def neighbours_of_the_hosts_stay_who_they_are_on_open_vswitch(host):
    host.kind = "ovs"
    neighbours_stay_who_they_are(host)


@case("services", "ovs")
def a_guests_questions_fill_no_table_of_the_hosts(host):
    """The table of neighbours is one for all networks: who fills it cuts the host off from its storage."""
    host.kind = "ovs"
    define(host, {"web": {"nic": "eno1", "ipaddr": "10.0.0.254", "prefix": 16}})
    made = lambda guest: host.space.run("ip", "neigh").count(guest.mac)

    def asks(guest, part):
        for number in range(300):
            guest.end.send(ether(BROADCAST, guest.mac, 0x806, arp(1, guest.mac, f"10.0.{part + number // 256}.{number % 256}", "10.0.0.254", "00:00:00:00:00:00")))

    guest, other = Guest(host, "a", "web", "tap"), Guest(host, "b", "web", "tap", filter="none")
    for one in (guest, other):
        one.address = "10.0.0.7"
        speaks(one, {"wire": uplinks(host, "eno1")["eno1"]})

    def both_ask():
        """Again, as a switch that has no time loses some."""
        asks(guest, 1)
        asks(other, 5)
        time.sleep(0.2)
        return made(other) == 300

    wait_until(both_ask, what=lambda: f"the control, who is trusted, has made {made(other)}")
    assert made(guest) == 0


@case("services", "ovs")
def that_the_host_hears_guests_again_is_told_also_where_it_can_not_be_mended(host):
    host.kind = "ovs"
    define(host, {"web": {"nic": "eno1", "ipaddr": "10.0.0.254", "prefix": 24}})
    guest = Guest(host, "a", "web", "tap")
    nft, mounts = host.folder / "nft", ("nsenter", f"--mount=/proc/{host.netd.process.pid}/ns/mnt")
    shutil.copy("/usr/sbin/nft", nft)
    events = host.netd.subscribe("security.restored")
    is_deaf = lambda: host.space.run(nft, "list", "table", "inet", "netd-unheard", check=False).count(guest.mac) == 1
    wait_until(is_deaf)
    run(*mounts, "mount", "--bind", "/bin/false", "/usr/sbin/nft")
    host.space.run(nft, "delete table inet netd-unheard")
    _, told = events.next()
    assert told["devices"] == ["web"] and told["why"], told
    run(*mounts, "umount", "/usr/sbin/nft")
    _, told = events.next()
    assert told["devices"] == ["web"] and not told["why"], told
    assert is_deaf()
