"""What the kernel makes of a guest's frame behind all filters: one that is to be cut into several gets the lengths, and the places of
fragments, that its pieces need, whatever it said of itself before. And what no filter takes for what it is not: the later parts of packets."""

import os
import struct

from attacks import attackers, checksum, ether, ip4, ip6, link_local, speaks, tokens, udp
from frames import BROADCAST, collect, drain
from guests import Guest, define
from host import wait_until
from runner import case

TO_BE_CUT, TO_FRAGMENTS = 400, 3   # bytes a piece; VIRTIO_NET_HDR_GSO_UDP


def stating(length, packet):
    """The same of IPv4 or IPv6, but it says that it is so long."""
    if packet[0] >> 4 == 6:
        return packet[:4] + struct.pack("!H", length) + packet[6:]
    head = packet[:2] + struct.pack("!H", length) + packet[4:10] + bytes(2) + packet[12:20]
    return head[:10] + struct.pack("!H", checksum(head)) + packet[12:]


def hand_over(guest, frame, cut):
    header = struct.pack("=BBHHHH", 0, TO_FRAGMENTS, 42, TO_BE_CUT, 0, 0) if cut else bytes(10)
    os.write(guest.end.descriptor, header + frame)


def unhelped(host):
    """As on most hosts: no iptables that looks at bridged frames, and drops what has no true length by itself."""
    for family in ("iptables", "ip6tables"):
        host.space.run("sh", "-c", f"echo 0 > /proc/sys/net/bridge/bridge-nf-call-{family}", check=False)


def arrives(guest, victim, frame_of, cut=False, expected=False):
    mark = b"netd-%08d" % next(tokens)
    drain([victim.end])
    hand_over(guest, frame_of(mark * (100 if cut else 4)), cut)
    return bool(collect([victim.end], mark, 60 if expected else 0.5, enough=[victim.end])[victim.end])


def lengths_that_are_not_true(host, definition):
    """nftables looks for no port in IP whose length is beyond the frame, and the pieces of a frame that is cut have true ones."""
    define(host, {"lan": definition})
    unhelped(host)
    victim = Guest(host, "victim", "lan", "tap", filter="none")
    for guest in attackers(host, "lan", ("tap",)):
        speaks(guest, {"victim": victim})
        four = lambda data, ports=(67, 68): ip4(guest.address, "255.255.255.255", 17, udp(*ports, data))
        six = lambda data, ports=(547, 546): ip6(link_local(guest.mac), link_local(victim.mac), 17, udp(*ports, data))
        frame = lambda packet: ether(BROADCAST, guest.mac, 0x800 if packet[0] >> 4 == 4 else 0x86DD, packet)
        passes = guest.name == "trusted"
        for number, (words, cut) in enumerate([(four, True), (four, False), (six, False)]):
            got = arrives(guest, victim, lambda data: frame(stating(0xFFFF, words(data))), cut, passes)
            assert got == passes, (guest.name, number, got)
            assert arrives(guest, victim, lambda data: frame(words(data, (9999, 9999))), cut, True), f"{guest.name}: {number}: an honest one does not arrive"
    return victim


@case()
def a_frame_that_is_shorter_than_its_packet(host):
    lengths_that_are_not_true(host, {})


@case(kinds=("legacy", "vlan-aware"))
def a_frame_that_is_shorter_than_its_packet_with_tags_about(host):
    victim = lengths_that_are_not_true(host, {"nic": "eno1", "vlan": 100})
    if host.kind != "vlan-aware":
        return
    guest = Guest(host, "trunk", "lan", "tap", trunk="100-200")
    frame = lambda packet: ether(BROADCAST, guest.mac, 0x800, packet, [(0x8100, 100)])
    says = lambda data, ports: ip4("10.0.0.7", "10.0.0.255", 17, udp(*ports, data))
    wait_until(lambda: arrives(guest, victim, lambda data: frame(says(data, (9999, 9999)))), what="an honest frame with a tag does not arrive")
    assert not arrives(guest, victim, lambda data: frame(stating(0xFFFF, says(data, (9999, 9999)))))
    assert not arrives(guest, victim, lambda data: frame(says(data, (67, 68))))


def later_parts(host):
    """What stands where a message would begin is data there."""
    victim = Guest(host, "victim", "lan", "tap", filter="none")
    for guest in attackers(host, "lan", ("tap",)):
        speaks(guest, {"victim": victim})
        part = lambda kind, data, protocol=58: struct.pack("!BBHI", protocol, 0, 181 << 3, 99) + bytes((kind,)) + data
        for label in (68, 546):   # nftables would read a port there
            labelled = lambda packet: struct.pack("!I", 6 << 28 | label) + packet[4:]
            flow = lambda data: ether(victim.mac, guest.mac, 0x86DD, labelled(ip6(link_local(guest.mac), link_local(victim.mac), 44, part(0, data, 17))))
            assert arrives(guest, victim, flow, expected=True), f"{guest.name}: a later part of UDP with flow label {label}"
        for kind in (134, 136):
            six = lambda data: ether(victim.mac, guest.mac, 0x86DD, ip6(link_local(guest.mac), link_local(victim.mac), 44, part(kind, data)))
            assert arrives(guest, victim, six, expected=True), f"{guest.name}: a later part of a ping that goes on with {kind}"
        for kind in (5, 9):
            four = lambda data: ether(victim.mac, guest.mac, 0x800, ip4(guest.address, "10.0.0.2", 1, bytes((kind,)) + data, fragment=185))
            assert arrives(guest, victim, four, expected=True), f"{guest.name}: a later part of a ping that goes on with {kind}"


@case()
def later_parts_of_a_ping(host):
    define(host, {"lan": {}})
    later_parts(host)


@case(kinds=("legacy", "vlan-aware", "ovs"))
def later_parts_of_a_ping_with_tags_about(host):
    define(host, {"lan": {"nic": "eno1", "vlan": 100}})
    later_parts(host)
