"""The hostile guest: each attack of a guest is tried with raw frames, and it is frames that tell whether it went out.

A host has one attacker a filter, all with the same wire and the same victim; what a `trusted` one, or a bare port, may send
shows that the frame would arrive if nothing stopped it."""

import ipaddress
import os
import re
import select
import socket
import struct
import threading
import time
from collections import Counter
from contextlib import suppress

from agree import agree
from client import says_no
from frames import BROADCAST, Wire, collect, drain, inside, mac_bytes, shout
from host import reachable, wait_until
from runner import Skip, case
from guests import Guest, define, uplinks

ROUTER = "02:ff:00:00:00:01"      # of somebody on the wire
STRANGER = "02:ee:00:00:00:01"    # a MAC that is no guest's
tokens = iter(range(1, 1 << 30))


def checksum(data):
    total = sum(struct.unpack(f"!{len(data + data[:len(data) % 2]) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ether(to, sender, kind, payload, tags=()):
    head = mac_bytes(to) + mac_bytes(sender)
    for tpid, tag in tags:
        head += struct.pack("!HH", tpid, tag)
    return (head + struct.pack("!H", kind) + payload).ljust(60, b"\0")


def ip4(source, to, protocol, payload, fragment=0):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 7, fragment, 64, protocol, 0,
                       ipaddress.ip_address(source).packed, ipaddress.ip_address(to).packed)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def udp(sport, dport, payload):
    return struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload


def ip6(source, to, following, payload):
    return struct.pack("!IHBB16s16s", 6 << 28, len(payload), following, 255, ipaddress.ip_address(source).packed, ipaddress.ip_address(to).packed) + payload


def sum6(source, to, following, message):
    return struct.pack("!H", checksum(ipaddress.ip_address(source).packed + ipaddress.ip_address(to).packed + struct.pack("!IHBB", len(message), 0, 0, following) + message))


def icmp6(source, to, kind, body):
    """With its checksum, as the next part of an IPv6 packet."""
    message = struct.pack("!BBH", kind, 0, 0) + body
    return message[:2] + sum6(source, to, 58, message) + message[4:]


def udp6(source, to, sport, dport, payload):
    message = udp(sport, dport, payload)
    return message[:6] + sum6(source, to, 17, message) + message[8:]


def igmp(kind, rest):
    message = struct.pack("!BBHI", kind, 100, 0, 0) + rest
    return message[:2] + struct.pack("!H", checksum(message)) + message[4:]


def arp(operation, mac, address, asked, of=BROADCAST):
    return struct.pack("!HHBBH", 1, 0x800, 6, 4, operation) + mac_bytes(mac) + ipaddress.ip_address(address).packed + mac_bytes(of) + ipaddress.ip_address(asked).packed


def link_local(mac):
    b = mac_bytes(mac)
    return str(ipaddress.IPv6Address(b"\xfe\x80" + bytes(6) + bytes([b[0] ^ 2]) + b[1:3] + b"\xff\xfe" + b[3:]))


def attacks(me, mine, victim, token):
    """{name: (frame, the filters that stop it)}; `me` and `victim` are MACs, `mine` an address."""
    every, own, strict = {"trusted", "standard", "strict"}, {"standard", "strict"}, {"strict"}
    mine6, all_nodes = link_local(me), "ff02::1"
    ra = icmp6(mine6, all_nodes, 134, struct.pack("!BBHII", 64, 0, 1800, 0, 0) + token)
    frag = lambda following, offset, more, data: struct.pack("!BBHI", following, 0, offset << 3 | more, 99) + data
    multicast6 = "33:33:00:00:00:01"
    ip = lambda kind, payload: (0x800, ip4(mine, "10.0.0.2", kind, payload))
    plain = lambda source, to: ip4(source, to, 17, udp(9999, 9999, token))
    snap = lambda to, kind, payload: ether(to, me, 8 + len(payload), b"\xaa\xaa\x03\0\0\0" + struct.pack("!H", kind) + payload)   # some hosts take it for the packet itself
    return {
        "a tag": (ether(BROADCAST, me, 0x88B5, token, [(0x8100, 20)]), every),
        "a priority tag": (ether(BROADCAST, me, 0x88B5, token, [(0x8100, 0xE000)]), every),
        "two tags": (ether(BROADCAST, me, 0x88B5, token, [(0x8100, 10), (0x8100, 20)]), every),
        "a service tag": (ether(BROADCAST, me, 0x88B5, token, [(0x88A8, 20)]), every),
        "an old service tag": (ether(BROADCAST, me, 0x88B5, token, [(0x9100, 20)]), every),
        "a BPDU": (ether("01:80:c2:00:00:00", me, 0x0027, b"\x42\x42\x03" + token), every),
        "GVRP": (ether("01:80:c2:00:00:21", me, 0x0027, b"\x42\x42\x03" + token), every),
        "CDP": (ether("01:00:0c:cc:cc:cc", me, 0x0027, b"\xaa\xaa\x03" + token), every),
        "PVST+": (ether("01:00:0c:cc:cc:cd", me, 0x0027, b"\xaa\xaa\x03" + token), every),
        "a ring's protection (ERPS)": (ether("01:19:a7:00:00:01", me, 0x8902, b"\x20\x28\0\x20\xb0\0" + token), every),
        "an alarm of a switch (CFM)": (ether("01:80:c2:00:00:37", me, 0x8902, b"\xe0\x21\0\0" + token), every),
        "a ring's test (MRP)": (ether("01:15:4e:00:01:01", me, 0x88E3, b"\0\1\2\x12" + token), every),
        "another MAC": (ether(BROADCAST, STRANGER, 0x88B5, token), own),
        "the victim's MAC": (ether(BROADCAST, victim, 0x800, plain(mine, "10.0.0.255")), own),
        "ARP for another MAC": (ether(BROADCAST, me, 0x806, arp(2, STRANGER, mine, mine) + token), own),
        "a DHCP server": (ether(BROADCAST, me, 0x800, ip4(mine, "255.255.255.255", 17, udp(67, 68, token))), own),
        "a DHCP server from another port": (ether(BROADCAST, me, 0x800, ip4(mine, "255.255.255.255", 17, udp(6767, 68, token))), own),
        "a DHCPv6 server": (ether(multicast6, me, 0x86DD, ip6(mine6, all_nodes, 17, udp(547, 546, token))), own),
        "a router advertisement": (ether(multicast6, me, 0x86DD, ip6(mine6, all_nodes, 58, ra)), own),
        "one behind hop-by-hop": (ether(multicast6, me, 0x86DD, ip6(mine6, all_nodes, 0, struct.pack("!BBHI", 58, 0, 0x0104, 0) + ra)), own),
        "one in fragments": (ether(multicast6, me, 0x86DD, ip6(mine6, all_nodes, 44, frag(60, 0, 1, struct.pack("!BBHI", 58, 0, 0x0104, 0) + token.ljust(16)))), own),
        "the first fragment of one for one host": (ether(BROADCAST, me, 0x86DD, ip6(mine6, link_local(victim), 44, frag(58, 0, 1, ra.ljust(48)))), own),
        "a first fragment that ends before it": (ether(BROADCAST, me, 0x86DD, ip6(mine6, link_local(victim), 44, frag(60, 0, 1, struct.pack("!BBBB", 58, 2, 1, 20) + token.ljust(20)))), own),
        "one in fragments for one host": (ether(BROADCAST, me, 0x86DD, ip6(mine6, link_local(victim), 44, frag(60, 1, 0, token.ljust(16)))), own),
        "a router advertisement in SNAP": (snap(multicast6, 0x86DD, ip6(mine6, all_nodes, 58, ra)), every),
        "a DHCP server in SNAP": (snap(BROADCAST, 0x800, ip4(mine, "255.255.255.255", 17, udp(67, 68, token))), every),
        "ARP for another MAC in SNAP": (snap(BROADCAST, 0x806, arp(2, STRANGER, mine, mine) + token), every),
        "a tag in SNAP": (snap(BROADCAST, 0x8100, struct.pack("!HH", 20, 0x88B5) + token), every),
        "LLC": (ether(BROADCAST, me, 3 + len(token), b"\xe0\xe0\x03" + token), every),
        "an ICMP redirect": (ether(BROADCAST, me, *ip(1, struct.pack("!BBHI", 5, 1, 0, 0) + token)), own),
        "an IGMP query": (ether("01:00:5e:00:00:01", me, 0x800, ip4(mine, "224.0.0.1", 2, igmp(0x11, token))), own),
        "an MLD query": (ether(multicast6, me, 0x86DD, ip6(mine6, all_nodes, 58, icmp6(mine6, all_nodes, 130, bytes(20) + token))), own),
        "PIM": (ether("01:00:5e:00:00:0d", me, 0x800, ip4(mine, "224.0.0.13", 103, b"\x20\0\0\0" + token)), own),
        "ARP poisoning": (ether(BROADCAST, me, 0x806, arp(2, me, "10.0.0.2", "10.0.0.2") + token), strict),
        "another IPv4 address": (ether(BROADCAST, me, 0x800, plain("10.0.0.2", "10.0.0.255")), strict),
        "no IPv4 address": (ether(BROADCAST, me, 0x800, plain("0.0.0.0", "10.0.0.255")), strict),
        "another IPv6 address": (ether(multicast6, me, 0x86DD, ip6("fd00::2", all_nodes, 17, udp(9999, 9999, token))), strict),
        "a neighbour advertisement for the victim": (ether(multicast6, me, 0x86DD, ip6(mine6, all_nodes, 58, icmp6(mine6, all_nodes, 136, struct.pack("!I16s", 0x20000000, ipaddress.ip_address("fd00::2").packed) + token))), strict),
        "a claim to the victim's address": (ether("33:33:ff:00:00:02", me, 0x86DD, ip6("::", "ff02::1:ff00:2", 58, icmp6("::", "ff02::1:ff00:2", 135, struct.pack("!I16s", 0, ipaddress.ip_address("fd00::2").packed) + token))), strict),
        "HSRP, to all": (ether(BROADCAST, me, 0x800, ip4(mine, "224.0.0.2", 17, udp(1985, 1985, token))), strict),
        "HSRP in IPv6, to all": (ether(BROADCAST, me, 0x86DD, ip6(mine6, "ff02::66", 17, udp(2029, 2029, token))), strict),
        "GLBP, to all": (ether(BROADCAST, me, 0x800, ip4(mine, "224.0.0.102", 17, udp(3222, 3222, token))), strict),
        "GLBP in IPv6, to all": (ether(BROADCAST, me, 0x86DD, ip6(mine6, "ff02::66", 17, udp(3222, 3222, token))), strict),
        "TCP to all": (ether(BROADCAST, me, 0x800, ip4(mine, "10.0.0.255", 6, struct.pack("!HHIIBBHHH", 9, 9, 0, 0, 0x50, 2, 0, 0, 0) + token)), strict),
        "a protocol nobody needs": (ether(BROADCAST, me, 0x88B5, token), strict),
    }


def honest(me, mine, victim, token):
    """What every guest may say, and everyone hears."""
    mine6, all_nodes = link_local(me), "ff02::1"
    return {
        "ARP": ether(BROADCAST, me, 0x806, arp(1, me, mine, "10.0.0.2", "00:00:00:00:00:00") + token),
        "an ARP probe": ether(BROADCAST, me, 0x806, arp(1, me, "0.0.0.0", mine, "00:00:00:00:00:00") + token),
        "gratuitous ARP": ether(BROADCAST, me, 0x806, arp(2, me, mine, mine) + token),
        "RARP, when it has migrated": ether(BROADCAST, me, 0x8035, arp(3, me, "0.0.0.0", "0.0.0.0", me) + token),
        "a DHCP client": ether(BROADCAST, me, 0x800, ip4("0.0.0.0", "255.255.255.255", 17, udp(68, 67, token))),
        "a DHCPv6 client": ether("33:33:00:01:00:02", me, 0x86DD, ip6(mine6, "ff02::1:2", 17, udp(546, 547, token))),
        "a router solicitation": ether("33:33:00:00:00:02", me, 0x86DD, ip6(mine6, "ff02::2", 58, icmp6(mine6, "ff02::2", 133, bytes(4) + token))),
        "its neighbour advertisement": ether("33:33:00:00:00:01", me, 0x86DD, ip6(mine6, all_nodes, 58, icmp6(mine6, all_nodes, 136, struct.pack("!I16s", 0x20000000, ipaddress.ip_address(mine6).packed) + token))),
        "IPv4": ether(BROADCAST, me, 0x800, ip4(mine, "10.0.0.255", 17, udp(9999, 9999, token))),
        "a fragment of IPv4": ether(BROADCAST, me, 0x800, ip4(mine, "10.0.0.255", 17, token.ljust(32), fragment=16)),
    }


def try_all(speaker, listeners, frames, awaited={}):
    """Which of the frames arrive where: {name: {listener}}. All are sent, then all are heard; those that are `awaited`,
    {listener: names}, have time."""
    marks = {name: b"netd-%08d" % next(tokens) for name in frames(b"")}
    drain([one.end if isinstance(one, Guest) else one for one in listeners.values()])
    for name, mark in marks.items():
        speaker.end.send(frames(mark)[name])
    seen = {name: set() for name in marks}
    for where, one in listeners.items():
        end = one.end if isinstance(one, Guest) else one
        for frame in [*heard_until(end, [marks[name] for name in awaited.get(where, ())]), *collect([end], b"netd-", 0.5)[end]]:
            seen |= {name: seen[name] | {where} for name, mark in marks.items() if mark in frame.payload}
    return seen


def heard_until(end, marks, patience=60):
    """What arrives there until each of the marks has."""
    heard, deadline = [], time.monotonic() + patience
    while not all(any(mark in frame.payload for frame in heard) for mark in marks) and time.monotonic() < deadline:
        heard += collect([end], b"netd-", 0.02)[end]
    return heard


def speaks(guest, listeners):
    """Until what it says arrives: a port forwards when the kernel gets round to it."""
    def says():
        mark = b"netd-%08d" % next(tokens)
        guest.end.send(ether(BROADCAST, guest.mac, 0x806, arp(1, guest.mac, guest.address, "10.0.0.2") + mark))
        ends = [one.end if isinstance(one, Guest) else one for one in listeners.values()]
        return all(collect(ends, mark, 0.5, enough=ends).values())
    wait_until(says, what=f"{guest.name} is not heard")


def attackers(host, network, kinds=("tap", "netns")):
    found = []
    for number, level in enumerate(("trusted", "standard", "strict")):
        address = f"10.0.0.{10 + number}"
        more = {"filterParameters": [{"name": "IP", "value": address}]} if level == "strict" else {}
        guest = Guest(host, level, network, kinds[number % len(kinds)], filter=level, **more)
        guest.address = address
        found.append(guest)
    return found


# Open vSwitch does not tell what a later fragment is of. Nobody can make anything of it without the first one.
beyond = {"ovs": {"one in fragments for one host"}}


# It takes SNAP for the packet that is in it, which `trusted` may send.
read_through = {"ovs": {"a router advertisement in SNAP", "a DHCP server in SNAP", "ARP for another MAC in SNAP"}}


def out_of_reach(host, definition):
    define(host, {"web": {"nic": "eno1", **definition}})
    victim = Guest(host, "victim", "web", filter="none")
    listeners = {"victim": victim, "wire": uplinks(host, "eno1")["eno1"]}
    for guest in attackers(host, "web"):
        speaks(guest, listeners)
        tried = lambda mark: {name: frame for name, (frame, _) in attacks(guest.mac, guest.address, victim.mac, mark).items()}
        stopped_by = {name: stops - {"trusted"} if name in read_through.get(host.kind, ()) else stops for name, (_, stops) in attacks(guest.mac, guest.address, victim.mac, b"").items()}
        passing = [name for name, stops in stopped_by.items() if guest.name not in stops]
        got = try_all(guest, listeners, tried, {"victim": passing})
        out = {name: where for name, where in got.items() if where and guest.name in stopped_by[name] and name not in beyond.get(host.kind, ())}
        assert not out, f"{guest.name}: got out: {out}"
        # The control: what this filter does not stop, arrives.
        held = [name for name in passing if "victim" not in got[name]]
        assert not held, f"{guest.name}: did not arrive, and nothing should have stopped it: {held}"
        said = lambda mark: honest(guest.mac, guest.address, victim.mac, mark)
        got = try_all(guest, listeners, said, dict.fromkeys(listeners, said(b"")))
        lost = {name: where for name, where in got.items() if where != set(listeners)}
        assert not lost, f"{guest.name}: honest frames that did not arrive everywhere: {lost}"
    agree(host)


@case()
def a_hostile_guest_without_tags(host):
    out_of_reach(host, {})


@case(kinds=("legacy", "vlan-aware", "ovs"))
def a_hostile_guest(host):
    out_of_reach(host, {"vlan": 100})


@case("ovs")
def what_open_vswitch_does_not_read(host):
    """Linux takes IPv6 of length 0 behind hop-by-hop; a Linux bridge drops it by itself."""
    define(host, {"web": {"nic": "eno1", "switch": "ovs"}})
    victim = Guest(host, "victim", "web", filter="none")
    for guest in attackers(host, "web"):
        speaks(guest, {"victim": victim})
        mine6, all_nodes = link_local(guest.mac), "ff02::1"
        head = ip6(mine6, all_nodes, 0, b"")
        packet = lambda mark: head[:4] + bytes(2) + head[6:] + struct.pack("!BBHI", 58, 0, 0x0104, 0) + icmp6(mine6, all_nodes, 134, struct.pack("!BBHII", 64, 0, 1800, 0, 0) + mark)
        awaited = {"victim": ["it"]} if guest.name == "trusted" else {}
        got = try_all(guest, {"victim": victim}, lambda mark: {"it": ether("33:33:00:00:00:01", guest.mac, 0x86DD, packet(mark))}, awaited)
        assert got == {"it": {"victim"} if guest.name == "trusted" else set()}, f"{guest.name}: {got}"


def bare(host, bridge):
    """A port as anybody makes it, without netd: {name: frame} of it goes everywhere."""
    host.space.links("link add bare type veth peer name bare-in", f"link set bare master {bridge} up", "link set bare-in up")


@case("ovs")
def a_trunks_service_tag_leaves_open_vswitch_as_an_ordinary_one(host):
    """On the wire 802.1ad's 100 is another network than 802.1Q's."""
    define(host, {"lan": {"nic": "eno1", "switch": "ovs"}, "web": {"nic": "eno1", "vlan": 100, "switch": "ovs"}})
    victim, wire = Guest(host, "victim", "web", "tap", filter="none"), uplinks(host, "eno1")["eno1"]
    with inside(host.wire.name):
        ear = host.later(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)))
    ear.bind(("eno1", 0))
    ear.setsockopt(263, 8, 1)   # SOL_PACKET, PACKET_AUXDATA: the kernel takes tags off, and tells them there
    ear.settimeout(20)

    def arrives(mark):
        """The tag's kind and number, and its priority."""
        while True:
            frame, told, *_ = ear.recvmsg(2000, 200)
            if mark in frame:
                tci, kind = struct.unpack("HH", told[0][2][16:20])
                return kind, tci & 0xFFF, tci >> 13

    for level in ("none", "standard"):
        guest = Guest(host, level, "lan", "tap", trunk="100,300", filter=level)
        for kind in (0x8100, 0x88A8):
            mark = b"netd-%08d" % next(tokens)
            def says():
                guest.end.send(ether(BROADCAST, guest.mac, 0x88B5, mark, [(kind, 0xA000 | 100)]))
                return all(collect([victim.end, wire], mark, 0.5, enough=[victim.end, wire]).values())
            wait_until(says, what="the trunk is not heard")
            assert arrives(mark) == (0x8100, 100, 5), (level, hex(kind))


@case()
def the_frames_arrive_where_netd_has_no_say(host):
    define(host, {"lan": {"custom": {"bridge_opts": "vlan_filtering=0"}} if host.netd else {}})
    victim = Guest(host, "victim", "lan", filter="none")
    bare(host, "lan")
    speaker = Guest.__new__(Guest)
    speaker.name, speaker.mac, speaker.address, speaker.end = "bare", "02:aa:00:00:00:01", "10.0.0.9", host.later(Wire(host.space.name, "bare-in"))
    speaks(speaker, {"victim": victim})
    tried = lambda mark: {name: frame for name, (frame, _) in attacks(speaker.mac, "10.0.0.9", victim.mac, mark).items()}
    got = try_all(speaker, {"victim": victim}, tried, {"victim": tried(b"")})
    assert not (held := [name for name, where in got.items() if not where]), held


def guests_and_the_host(host):
    define(host, {"web": {"nic": "eno1", "ipaddr": "10.0.0.254", "prefix": 24}})
    host.wire.links("addr add 10.0.0.99/24 dev eno1")
    for name, level in (("a", "standard"), ("b", "strict"), ("c", "trusted")):
        more = {"filterParameters": ["10.0.0.2"]} if level == "strict" else {}
        Guest(host, name, "web", filter=level, **more)
    for name, address in (("a", "10.0.0.1"), ("b", "10.0.0.2"), ("c", "10.0.0.3")):
        host.spaces[name].links(f"addr add {address}/24 dev eth0")
    spaces = host.spaces
    answered = lambda: reachable((spaces["a"], "10.0.0.2"), (spaces["b"], "10.0.0.99"), (spaces["c"], "10.0.0.1"), (host.wire, "10.0.0.254"), (spaces["c"], "10.0.0.254"))
    wait_until(lambda: all(answered()), what=lambda: answered())
    assert reachable((spaces["a"], "10.0.0.254"), (spaces["b"], "10.0.0.254")) == [False, False]


@case()
def guests_do_not_reach_the_host_but_the_wire_does(host):
    guests_and_the_host(host)


@case("ovs", "ovs_kernel")   # with the userspace datapath the host's stack hears the port's device as well
def guests_do_not_reach_the_host_of_open_vswitch_but_the_wire_does(host):
    host.kind = "ovs"
    guests_and_the_host(host)


@case("services", "ovs")
def what_a_guest_of_open_vswitch_says_to_all_is_not_for_the_host_alone(host):
    """A packet for one address in a frame for all: Linux takes it, and answers."""
    host.kind = "ovs"
    define(host, {"web": {"nic": "eno1", "ipaddr": "10.0.0.254", "prefix": 24, "ipv6addr": "fd00::fe/64", "roles": ["gluster"]}})
    with inside(host.space.name):
        service = host.later(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
    service.bind(("::", 111))
    service.settimeout(1)
    guest = Guest(host, "a", "web")
    guest.address = "10.0.0.7"
    wire = uplinks(host, "eno1")["eno1"]
    speaks(guest, {"wire": wire})
    def hears(speaker, sender, to, six):
        packet = lambda data: ip6("fd00::7", "fd00::fe", 17, udp6("fd00::7", "fd00::fe", 9, 111, data)) if six else ip4("10.0.0.7", "10.0.0.254", 17, udp(9, 111, data))
        token = b"netd-%08d" % next(tokens)
        speaker.send(ether(to, sender, 0x86DD if six else 0x800, packet(token)))
        with suppress(TimeoutError):
            while service.recv(100) != token:  # one from before came late
                pass
            return True
        return False
    for six in (False, True):
        # The control: what comes from the wire, and for the host alone, is heard.
        wait_until(lambda: hears(wire, ROUTER, host.space.link("web")["address"], six), what="the service is not reached")
        for to in (host.space.link("web")["address"], BROADCAST, "01:00:5e:00:00:01", "33:33:00:00:00:01"):
            assert not hears(guest.end, guest.mac, to, six), (to, six)


@case("ovs")
def flows_come_back_when_somebody_changes_them_or_ovs_vswitchd_is_another(host):
    host.kind = "ovs"
    define(host, {"web": {"nic": "eno1"}})
    guests = {name: Guest(host, name, "web", "tap") for name in ("a", "b")}
    for guest in guests.values():
        guest.address = "10.0.0.7"
    news = host.netd.subscribe("security.restored")
    speaks(guests["a"], {"b": guests["b"]})
    bridge = "ovs-eno1"
    before = host.ovs.flows(bridge)
    words_of = lambda flows: sorted(re.sub(r"cookie=\S+ ", "", flow) for _, _, flow in flows)
    words = words_of(before)
    assert len(words) > 40
    mine = f"in_port={before[0][1]}"

    def come_back():
        wait_until(lambda: words_of(host.ovs.flows(bridge)) == words and "priority=65535" not in host.ovs.ofctl(bridge, "dump-flows"), what="they do not come back")
        guests["a"].end.send(ether(BROADCAST, STRANGER, 0x88B5, b"netd-spoofed"))
        assert not collect([guests["b"].end], b"netd-spoofed", 0.4)[guests["b"].end]
    # The last also takes what a bridge forwards by at all.
    for harm in (["del-flows", mine], ["del-flows", f"{mine},arp"], ["mod-flows", f"{mine},arp,actions=NORMAL"], ["add-flow", f"{mine},priority=65535,actions=NORMAL"], ["del-flows"]):
        host.ovs.ofctl(bridge, *harm)
        come_back()
        topic, told = news.next(harm)
        assert set(told["ports"]) == {guest.nic["port"] for guest in guests.values()} and told["devices"] == [bridge], told
    ends = [guest.end for guest in guests.values()]
    assert set(shout(host.later(Wire(host.wire.name, "eno1")), ROUTER, ends, expected=ends)) == set(ends)
    host.ovs.close()
    host.ovs.start()
    wait_until(lambda: host.client.call("Host.getStatus")["backends"]["ovs"]["connected"], 30)
    come_back()
    speaks(guests["a"], {"b": guests["b"]})
    agree(host, patience=10)
    guests["a"].end.close()
    host.closing.remove(guests["a"].end)
    guests["a"].unplug()
    assert len({port for _, port, _ in host.ovs.flows(bridge)}) == 1
    agree(host)


@case()
def filters_come_back_when_somebody_flushes_them(host):
    define(host, {"lan": {}})
    guests = {name: Guest(host, name, "lan", "tap") for name in ("a", "b")}
    for guest in guests.values():
        guest.address = "10.0.0.7"
    speaks(guests["a"], {"b": guests["b"]})
    before = table(host)
    news = host.netd.subscribe("security.restored")
    for harm in ("flush ruleset", "delete table bridge netd", "flush chain bridge netd own", "flush map bridge netd ports",
                 "insert rule bridge netd standard accept", "add element bridge netd macs { \"%s\" . 02:ee:00:00:00:01 }" % guests["a"].nic["port"]):
        host.space.run("nft", harm)
        wait_until(lambda: table(host) == before, what=lambda: f"after '{harm}': {table(host)}")
        guests["a"].end.send(ether(BROADCAST, STRANGER, 0x88B5, b"netd-spoofed"))
        assert not collect([guests["b"].end], b"netd-spoofed", 0.4)[guests["b"].end], harm
    agree(host)
    news.next()


@case()
def a_checksum_is_written_into_a_frames_own_header_and_nowhere_else(host):
    only_its_own_checksum(host, {})


@case(kinds=("legacy", "vlan-aware"))
def a_checksum_is_written_into_its_own_header_with_a_tag_too(host):
    only_its_own_checksum(host, {"nic": "eno1", "vlan": 100})


@case(kinds=("vlan-aware",))
def a_checksum_is_written_into_its_own_header_beside_tags(host):
    only_its_own_checksum(host, {"nic": "eno1"})


@case()
def what_a_tagged_frame_carries_is_looked_at_as_any(host):
    """nft asks the ethernet header for a protocol that a rule takes for granted; in a frame of a trunk that has the tag's."""
    define(host, {"web": {"nic": "eno1"}})
    Guest(host, "a", "web")
    chain, asks = "", {}
    for line in host.space.run("nft", "--debug=netlink", "list", "table", "bridge", "netd").splitlines():
        if line.startswith("bridge netd "):
            chain = line.split()[2]
        elif "link header + 12" in line:
            asks[chain] = asks.get(chain, 0) + 1
    assert set(asks) == {"untagged", "one_tag"}, asks   # which ask for the tag itself


@case("ovs", "ovs_kernel")
def a_checksum_is_written_into_its_own_header_on_open_vswitch(host):
    host.kind = "ovs"
    only_its_own_checksum(host, {"nic": "eno1"})


def only_its_own_checksum(host, definition):
    """The virtio header asks for one, and the kernel writes it behind all filters."""
    if not host.client.call("Host.getStatus")["backends"]["kernel"]["checksums"]:
        raise Skip("this kernel tells nobody where a frame asks for a checksum")
    define(host, {"lan": definition})
    guests = {name: Guest(host, name, "lan", "tap") for name in ("a", "b")}
    listeners = {"b": guests["b"], **uplinks(host, *([definition["nic"]] if definition else []))}
    ends = [one.end if isinstance(one, Guest) else one for one in listeners.values()]
    for guest in guests.values():
        guest.address = "10.0.0.7"
    speaks(guests["a"], listeners)
    mac, end = guests["a"].mac, guests["a"].end
    ip = lambda protocol, body: ether(BROADCAST, mac, 0x800, ip4("10.0.0.7", "10.0.0.255", protocol, body))
    tcp = struct.pack("!HHIIBBHHH", 1, 2, 0, 0, 0x50, 2, 0, 0, 0)
    six = ether(BROADCAST, mac, 0x86DD, ip6("2001:db8::7", "ff02::1", 17, udp(9, 9, b"netd-token")))
    bare = ip(17, udp(9, 9, b"netd-token"))
    longer = b"\x46" + ip4("10.0.0.7", "10.0.0.255", 17, bytes(22))[1:10] + bytes(2) + bytes((10, 0, 0, 7, 10, 0, 0, 255)) + bytes(4)
    options = ether(BROADCAST, mac, 0x800, longer[:10] + struct.pack("!H", checksum(longer)) + longer[12:] + udp(9, 9, b"netd-token"))
    inner = ip(17, udp(9, 4789, bytes(50) + b"netd-token"))   # what a tunnel carries
    hops = ether(BROADCAST, mac, 0x86DD, ip6("2001:db8::7", "ff02::1", 0, b"\x11\0\1\4\0\0\0\0" + udp(9, 9, b"netd-token")))
    cases = [(inner, 76, 6, True), (hops, 62, 6, True), (hops, 62, 0, False), (hops, 54, 0, False), (bare, 34, 6, True), (ip(6, tcp + b"netd-token"), 34, 16, True), (six, 54, 6, True), (options, 38, 6, True),
             (ether(BROADCAST, mac, 0x88B5, bytes(40) + b"netd-token"), 34, 2, True), (ip(47, bytes(8) + b"netd-token"), 34, 2, True),
             (bare, 34, 0, False), (bare, 34, 2, False), (ip(6, tcp + b"netd-token"), 34, 2, False), (options, 34, 6, False),
             (ip(1, b"\x08\0\0\0\0\1\0\1netd-token"), 34, 2, False), (ether(BROADCAST, mac, 0x86DD, ip6("2001:db8::7", "ff02::1", 58, b"\x80" + bytes(7) + b"netd-token")), 54, 0, False),
             (ether(BROADCAST, mac, 0x806, arp(1, mac, "10.0.0.7", "10.0.0.2") + b"netd-token"), 34, 4, False),
             (ether(BROADCAST, mac, 0x800, ip4("10.0.0.7", "10.0.0.255", 17, b"\0" * 8 + b"netd-token", 0x2001)), 34, 6, False),
             # The sender's MAC, the ethertype (a tag, for whoever looks next), the sender's address: newer kernels take none of them.
             (bare, 6, 0, False), (bare, 12, 0, False), (bare, 14, 12, False),
             (ether(BROADCAST, mac, 0x806, arp(1, mac, "10.0.0.7", "10.0.0.2") + b"netd-token"), 14, 14, False)]
    for number, (frame, start, offset, arrives) in enumerate(cases):
        for flags in (0, 1):   # a request; without it each of them arrives
            token = b"netd-%05d" % (2 * number + flags)
            with suppress(OSError):   # the kernel's own no
                os.write(end.descriptor, struct.pack("=BBHHHH", flags, 0, 0, 0, start * flags, offset * flags) + frame.replace(b"netd-token", token))
            expected = arrives or not flags
            came = [bool(heard) for heard in collect(ends, token, 60 if expected else 0.5, quiet=0, enough=ends).values()]
            assert came == [expected] * len(ends), (number, flags, came)
    # Frames that say that they end before they do: what lies behind that some filter reads, and some not.
    # And the fragment that is a whole packet, behind another header, too; a chain longer than any.
    frag = lambda flags, following=44, before=b"": ether(BROADCAST, mac, 0x86DD, ip6("2001:db8::7", "2001:db8::9", following, before + struct.pack("!BBHI", 17, 0, flags, 7) + udp(9, 9, b"netd-token")))
    chain = b"".join(bytes((60,)) + bytes(7) for _ in range(4))
    for number, (frame, arrives) in enumerate([(bare, True), (bare + bytes(60), False), (six, True), (six + bytes(60), False), (frag(1), True), (frag(0), False), (frag(6), False),
                                               (frag(1, 60, b"\x2c" + bytes(7)), True), (frag(0, 60, b"\x2c" + bytes(7)), False), (frag(1, 60, chain + b"\x2c" + bytes(7)), False),
                                               (frag(1, 51, b"\x2c\x02" + bytes(14)), True), (frag(0, 51, b"\x2c\x02" + bytes(14)), False)]):
        os.write(end.descriptor, bytes(10) + frame.replace(b"netd-token", b"netd-8%04d" % number))
        came = [bool(heard) for heard in collect(ends, b"netd-8%04d" % number, 60 if arrives else 0.5, quiet=0, enough=ends).values()]
        assert came == [arrives] * len(ends), (number, came)
    # A frame that is to be cut into fragments, and says that it is one: the first of them would carry what a later one has as data.
    for number, (place, arrives) in enumerate([(0, True), (185, False), (0x2000, False)]):
        token = b"netd-9%04d" % number
        os.write(end.descriptor, struct.pack("=BBHHHH", 0, 3, 42, 400, 0, 0) + ether(BROADCAST, mac, 0x800, ip4("10.0.0.7", "10.0.0.255", 17, udp(9, 9, token * 80), place)))
        came = [bool(heard) for heard in collect(ends, token, 60 if arrives else 0.5, quiet=0, enough=ends).values()]
        assert came == [arrives] * len(ends), (number, came)
    # What ethernet fills up is no part of the packet: nobody reads there what others don't.
    short = ether(BROADCAST, mac, 0x800, ip4("10.0.0.7", "10.0.0.255", 17, udp(9, 9, b"netd")))[:46]
    os.write(end.descriptor, bytes(10) + short + b"hidden")
    for heard in collect(ends, b"netd", 60, quiet=0, enough=ends).values():
        assert heard and not any(b"hidden" in frame.payload for frame in heard), heard
    port = guests["a"].nic["port"]
    # ovs-vswitchd sets up the port anew when its device has changed, and takes away an ingress qdisc then.
    for length in ("1400", "1500") if host.kind == "ovs" else ():
        number = host.space.run("tc", "filter", "show", "dev", port, "ingress")
        host.space.run("ip", "link", "set", port, "txqueuelen", length)
        host.ovs.vsctl("set", "open_vswitch", ".", f"external_ids:length={length}")
        assert host.space.run("tc", "filter", "show", "dev", port, "ingress") == number, "it is another one"
    host.space.run("tc", "qdisc", "del", "dev", port, "clsact")
    wait_until(lambda: "netd-checksum" in host.space.run("tc", "filter", "show", "dev", port, "ingress"), what="it does not come back")
    guests["a"].update(filter="none")
    assert "netd-checksum" not in host.space.run("tc", "filter", "show", "dev", port, "ingress")
    # The control: now nothing stops what did not arrive.
    os.write(end.descriptor, struct.pack("=BBHHHH", 1, 0, 0, 0, 34, 0) + bare.replace(b"netd-token", b"netd-99999"))
    assert all(collect(ends, b"netd-99999", 60, enough=ends).values()), "it is not the guard that stops it"
    agree(host)


@case()
def what_is_dropped_is_counted_and_told(host):
    counted_and_told(host, {"lan": {}})


@case("ovs")
def what_open_vswitch_drops_is_counted_and_told(host):
    host.kind = "ovs"
    told = counted_and_told(host, {"lan": {"nic": "eno1"}})
    # Nor if ovs-vswitchd is slow to tell it.
    host.netd.stop()
    with host.ovs.stopped("ovs-vswitchd"):
        host.netd.start().ready()
        host.client, news = host.netd.client(), host.netd.subscribe("security.blocked")
        assert told()["a"] == {}, told()
    wait_until(lambda: told()["a"] == {"mac": 7, "tag": 1}, 20, what=lambda: told())
    assert (event := news.within(7)) is None, event


def counted_and_told(host, networks):
    define(host, networks)
    guests = {name: Guest(host, name, "lan", "tap") for name in ("a", "b")}
    port = guests["a"].nic["port"]
    for guest in guests.values():
        guest.address = "10.0.0.7"
    told = lambda: {nic["vmId"]: nic["blocked"] for nic in host.client.call("VM.getNics")["nics"]}
    speaks(guests["a"], {"b": guests["b"]})
    assert told() == {"a": {}, "b": {}}
    assert "nothing was dropped" in host.netd.netctl("why", port)
    news = host.netd.subscribe("security.blocked")
    for _ in range(7):
        guests["a"].end.send(ether(BROADCAST, STRANGER, 0x88B5, b"netd-spoofed"))
    guests["a"].end.send(ether(BROADCAST, guests["a"].mac, 0x88B5, b"netd-tagged", [(0x8100, 20)]))
    wait_until(lambda: told() == {"a": {"mac": 7, "tag": 1}, "b": {}}, what=lambda: told())
    numbers = host.client.call("Host.getNetworkStatistics")["network"]
    assert (numbers[port]["blocked"], numbers[guests["b"].nic["port"]]["blocked"]) == (8, 0) and "blocked" not in numbers["eno1"], numbers
    frames = Counter()   # in one event or in two: netd may have counted in between
    while frames != {"mac": 7, "tag": 1}:
        event = news.next()[1]
        frames.update(event["frames"])
        assert (event["vmId"], event["port"], event["filter"]) == ("a", port, "standard") and frames <= Counter(mac=7, tag=1), (event, frames)
    words = host.netd.netctl("why", guests["a"].mac)
    assert "7 dropped: frames or ARP in the name of another MAC" in words and "1 dropped: VLAN tags" in words, words
    # What was told is no news to the next netd, though it is still counted.
    host.netd.stop()
    host.netd.start().ready()
    host.client, news = host.netd.client(), host.netd.subscribe("security.blocked")
    assert (event := news.within(7)) is None and told()["a"] == {"mac": 7, "tag": 1}, (event, told())
    return told


class Torrent:
    """A guest that never stops: one frame in its own name, one in another's, and again, from the moment it has a NIC."""

    def __init__(self, name, mac):
        self.name, self.mac, self.sent, self.goes_on = name, mac, 0, True
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while self.goes_on:
            try:
                self.pour()
            except OSError:   # no NIC, or none that is up
                time.sleep(0.0005)

    def pour(self):
        wire = Wire(self.name, "eth0")
        try:
            while self.goes_on:
                wire.send(ether(BROADCAST, STRANGER, 0x88B5, b"netd-spoofed"))
                wire.send(ether(BROADCAST, self.mac, 0x88B5, b"netd-honest"))
                self.sent += 1
                time.sleep(0.0005)
        finally:
            wire.close()

    def close(self):
        self.goes_on = False
        self.thread.join()


class Ear:
    """Counts all the while what arrives, {what: how often}."""

    def __init__(self, *ends):
        self.ends, self.count, self.goes_on = ends, {b"netd-spoofed": 0, b"netd-honest": 0}, True
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while self.goes_on:
            for end in select.select(self.ends, [], [], 0.05)[0]:
                for frame in end.receive():
                    for what in self.count:
                        self.count[what] += what in frame.payload

    def hears(self):
        before = self.count[b"netd-honest"]
        wait_until(lambda: self.count[b"netd-honest"] > before + 5, what="the guest is not heard any more")

    def close(self):
        self.goes_on = False
        self.thread.join()


def not_one_frame(host, networks):
    define(host, networks)
    first, second = networks
    ear = host.later(Ear(*(Guest(host, f"victim-{network}", network, filter="none").end for network in networks), *uplinks(host, "eno1").values()))
    host.add_space("a")
    mac = "56:6f:00:00:00:77"
    torrent = host.later(Torrent("a", mac))
    for level in ("standard", "clean-traffic", "standard"):
        more = {"filterParameters": ["10.0.0.10"]} if level == "clean-traffic" else {}
        guest = {"vmId": "a", "nic": {"kind": "netns", "network": first, "macAddr": mac, "filter": level, **more}}
        host.client.call("VM.hotplugNic", guest)
        if level == "standard":
            ear.hears()
        for change in ({"network": second}, {"linkActive": False}, {"linkActive": True}, {"network": first}, {"filter": "no-mac-spoofing", "port_isolated": True}, {"port_isolated": False}):
            host.client.call("VM.updateDevice", {"vmId": "a", "macAddr": mac, "deviceType": "interface", **change})
        ear.hears()
        host.netd.kill()
        host.netd.start().ready()
        host.client = host.netd.client()
        ear.hears()
        host.client.call("VM.hotunplugNic", {"vmId": "a", "nic": {"macAddr": mac}})
    assert torrent.sent > 500 and ear.count[b"netd-spoofed"] == 0, (torrent.sent, ear.count)


@case()
def not_one_frame_of_another_mac_passes_in_any_moment(host):
    not_one_frame(host, {"lan": {}, "web": {"nic": "eno1"}})


@case("ovs")
def not_one_frame_of_another_mac_passes_open_vswitch_in_any_moment(host):
    host.kind = "ovs"
    not_one_frame(host, {"web": {"nic": "eno1"}, "lan": {"nic": "eno2"}})


@case("vlan", "vlan_filtering")
def not_one_frame_of_another_mac_passes_in_any_moment_with_tags(host):
    host.kind = "vlan-aware"
    not_one_frame(host, {"web": {"nic": "eno1", "vlan": 100}, "db": {"nic": "eno1", "vlan": 200}})


def table(host):
    """netd's table as text, without what counts."""
    text = host.space.run("nft", "-s", "list", "table", "bridge", "netd", check=False)
    return [line for line in text.splitlines() if "counter" not in line or "update" in line]


@case()
def filters_change_live_and_go_with_their_port(host):
    change_live(host, {"lan": {}})


@case("ovs")
def filters_of_open_vswitch_change_live_and_go_with_their_port(host):
    host.kind = "ovs"
    change_live(host, {"lan": {"nic": "eno1"}})
    assert host.ovs.flows("ovs-eno1")


def change_live(host, networks):
    define(host, networks)
    victim, guest = Guest(host, "victim", "lan", "tap"), Guest(host, "a", "lan", "tap")
    victim.address = guest.address = "10.0.0.10"
    listeners = {"victim": victim}
    speaks(guest, listeners)
    frames = lambda mark: {name: frame for name, (frame, _) in attacks(guest.mac, guest.address, victim.mac, mark).items()}
    for level, passes, stops in (("none", "another MAC", "a tag"), ("clean-traffic", None, "another IPv4 address"), ("standard", "another IPv4 address", "another MAC")):
        guest.update(filter=level, filterParameters=["10.0.0.10"] if level == "clean-traffic" else None)
        got = try_all(guest, listeners, frames, {"victim": [passes]} if passes else {})
        assert not got[stops] and (passes is None or got[passes]), f"{level}: {got}"
        agree(host)
    says_no(lambda: guest.update(filter="strict"), 56)
    host.netd.kill()
    assert not try_all(guest, listeners, frames)["another MAC"], "netd is dead, and its filter with it"
    host.netd.start().ready()
    host.client = host.netd.client()
    assert not try_all(guest, listeners, frames)["another MAC"]
    guest.end.close()
    host.closing.remove(guest.end)
    guest.unplug()
    assert guest.nic["port"] not in host.space.run("nft", "list", "ruleset")
