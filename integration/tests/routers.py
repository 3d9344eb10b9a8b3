"""Routers that announce themselves to networks beside the default route: what comes from the addresses leaves by them."""

import contextlib
import socket
import struct
import threading
import time

from addresses import Server, addresses, told
from agree import agree
from frames import Wire, inside
from host import wait_until
from killing import again
from rollback import before_it_ends, take_back, wait_for_change
from runner import case

FAR = "fd00:99::1"   # behind every router
ICMP6_FILTER = 1


class Router:
    """One on the wire's end of a NIC that is up, or on a device of the wire's."""

    def __init__(self, host, device):
        self.host, self.device = host, device
        wait_until(lambda: self.settled(), 20, lambda: f"{device} of the wire has no link-local address")
        with inside(host.wire.name):
            self.socket = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
            self.index = socket.if_nametoindex(device)
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, self.index)
        host.later(self)

    def close(self):
        self.prefixes = None
        self.socket.close()

    def answer(self, *prefixes):
        """From now on to who asks, and to nobody else."""
        def listen():
            while self.prefixes is not None:
                with contextlib.suppress(OSError):   # nobody has asked for a while
                    self.socket.recv(1500)
                    if self.prefixes:   # else it is mute
                        self.announce(*self.prefixes)

        self.prefixes = prefixes
        self.socket.setsockopt(socket.IPPROTO_ICMPV6, ICMP6_FILTER, struct.pack("8I", *(0xFFFFFFFF & ~(1 << 5 if word == 4 else 0) for word in range(8))))   # solicitations only
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(socket.AF_INET6, "ff02::2") + struct.pack("I", self.index))
        self.socket.settimeout(0.5)
        threading.Thread(target=listen, daemon=True).start()

    def settled(self):
        found = [one for link in self.host.wire.ip("-6", "addr", "show", "dev", self.device, "scope", "link") for one in link.get("addr_info", []) if one]
        return [one["local"] for one in found if not one.get("tentative")]

    @property
    def address(self):
        return self.settled()[0]

    def announce(self, *prefixes, lifetime=1800, preference=0, hops=255):
        """preference: 0, 1 (high), 3 (low), as RFC 4191 has it."""
        message = struct.pack("!BBHBBHII", 134, 0, 0, 64, preference << 3, lifetime, 0, 0)
        for prefix in prefixes:
            message += struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 3600, 3600, 0) + socket.inet_pton(socket.AF_INET6, prefix)
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, hops)
        self.socket.sendto(message, ("ff02::1", 0, 0, self.index))


def way(host, source, to=FAR):
    found = host.space.ip("-6", "route", "get", to, *(("from", source) if source else ()))[0]
    return found["dev"], found.get("gateway")


def left_behind(host):
    rules = [rule for rule in host.space.ip("-6", "rule", "show") if rule["priority"] == 3201]
    return rules + host.space.ip("-6", "route", "show", "table", "all", "proto", "159")


def announced(host, router, device, prefix, says=True):
    """Its address of that prefix, once the host leaves by that router with it."""
    def settled():
        if says:
            router.announce(prefix)
        found = [one.split("/")[0] for one in addresses(host, device, "inet6") if one.startswith(prefix.rstrip(":"))]
        return found and way(host, found[0]) == (device, router.address) and found[0]
    return wait_until(settled, 30, lambda: f"{addresses(host, device, 'inet6')} {left_behind(host)} {host.netd.told()}")


def management(host):
    host.client.setup({"ovirtmgmt": {"nic": "eno1", "ipv6addr": "fd00:1::7/64", "ipv6gateway": "fd00:1::1", "defaultRoute": True}})


def arrives_from(host, source, *wires):
    """The devices of the wire at which a ping from that address to elsewhere comes in."""
    host.space.run("ping", "-6", "-c", "1", "-W", "1", "-I", source, FAR, check=False)
    sender = socket.inet_pton(socket.AF_INET6, source)
    return [wire.device for wire in wires if any(frame.ethertype == 0x86DD and frame.payload[6] == 58 and frame.payload[8:24] == sender and frame.payload[40] == 128 for frame in wire.receive())]


@case(kinds=("", "vlan-aware", "ovs"))
def what_comes_from_an_announced_address_leaves_by_the_router_of_its_network(host):
    switch = {"switch": host.kind} if host.kind else {}
    host.client.setup({"ovirtmgmt": {"nic": "eno1", "ipv6addr": "fd00:1::7/64", "ipv6gateway": "fd00:1::1", "defaultRoute": True, **switch}, "other": {"nic": "eno2", "ipv6autoconf": True, **switch}})
    device = told(host, "other")["iface"]
    host.wire.links("addr add fd00:1::1/64 dev eno1 nodad", f"addr add {FAR}/128 dev lo")
    router = Router(host, "eno2")
    own = announced(host, router, device, "fd00:2::")
    assert way(host, None)[1] == "fd00:1::1", "the host itself leaves by its default route"
    assert way(host, own, "fd00:2::9") == (device, None), "the wire itself"
    assert way(host, own, "fd00:1::9") == (device, router.address), "the other network, from here"
    wires = [Wire(host.wire.name, nic) for nic in ("eno1", "eno2")]
    for wire in wires:
        host.later(wire)
    assert wait_until(lambda: arrives_from(host, own, *wires), 20) == ["eno2"]
    assert wait_until(lambda: arrives_from(host, "fd00:1::7", *wires), 20) == ["eno1"]
    wait_until(lambda: told(host, "other")["ipv6gateway"] == router.address, 10, lambda: told(host, "other"))
    assert not told(host, "other")["ipv6defaultroute"]
    agree(host, patience=10)

    # A netd that is not there changes nothing; the next one asks, and hears him again.
    before = left_behind(host)
    host.netd.kill()
    assert left_behind(host) == before
    again(host)
    assert left_behind(host) == before
    assert announced(host, router, device, "fd00:2::") == own
    router.announce("fd00:2::", lifetime=0)
    wait_until(lambda: not left_behind(host), 10, lambda: left_behind(host))
    assert way(host, own)[1] == "fd00:1::1"
    announced(host, router, device, "fd00:2::")
    host.client.setup({"other": {"remove": True}})
    wait_until(lambda: not left_behind(host), 10, lambda: left_behind(host))
    agree(host, patience=10)


@case()
def it_goes_with_the_default_route_and_comes_back_with_what_is_taken_back(host):
    management(host)
    beside = {"nic": "eno2", "bridged": False, "ipv6autoconf": True}
    host.client.setup({"other": beside})
    router = Router(host, "eno2")
    router.answer("fd00:2::")
    announced(host, router, "eno2", "fd00:2::")
    wait_for_change(host, {"other": {**beside, "defaultRoute": True}}, 60)
    wait_until(lambda: not left_behind(host), 10, lambda: left_behind(host))
    take_back(host)
    announced(host, router, "eno2", "fd00:2::", says=False)
    agree(host, patience=10)
    host.client.setup({"other": {"nic": "eno2", "bridged": False}})
    wait_until(lambda: not left_behind(host), 10, lambda: left_behind(host))
    agree(host, patience=10)


@case()
def who_answers_only_is_asked(host):
    """Where the host begins to listen, and by the watchdog who takes a change back."""
    management(host)
    host.client.setup({"other": {"nic": "eno2"}})
    router = Router(host, "eno2")
    router.answer("fd00:2::")
    host.client.setup({"other": {"nic": "eno2", "ipv6autoconf": True}})
    own = announced(host, router, "other", "fd00:2::", says=False)
    host.netd.kill()
    again(host)
    time.sleep(18)   # who was not asked is believed no longer
    assert way(host, own) == ("other", router.address), left_behind(host)

    routers = lambda: [route["gateway"] for route in host.space.ip("-6", "route", "show", "default", "proto", "ra")]
    host.client.setup({"ovirtmgmt": {"nic": "eno1"}, "other": {"nic": "eno2", "ipv6autoconf": True, "defaultRoute": True}})
    wait_until(lambda: routers() == [router.address], 20, routers)
    def leads_nowhere():
        assert routers() == []
    before_it_ends(host, {"other": {"nic": "eno2", "ipv6addr": "fd00:2::7/64"}}, 8, leads_nowhere)
    host.netd.kill()
    wait_until(lambda: routers() == [router.address], 40, routers)
    again(host)


@case()
def the_watchdog_takes_back_what_led_away_and_keeps_what_does_so_still(host):
    management(host)
    host.client.setup({"other": {"nic": "eno2", "ipv6autoconf": True}})
    stays = Router(host, "eno2")
    announced(host, stays, "other", "fd00:2::")
    before = left_behind(host)
    leads = lambda: announced(host, Router(host, "eno3"), "eno3", "fd00:3::")
    before_it_ends(host, {"brief": {"nic": "eno3", "bridged": False, "ipv6autoconf": True}}, 12, leads)
    host.netd.kill()
    wait_until(lambda: left_behind(host) == before, 40, lambda: left_behind(host))
    again(host)
    assert left_behind(host) == before


@case()
def only_a_neighbour_is_heard_and_the_one_that_is_preferred(host):
    management(host)
    host.wire.links("link add second link eno2 type macvlan mode bridge", "link set second up")
    host.client.setup({"other": {"nic": "eno2", "ipv6autoconf": True}})
    first, second = Router(host, "eno2"), Router(host, "second")
    own = announced(host, first, "other", "fd00:2::")
    second.announce(preference=1, hops=64)
    second.announce(preference=3)
    first.announce("fd00:2::")
    assert way(host, own) == ("other", first.address)
    second.announce(preference=1)
    wait_until(lambda: way(host, own) == ("other", second.address), 10, lambda: left_behind(host))
    assert way(host, own, "fd00:2::9") == ("other", None)
    second.announce(lifetime=0)
    wait_until(lambda: way(host, own) == ("other", first.address), 10, lambda: left_behind(host))
    first.announce("fd00:2::", lifetime=2)
    wait_until(lambda: not left_behind(host), 10, "it has long been silent")


@case()
def who_dies_in_silence_is_left_for_another_one(host):
    management(host)
    host.wire.links("link add second link eno2 type macvlan mode bridge", "link set second up")
    host.client.setup({"other": {"nic": "eno2", "ipv6autoconf": True}})
    # Else the kernel believes in a neighbour for half a minute.
    host.space.run("sysctl", "-qw", "net.ipv6.neigh.other.base_reachable_time_ms=2000", "net.ipv6.neigh.other.delay_first_probe_time=1")
    first, second = Router(host, "eno2"), Router(host, "second")
    own = announced(host, first, "other", "fd00:2::")
    second.announce(preference=1)
    leaves_by = lambda: host.space.run("ping", "-6", "-c", "1", "-W", "1", "-I", own, FAR, check=False) and way(host, own)
    wait_until(lambda: leaves_by() == ("other", second.address), 10, lambda: left_behind(host))
    stays, gone = first.address, second.address
    host.wire.links("link del second")
    wait_until(lambda: leaves_by() == ("other", stays), 90, lambda: left_behind(host))
    second_ways = [route["gateway"] for route in left_behind(host) if route.get("dst") == "default"]
    assert second_ways == [gone, stays], f"{second_ways}: who may come back is not forgotten"
    agree(host, patience=10)


@case("vlan")
def a_router_of_a_vlan_leads_nobody_who_is_on_the_nic_itself(host):
    management(host)
    host.wire.links("link add link eno2 name eno2.7 type vlan id 7", "link set eno2.7 up")
    host.client.setup({"plain": {"nic": "eno2", "bridged": False, "ipv6autoconf": True}, "tagged": {"nic": "eno2", "vlan": 7, "bridged": False, "ipv6autoconf": True}})
    untagged, tagged = Router(host, "eno2"), Router(host, "eno2.7")
    own = announced(host, untagged, "eno2", "fd00:2::")
    other = announced(host, tagged, told(host, "tagged")["iface"], "fd00:7::")
    tagged.announce("fd00:7::", preference=1)
    assert announced(host, untagged, "eno2", "fd00:2::") == own
    # The same prefix on both wires makes the same address on both: neither leads it.
    untagged.announce("fd00:7::")
    wait_until(lambda: not any(rule.get("src") == other for rule in left_behind(host)), 10, lambda: left_behind(host))
    assert way(host, own) == ("eno2", untagged.address)


@case()
def an_address_by_dhcpv6_leaves_by_the_router_too(host):
    management(host)
    Server(host, "eno2", "--enable-ra", "--dhcp-range=fd00:7::50,fd00:7::99,64,120", "--ra-param=eno2,10", subnet="10.8.0")
    host.wire.links("addr add fd00:7::1/64 dev eno2 nodad")
    host.client.setup({"other": {"nic": "eno2", "dhcpv6": True}})
    router = wait_until(lambda: [one["local"] for link in host.wire.ip("-6", "addr", "show", "dev", "eno2", "scope", "link") for one in link.get("addr_info", []) if one], 20)[0]
    lease = wait_until(lambda: addresses(host, "other", "inet6"), 60)[0]
    assert lease.startswith("fd00:7::") and lease.endswith("/128"), lease
    wait_until(lambda: way(host, lease.split("/")[0]) == ("other", router), 30, lambda: left_behind(host))
    assert way(host, lease.split("/")[0], "fd00:7::9") == ("other", None)
    agree(host, patience=10)


def default_routers(host, device):
    return sorted(route["gateway"] for route in host.space.ip("-6", "route", "show", "default", "dev", device, "proto", "ra"))


def prefixes(host, network):
    """Of its addresses, once netd knows of them: the kernel tells of one when it is sure of it."""
    known, there = told(host, network)["ipv6addrs"], addresses(host, told(host, network)["iface"], "inet6")
    return sorted(one.split("::")[0] for one in there) if sorted(known) == sorted(there) else f"{there}, and netd knows of {known}"


def on_one_of_two_vlans(host):
    """The request for a network there, a router on each that answers, and what waits until the host knows the one of a VLAN and no other."""
    host.wire.links(*(line for tag in (7, 8) for line in (f"link add link eno1 name eno1.{tag} type vlan id {tag}", f"link set eno1.{tag} up")))
    web = lambda tag: {"web": {"nic": "eno1", "vlan": tag, "ipv6autoconf": True, "defaultRoute": True, "switch": host.kind}}
    host.client.setup(web(7))
    routers = {tag: Router(host, f"eno1.{tag}") for tag in (7, 8)}
    for tag, router in routers.items():
        router.answer(f"fd00:{tag}::")
    def is_on(tag):
        device = told(host, "web")["iface"]
        return wait_until(lambda: prefixes(host, "web") == [f"fd00:{tag}"] and default_routers(host, device) == [routers[tag].address], 30,
                          lambda: f"{prefixes(host, 'web')} {default_routers(host, device)} {host.netd.told()}")
    routers[7].announce("fd00:7::")
    is_on(7)
    return web, routers, is_on


@case("vlan", kinds=("ovs",))
def what_routers_say_while_open_vswitch_goes_on_by_what_was_is_not_believed(host):
    web, routers, is_on = on_one_of_two_vlans(host)
    routers[7].prefixes = ()
    host.ovs.appctl("revalidator/pause")
    number = host.client.send("Host.setupNetworks", {"networks": web(8), "options": {"connectivityCheck": False}})
    for _ in range(15):   # it comes by the flow of the first one
        routers[7].announce("fd00:7::")
        time.sleep(0.1)
    host.ovs.appctl("revalidator/resume")
    host.client.receive(number)
    is_on(8)
    agree(host, patience=10)


@case("vlan", kinds=("legacy", "ovs"))
def what_routers_said_on_another_vlan_is_forgotten(host):
    web, routers, is_on = on_one_of_two_vlans(host)
    def only(tag):
        """Where Open vSwitch is so busy that it goes on by its old flows for seconds, what netd asks reaches the old router, which would answer."""
        for other, router in routers.items():
            router.prefixes = (f"fd00:{other}::",) if other == tag else ()
    device = told(host, "web")["iface"]
    only(8)
    host.client.setup(web(8))
    is_on(8)
    only(7)
    wait_for_change(host, web(7), 120)
    is_on(7)
    only(8)
    take_back(host)
    is_on(8)
    only(7)
    before_it_ends(host, web(7), 12, lambda: is_on(7))
    only(8)
    host.netd.kill()
    wait_until(lambda: default_routers(host, device) == [routers[8].address], 40, lambda: default_routers(host, device))   # the watchdog takes it back
    again(host)
    is_on(8)
    agree(host, patience=10)


@case()
def with_two_routers_a_network_becomes_a_static_one_and_moves(host):
    auto = {"nic": "eno1", "ipv6autoconf": True, "defaultRoute": True}
    host.client.setup({"web": auto, "other": {"nic": "eno2"}})
    host.wire.links("link add second link eno1 type macvlan mode bridge", "link set second up")
    first, second, elsewhere = Router(host, "eno1"), Router(host, "second"), Router(host, "eno2")
    def hear(*routers, prefix):
        def heard():
            for router in routers:
                router.announce(prefix)
            return default_routers(host, "web") == sorted(router.address for router in routers) and prefixes(host, "web") == [prefix.rstrip(":")]
        wait_until(heard, 30, lambda: f"{prefixes(host, 'web')} {default_routers(host, 'web')} {host.netd.told()}")
    hear(first, second, prefix="fd00:1::")
    static = {"nic": "eno1", "ipv6addr": "fd00:1::7/64", "ipv6gateway": "fd00:1::1", "defaultRoute": True}
    wait_until(lambda: told(host, "web")["ipv6gateway"] in (first.address, second.address))
    host.client.setup({"web": static})
    assert default_routers(host, "web") == []
    agree(host, patience=10)
    host.client.setup({"web": auto})
    hear(first, second, prefix="fd00:1::")
    host.client.setup({"web": {**auto, "nic": "eno2"}, "other": {"nic": "eno1"}})
    hear(elsewhere, prefix="fd00:2::")
    agree(host, patience=10)


@case()
def a_nic_that_is_let_go_has_its_router_asked_again(host):
    host.space.links("link set eno1 up")
    router = Router(host, "eno1")
    router.answer("fd00:1::")
    router.announce("fd00:1::")
    is_led = lambda: default_routers(host, "eno1") == [router.address] and [one.split("::")[0] for one in addresses(host, "eno1", "inet6")] == ["fd00:1"]
    wait_until(is_led, 20, lambda: default_routers(host, "eno1"))
    time.sleep(2)   # and the kernel is sure of it
    wait_for_change(host, {"web": {"nic": "eno1", "bridged": False, "ipv6addr": "fd00:1::7/64", "ipv6gateway": "fd00:1::1", "defaultRoute": True}}, 60)
    take_back(host)
    wait_until(is_led, 20, lambda: default_routers(host, "eno1"))


@case()
def routers_are_asked_again_after_somebody_has_had_the_host_forward(host):
    host.client.setup({"web": {"nic": "eno1", "ipv6autoconf": True, "defaultRoute": True}})
    router = Router(host, "eno1")
    router.answer("fd00:1::")
    router.announce("fd00:1::")
    is_led = lambda: default_routers(host, "web") == [router.address] and prefixes(host, "web") == ["fd00:1"] and any(
        route["dst"] == "fd00:1::/64" for route in host.space.ip("-6", "route", "show", "dev", "web"))
    shown = lambda: f"{host.space.run('ip', '-6', 'route')} {prefixes(host, 'web')} {host.netd.told()}"
    wait_until(is_led, 20, shown)
    # One that is not netd's is enough; then all of them, of which netd's own is put right.
    for whose in ("eno3", "all"):
        time.sleep(3)   # nobody asks once more for what was before
        host.space.run("sysctl", "-qw", f"net.ipv6.conf.{whose}.forwarding=1")
        wait_until(is_led, 20, shown)
    wait_until(lambda: host.space.run("sysctl", "-n", "net.ipv6.conf.web.forwarding").strip() == "0", 10)
    agree(host, patience=10)
