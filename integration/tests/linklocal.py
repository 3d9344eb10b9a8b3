"""Frames to 01:80:c2:00:00:0X, which the kernel takes from a bridge's port before all rules of bridges, unless it is told to bridge them:
no guest takes another's address by one, nor reaches the host."""

import contextlib
import os
import signal
import socket

from attacks import arp, ether, ip4, udp
from frames import BROADCAST, Wire, collect, drain, inside
from guests import Guest, define
from host import wait_until
from runner import case

LLDP, BPDU = "01:80:c2:00:00:0e", "01:80:c2:00:00:00"
HOST = "10.9.0.1"


def where(speaker, to, ends, token):
    """Nowhere is no answer: it comes late, or the port does not forward yet (with STP for some seconds)."""
    for _ in range(30):
        drain(list(ends))
        speaker.end.send(ether(to, speaker.mac, 0x0806, arp(2, speaker.mac, "10.0.0.8", "10.0.0.9", to) + token))
        if found := sorted(ends[end] for end, frames in collect(list(ends), token, 0.5).items() if frames):
            return found
    return []


def nobody_takes_an_address(host, **more):
    define(host, {"web": {"nic": "eno1", **more}, "ovirtmgmt": {"nic": "eno2", "ipaddr": HOST, "prefix": 24}})
    mean = Guest(host, "mean", "web", "tap", filter="strict", filterParameters=["10.0.0.7"])
    victim, third = Guest(host, "victim", "web", "tap"), Guest(host, "third", "web", "tap")
    ends = {mean.end: "mean", victim.end: "victim", third.end: "third"}
    for tries in range(30):   # with STP a port learns after some seconds
        victim.end.send(ether(BROADCAST, victim.mac, 0x0806, arp(2, victim.mac, "10.0.0.6", "10.0.0.6")))
        if where(third, victim.mac, ends, b"netd-before") == ["victim"]:
            break
    else:
        raise AssertionError("the victim is not reached")
    for to in (LLDP, BPDU, "01:80:c2:00:00:02", "01:80:c2:00:00:03"):
        mean.end.send(ether(to, victim.mac, 0x88CC, b"netd-spoof"))
        mean.end.send(ether(to, mean.mac, 0x0806, arp(1, mean.mac, "10.0.0.7", HOST, "00:00:00:00:00:00")))
        got = where(third, victim.mac, ends, b"netd-after")
        assert got == ["victim"], f"after a frame to {to} its neighbour's frames go to {got}"
        drain([mean.end])
        mean.end.send(ether(to, mean.mac, 0x0806, arp(1, mean.mac, "10.0.0.7", HOST, "00:00:00:00:00:00")))
        answers = collect([mean.end], bytes(map(int, HOST.split("."))), 0.3)[mean.end]
        assert not answers, f"the host answers what is sent to {to}"
    if host.kind != "ovs":
        learned = host.space.run("bridge", "fdb", "show", "dev", mean.nic["port"])
        assert victim.mac not in learned, learned
        blocked = host.client.call("VM.getNics", {"vmId": "mean"})["nics"][0]["blocked"]
        assert blocked.get("control", 0) >= 8, blocked


@case()
def of_guests_on_a_plain_bridge(host):
    nobody_takes_an_address(host)


@case(kinds=("vlan-aware", "ovs"))
def of_guests(host):
    nobody_takes_an_address(host)


@case("vlan", kinds=("legacy", "vlan-aware", "ovs"))
def of_guests_on_a_tag(host):
    nobody_takes_an_address(host, vlan=100)


@case()
def of_guests_on_a_bridge_with_stp(host):
    nobody_takes_an_address(host, stp=True, custom={"bridge_opts": "forward_delay=200"})


@case()
@case(kinds=("vlan-aware", "ovs"))
def the_wire_gets_no_answer_for_another_networks_address(host):
    define(host, {"web": {"nic": "eno1"}, "ovirtmgmt": {"nic": "eno2", "ipaddr": HOST, "prefix": 24}})
    wire = host.later(Wire(host.wire.name, "eno1"))

    def answered(when):
        for to in (BROADCAST, LLDP, "01:80:c2:00:00:03"):
            drain([wire])
            wire.send(ether(to, "02:aa:00:00:00:09", 0x0806, arp(1, "02:aa:00:00:00:09", "10.0.0.9", HOST, "00:00:00:00:00:00")))
            answers = [frame for frame in collect([wire], bytes(map(int, HOST.split("."))), 0.3)[wire] if str(frame).find("02:aa:00:00:00:09") >= 0]
            assert not answers, f"{when}, asked by {to}: {answers}"
    answered("as a port")
    define(host, {"web": {"nic": "eno3"}})
    answered("left by its network")
    host.client.setup({"web": {"remove": True}}, confirm=None)
    answered("let go")


def packets(address):
    """UDP in frames to all, and in such that no bridge passes on; by whom it is sent, and to which address."""
    for name, to in (("all", BROADCAST), ("LLDP", LLDP), ("BPDU", BPDU)):
        for target in ("255.255.255.255", "224.0.0.1", address):
            yield name, ether(to, "02:aa:00:00:00:09", 0x0800, ip4("10.9.0.9" if target == HOST else "10.8.0.9", target, 17, udp(9999, 9911, name.encode())))


def heard_by_the_host(host, wire, address):
    with inside(host.space.name), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("0.0.0.0", 9911))
        ear.settimeout(0.5)
        heard = set()
        for name, frame in [*packets(address)] * 3:
            wire.send(frame)
        with contextlib.suppress(TimeoutError):
            while True:
                heard.add(ear.recv(100).decode())
        return heard


@case("services")
@case("services", kinds=("vlan-aware",))
def packets_in_such_frames_reach_no_socket_of_the_host(host):
    define(host, {"web": {"nic": "eno1", "ipaddr": HOST, "prefix": 24}, "bare": {"nic": "eno2"}})
    host.client.setup({"island": {"nic": "eno3", "bridged": False, "ipaddr": "10.8.0.1", "prefix": 24}}, confirm=None)
    wires = {nic: host.later(Wire(host.wire.name, nic)) for nic in ("eno1", "eno2", "eno3")}
    # On a network of no role whatever listens hears it.
    wait_until(lambda: "all" in heard_by_the_host(host, wires["eno3"], "10.8.0.1"), 20)
    wait_until(lambda: all(host.space.link(nic)["operstate"] == "UP" for nic in wires), 20)
    for nic in ("eno1", "eno2"):
        assert heard_by_the_host(host, wires[nic], HOST) == set(), nic


def three_of_them(host, **of_mean):
    """Guests, the first of whom takes the second's address if nothing stops it; and where frames of the third to that address come then."""
    define(host, {"web": {"nic": "eno1"}})
    mean, victim, third = (Guest(host, name, "web", "tap", **more) for name, more in (("mean", of_mean), ("victim", {}), ("third", {})))
    ends = {mean.end: "mean", victim.end: "victim", third.end: "third"}

    def who_gets_it(token):
        return where(third, victim.mac, ends, token)

    def takes_the_address():
        mean.end.send(ether(BROADCAST, victim.mac, 0x88B5, b"netd-spoof"))
        return who_gets_it(b"netd-before") == ["mean"]
    return mean, takes_the_address, lambda: "victim" in who_gets_it(b"netd-after")


@case()
@case(kinds=("vlan-aware", "ovs"))
def what_a_trusted_guest_taught_the_switch_is_forgotten_when_it_is_not_trusted_any_more(host):
    mean, takes_the_address, is_forgotten = three_of_them(host, filter="trusted")
    for tighter in ({"filter": "standard"}, {"filter": "strict", "filterParameters": ["10.0.0.5"]}):
        wait_until(takes_the_address, what=f"a trusted guest does not get what is for its neighbour, before {tighter}")
        mean.update(**tighter)
        wait_until(is_forgotten, what=f"the guest goes on to get what is for its neighbour, with {tighter}")
        mean.update(filter="trusted")


@case(kinds=("ovs",))
def what_open_vswitch_learned_while_its_flows_were_gone_is_forgotten(host):
    mean, takes_the_address, is_forgotten = three_of_them(host)
    number = next(row["ofport"] for row in host.ovs.rows("Interface") if row["name"] == mean.nic["port"])
    os.kill(host.netd.process.pid, signal.SIGSTOP)   # so that it is not quicker than the guest
    try:
        host.ovs.ofctl("ovs-eno1", "del-flows", f"in_port={number}")
        wait_until(takes_the_address, what="without flows the guest does not get what is for its neighbour")
    finally:
        os.kill(host.netd.process.pid, signal.SIGCONT)
    wait_until(is_forgotten, what="the guest goes on to get what is for its neighbour, though its flows are back")


@case()
def what_was_learned_while_nothing_was_filtered_is_forgotten(host):
    define(host, {"web": {"nic": "eno1"}})
    mean, victim, third = (Guest(host, name, "web", "tap") for name in ("mean", "victim", "third"))
    ends = {mean.end: "mean", victim.end: "victim", third.end: "third"}
    victim.end.send(ether(BROADCAST, victim.mac, 0x0806, arp(2, victim.mac, "10.0.0.6", "10.0.0.6")))
    news = host.netd.subscribe("security.restored")
    are_back = lambda seen: any(mean.nic["port"] in event["ports"] for _, event in seen)   # the host's own rules may be before
    for time in range(10):
        host.space.run("nft", "flush", "ruleset")
        for _ in range(200):
            mean.end.send(ether(BROADCAST, victim.mac, 0x88B5, b"netd-spoof"))
        seen = news.until(are_back)
        assert are_back(seen), f"flush {time + 1} is not told of: {seen}; there are: {host.space.run('nft', 'list', 'tables')}"
        assert where(third, victim.mac, ends, b"netd-after") != ["mean"], "they go to whoever sent as the other"
