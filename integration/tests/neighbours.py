"""What neighbours and routers on the wire hear of the host when its addresses move, and what the host hears of them."""

import sys

from agree import agree
from client import says_no
from host import wait_until
from runner import case

asked = """
import socket, struct, sys
heard = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
device = socket.if_nametoindex(sys.argv[1])
heard.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(socket.AF_INET6, "ff02::2") + struct.pack("@I", device))
print("listening", flush=True)
while True:
    message, sender = heard.recvfrom(1500)
    if message[0] == 133 and sender[3] == device:
        print("asked", flush=True)
"""

announcing = """
import socket, struct, sys, time
out = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
out.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
out.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex(sys.argv[1]))
prefix = struct.pack("!BBBBIII", 3, 4, 64, 0xc0, 86400, 14400, 0) + socket.inet_pton(socket.AF_INET6, sys.argv[2])
while True:
    try:
        out.sendto(struct.pack("!BBHBBHII", 134, 0, 0, 64, 0x08, 1800, 0, 0) + prefix, ("ff02::1", 0))   # with high preference
        print("announced", flush=True)
    except OSError:
        pass   # it has no address of its own yet
    time.sleep(0.1)
"""


class Router:
    """Counts what asks for routers on the wire's end of a NIC, and answers nothing."""

    def __init__(self, host, nic):
        self.told = host.folder / f"asked.{nic}"
        with open(self.told, "wb") as told:
            self.process = host.wire.start(sys.executable, "-c", asked, nic, stdout=told)
        host.later(self)
        wait_until(lambda: "listening" in self.told.read_text())

    def asked(self):
        return self.told.read_text().count("asked")

    def close(self):
        self.process.kill()
        self.process.wait()


class Announcer:
    """A router on the wire's end of a NIC that announces itself, and a prefix, ten times a second."""

    def __init__(self, host, nic, prefix):
        self.told = host.folder / f"announced.{nic}"
        with open(self.told, "wb") as told:
            self.process = host.wire.start(sys.executable, "-c", announcing, nic, prefix, stdout=told)

    def count(self):
        return self.told.read_text().count("announced")

    def close(self):
        self.process.kill()
        self.process.wait()


def moves_are_heard(host, kind):
    host.wire.links("link add sw type bridge", "link set sw up", "link set eno1 master sw", "link set eno3 master sw", "addr add 192.0.2.1/24 dev sw", "addr add 2001:db8:1::1/64 dev sw nodad")
    # What a neighbour knows it believes for an hour, so that only a word of the host changes it.
    host.wire.run("sysctl", "-qw", "net.ipv4.neigh.sw.base_reachable_time_ms=3600000", "net.ipv6.neigh.sw.base_reachable_time_ms=3600000")
    of = lambda nic, **more: {"nic": nic, "switch": kind, "ipaddr": "192.0.2.5", "prefix": 24, "ipv6addr": "2001:db8:1::5/64", **more}
    mac = lambda nic: host.space.link(nic)["address"]

    def believes(address):
        return [one.get("lladdr") for one in host.wire.ip("neigh", "show", "to", address, "dev", "sw")]

    def learn():
        for address in ("192.0.2.5", "2001:db8:1::5"):
            wait_until(lambda: host.wire.start("ping", "-n", "-q", "-c", "1", "-W", "1", address, stdout=-3, stderr=-3).wait() == 0, 30, f"no answer of {address}")

    host.client.setup({"web": of("eno1")})
    learn()
    moves = [({"web": of("eno3")}, "eno3"), ({"web": {"remove": True}, "db": of("eno1")}, "eno1")]
    if kind == "legacy":
        moves.append(({"db": of("eno3", bridged=False)}, "eno3"))
    for networks, nic in moves:
        host.client.setup(networks)
        for address in ("192.0.2.5", "2001:db8:1::5"):
            wait_until(lambda: believes(address) == [mac(nic)], 20, lambda: f"{address} by {nic} ({mac(nic)}): the neighbour believes {believes(address)}")
        agree(host, patience=5)


@case()
def neighbours_hear_at_once_where_an_address_is_now(host):
    moves_are_heard(host, "legacy")


@case("ovs")
def neighbours_hear_at_once_where_an_address_on_open_vswitch_is_now(host):
    moves_are_heard(host, "ovs")


@case()
def a_router_is_asked_when_it_is_to_be_heard_and_when_it_is_to_lead_away(host):
    router = Router(host, "eno1")
    host.client.setup({"web": {"nic": "eno1", "ipv6addr": "2001:db8:1::5/64"}})
    # Sure of its own addresses the kernel has done what it does by itself.
    wait_until(lambda: not any(one.get("tentative") for link in host.space.ip("-6", "addr", "show", "dev", "web") for one in link["addr_info"]), 20)
    before = router.asked()
    for more in ({}, {"defaultRoute": True}):
        host.client.setup({"web": {"nic": "eno1", "ipv6autoconf": True, **more}})
        wait_until(lambda: router.asked() > before + 1, 20, f"{more}: no router was asked, and asked again")
        before = router.asked()
    agree(host)


@case(words=("--drift", "report"))
def an_address_that_another_host_has_is_told(host):
    host.wire.links("addr add 2001:db8:1::5/64 dev eno1 nodad")
    of = {"nic": "eno1", "ipv6addr": "2001:db8:1::5/64", "addresses": ["2001:db8:1::6/64"]}
    events = host.netd.subscribe("drift.found")
    host.client.setup({"web": of})
    found = events.next()[1]
    assert (found["network"], found["attribute"]) == ("web", "addresses") and "2001:db8:1::5/64 is another host's" in found["found"], found
    told = host.client.call("Host.getNetworkCapabilities")["networks"]["web"]
    assert (told["ipv6addrs"], told["inSync"]) == (["2001:db8:1::6/64"], False), told
    # When the other one is gone the same request puts it right.
    host.wire.links("addr del 2001:db8:1::5/64 dev eno1")
    host.client.setup({"web": of})
    is_had = lambda: not any(one.get("tentative") or one.get("dadfailed") for link in host.space.ip("-6", "addr", "show", "dev", "web") for one in link["addr_info"])
    wait_until(is_had, 20)
    wait_until(lambda: not host.client.call("Host.getDrift")["networks"], 10, lambda: host.client.call("Host.getDrift"))
    agree(host)
    # And what is not its own any more goes with the network.
    host.client.setup({"web": {"remove": True}})
    agree(host)


@case()
def an_ipv4_address_that_another_host_has_is_told(host):
    of = lambda address: {"web": {"nic": "eno1", "ipaddr": address, "prefix": 24}}
    told = lambda: [one for one in host.client.call("Host.getStatus")["disturbances"] if " of network web " in one]
    host.client.setup(of("192.0.2.5"))
    assert not told(), told()
    host.wire.links("addr add 192.0.2.5/24 dev eno1")

    def is_told_when_it_speaks():
        host.wire.start("ping", "-n", "-q", "-c", "1", "-W", "1", "192.0.2.9", stdout=-3, stderr=-3).wait()
        return told()

    mac = host.wire.link("eno1")["address"]
    assert wait_until(is_told_when_it_speaks, 30) == [f"192.0.2.5 of network web is another host's, too: {mac} says by ARP that it has it"], told()
    # The address itself stays, as IPv4 has it.
    assert host.client.call("Host.getNetworkCapabilities")["networks"]["web"]["addr"] == "192.0.2.5"
    agree(host)
    host.client.setup(of("192.0.2.6"))
    wait_until(lambda: not told(), 10, told)
    # Who has it is asked when it is set, and need not speak by himself.
    host.wire.links("addr add 192.0.2.7/24 dev eno1")
    host.client.setup(of("192.0.2.7"))
    assert wait_until(told, 30) == [f"192.0.2.7 of network web is another host's, too: {mac} says by ARP that it has it"], told()


@case()
def a_route_of_others_that_makes_room_is_told_and_comes_back_with_the_way_back(host):
    host.space.links("link set eno4 up", "addr add 203.0.113.5/24 dev eno4", "route add default via 203.0.113.1 dev eno4", "route add 10.0.0.0/8 via 203.0.113.2 dev eno4")
    ways = lambda: sorted((one["dst"], one["gateway"], one["dev"]) for one in host.space.ip("-4", "route", "show") if "gateway" in one)
    before = ways()
    of = {"nic": "eno1", "ipaddr": "192.0.2.5", "prefix": 24, "gateway": "192.0.2.1", "defaultRoute": True, "routes": [{"to": "10.0.0.0/8", "via": "192.0.2.2"}]}
    says_no(lambda: host.client.setup({"web": of}, confirm=False, connectivityTimeout=1), 10)
    assert ways() == before, ways()
    for way in ("default via 203.0.113.1", "10.0.0.0/8 via 203.0.113.2"):
        assert any(way in line and "eno4" in line and "is replaced" in line for line in host.netd.told().splitlines()), host.netd.told()
    host.space.links("route del default via 203.0.113.1 dev eno4", "route del 10.0.0.0/8 via 203.0.113.2 dev eno4")
    told = host.netd.told().count("is replaced")
    host.client.setup({"web": of})
    assert host.netd.told().count("is replaced") == told, "nothing made room"
    agree(host)


@case()
def an_address_with_a_term_and_one_without_its_route_are_taken_over_for_good(host):
    host.space.links("link set eno1 up", "addr add 192.0.2.5/24 dev eno1 valid_lft 3600 preferred_lft 3600", "addr add 198.51.100.5/24 dev eno1 noprefixroute", "addr add 2001:db8:1::5/64 dev eno1 nodad noprefixroute",
                     "addr add 203.0.113.9/24 dev eno1 noprefixroute", "route add 203.0.113.0/24 dev eno1 proto kernel scope link src 203.0.113.9 metric 100")
    host.client.setup({"web": {"nic": "eno1", "bridged": False, "ipaddr": "192.0.2.5", "prefix": 24, "addresses": ["198.51.100.5/24", "203.0.113.9/24"], "ipv6addr": "2001:db8:1::5/64"}})
    terms = {one["local"]: one["valid_life_time"] for one in host.space.ip("-4", "addr", "show", "dev", "eno1")[0]["addr_info"]}
    assert set(terms.values()) == {2 ** 32 - 1}, terms
    ways = sorted((one["dst"], one.get("metric", 0)) for family in ("-4", "-6") for one in host.space.ip(family, "route", "show", "dev", "eno1") if not one["dst"].startswith("fe80"))
    assert ways == [("192.0.2.0/24", 0), ("198.51.100.0/24", 0), ("2001:db8:1::/64", 256), ("203.0.113.0/24", 100)], ways
    agree(host)
    host.client.setup({"web": {"remove": True}})
    left = [one["dst"] for family in ("-4", "-6") for one in host.space.ip(family, "route", "show", "dev", "eno1") if not one["dst"].startswith("fe80")]
    assert not left, left
    agree(host)


@case("vlan", kinds=("legacy",))
def a_router_where_no_network_is_leads_the_host_nowhere(host):
    """On a NIC that carries tagged networks only; an address that others have on such a NIC stays, and they can put one there."""
    host.space.links("link set eno3 up", "addr add 2001:db8:3::5/64 dev eno3 nodad")
    host.client.setup({"web": {"nic": "eno1", "vlan": 10, "ipv6addr": "2001:db8:10::2/64", "ipv6gateway": "2001:db8:10::1", "defaultRoute": True},
                       "db": {"nic": "eno2", "bridged": False, "ipv6autoconf": True}, "app": {"nic": "eno3", "vlan": 11}})
    announced = host.later(Announcer(host, "eno1", "2001:db8:bad::"))
    host.later(Announcer(host, "eno2", "2001:db8:2::"))
    addresses = lambda nic: [one["local"] for device in host.space.ip("-6", "address", "show", "dev", nic, "scope", "global") for one in device.get("addr_info", []) if one]
    defaults = lambda: [(one["dev"], one["gateway"]) for one in host.space.ip("-6", "route", "show", "default")]
    wait_until(lambda: addresses("eno2"), 10, "SLAAC does not work here")
    wait_until(lambda: announced.count() > 20, 20)
    assert addresses("eno1") == [] and addresses("eno3") == ["2001:db8:3::5"]
    assert defaults() == [("web", "2001:db8:10::1")], defaults()
    host.space.links("addr add 2001:db8:4::5/64 dev eno1 nodad")
    agree(host)
    host.client.setup({"db": {"nic": "eno2", "vlan": 12}})
    hears = lambda nic: host.space.run("cat", f"/proc/sys/net/ipv6/conf/{nic}/accept_ra").strip()
    assert (hears("eno1"), hears("eno2"), hears("eno3")) == ("0", "0", "0")
    agree(host)
    host.client.setup({name: {"remove": True} for name in ("web", "db", "app")})
    assert hears("eno1") == hears("eno3") == "1" and "2001:db8:4::5" in addresses("eno1")
