"""Routers that announce themselves on networks beside the default route: followed, remembered, and of no power over anything else."""

import ipaddress
import os
import struct
import time

from addresses import link_local_of
from agree import agree
from attacks import ether, icmp6, ip6, link_local
from client import RpcError
from frames import Wire, mac_bytes
from host import wait_until
from runner import case

ONE, TWO, THREE = "52:54:00:aa:00:01", "52:54:00:aa:00:02", "52:54:00:aa:00:03"


class Announcer:
    """Says on the wire's end of a NIC what routers say."""

    def __init__(self, host, nic="eno1"):
        self.wire = Wire(host.wire.name, nic)
        host.later(self.wire)

    def frame(self, mac, lasts=1800, prefix=None, preference=0, hops=255, source=None):
        source = source or link_local(mac)
        information = struct.pack("!BBBBIII16s", 3, 4, 64, 0xC0, 1800, 1800, 0, ipaddress.ip_address(prefix).packed) if prefix else b""
        packet = bytearray(ip6(source, "ff02::1", 58, icmp6(source, "ff02::1", 134, struct.pack("!BBHII", 64, preference, lasts, 0, 0) + information)))
        packet[7] = hops
        return ether("33:33:00:00:00:01", mac, 0x86DD, bytes(packet))

    def say(self, *words, **more):
        self.wire.send(self.frame(*words, **more))


def made_by(host, device):
    """The addresses that the kernel made there, without their length."""
    return {one["local"] for link in host.space.ip("-6", "addr", "show", "dev", device) for one in link["addr_info"] if one.get("dynamic") and not one.get("tentative")}


def ways(host):
    """{source: gateway} of the rules that say where what an address sends goes."""
    rules = [rule for rule in host.space.ip("-6", "rule", "show") if rule["priority"] == 3200]
    gateway = lambda table: [route["gateway"] for route in host.space.ip("-6", "route", "show", "default", "table", table)]
    return {rule["src"]: gateway(rule["table"]) for rule in rules}


def heard(host, say, expected, patience=30):
    """Announced again and again, as routers do, until it is so."""
    def is_so():
        say()
        time.sleep(0.05)
        return expected()
    wait_until(is_so, patience, lambda: f"{ways(host)} {host.space.run('ip', '-6', 'addr')}")


def leads(host, to, *more):
    return [(way.get("gateway"), way["dev"]) for way in host.space.ip("-6", "route", "get", to, *more)]


def followed(host, kind):
    router = Announcer(host)
    web = {"nic": "eno1", "switch": kind, "ipv6autoconf": True}
    host.client.setup({"web": web})
    by = lambda mac: lambda: bool(ways(host)) and ways(host) == {one: [link_local(mac)] for one in made_by(host, "web")}
    heard(host, lambda: router.say(ONE, prefix="2001:db8:1::"), by(ONE))
    own = next(iter(made_by(host, "web")))
    assert host.space.ip("-6", "route", "show", "default") == [], "the host itself leaves by no router of such a network"
    assert leads(host, "2001:db8:99::1", "from", own) == [(link_local(ONE), "web")]
    assert leads(host, "2001:db8:1::77", "from", own) == [(None, "web")], "who is on the wire is reached without a router"
    agree(host, patience=10)
    report = host.client.call("Host.getNetworkCapabilities")["networks"]["web"]
    assert report["ipv6gateway"] == link_local(ONE) and not report["ipv6defaultroute"], report
    # Of another one beside it only the preference counts (RFC 4191), or that the first is none any more.
    low, high = 0x18, 0x08
    for mac, preference, winner in ((TWO, 0, ONE), (THREE, low, ONE), (TWO, high, TWO), (ONE, high, TWO)):
        heard(host, lambda: router.say(mac, preference=preference), by(winner))
    heard(host, lambda: router.say(TWO, 0), by(ONE))
    # From farther than the wire nobody is a router here.
    router.say(TWO, preference=high, hops=254)
    router.say(TWO, preference=high, source="2001:db8:1::1")
    host.client.setup({"web": {**web, "mtu": 1400}}, confirm=None)
    assert by(ONE)(), ways(host)
    agree(host, patience=10)
    # A netd that starts knows it without hearing of it, and a change that goes back leads back to it.
    for stop in (host.netd.kill, host.netd.stop):
        stop()
        host.netd.start().ready()
        host.client = host.netd.client()
        assert by(ONE)(), ways(host)
        agree(host, patience=10)
    try:
        raise AssertionError(host.client.setup({"web": {"nic": "eno1", "switch": kind}}, confirm=False, connectivityTimeout=1))
    except RpcError as error:
        assert error.code == 10, error
    heard(host, lambda: router.say(ONE, prefix="2001:db8:1::"), by(ONE))
    # It goes when its time is over, and with the network all of it.
    heard(host, lambda: router.say(ONE, 1), lambda: "new_dhcp_lease_time=10\n" in (host.netd.run / "dhcp" / "eno1-ra.lease").read_text())
    wait_until(lambda: ways(host) == {} or ways(host) == {one: [link_local(THREE)] for one in made_by(host, "web")}, 40, lambda: str(ways(host)))
    heard(host, lambda: router.say(ONE, prefix="2001:db8:1::"), by(ONE))
    host.client.setup({"web": {"remove": True}})
    assert ways(host) == {} and not list((host.netd.run / "dhcp").glob("*-ra.*"))
    agree(host)


@case()
def a_router_beside_the_default_route_is_followed_and_remembered(host):
    followed(host, "legacy")


@case("vlan", "vlan_filtering")
def a_router_beside_the_default_route_is_followed_and_remembered_on_a_bridge_that_filters(host):
    followed(host, "vlan-aware")


@case("ovs")
def a_router_beside_the_default_route_is_followed_and_remembered_on_open_vswitch(host):
    followed(host, "ovs")


def leave(host, key, text):
    """News as a client's hook leaves them."""
    beside = host.netd.run / "dhcp" / f"{key}.beside"
    beside.write_text(text)
    os.rename(beside, host.netd.run / "dhcp" / f"{key}.new")


@case()
def a_router_with_an_address_of_the_host_holds_up_no_lease(host):
    router = Announcer(host)
    host.client.setup({"web": {"nic": "eno1", "ipv6autoconf": True}, "db": {"nic": "eno2", "dhcpv6": True}})
    heard(host, lambda: router.say(ONE, prefix="2001:db8:1::"), lambda: ways(host) == {one: [link_local(ONE)] for one in made_by(host, "web")} != {})
    mac = host.space.link("web")["address"]
    own = link_local_of(host.space, "web")
    # As somebody else's it is the first to be preferred; the host's own is nobody's.
    heard(host, lambda: router.say(mac, preference=0x08, source=own), lambda: True)
    heard(host, lambda: router.say(TWO, preference=0x08), lambda: set(map(tuple, ways(host).values())) == {(link_local(TWO),)})
    # And one that the kernel refuses holds up nothing else, whenever that comes.
    lease = "netd_since=1\nnew_dhcp6_ia_na1_ia_addr1={}\n"
    leave(host, "eno1-ra", f"netd_router={own}\nnetd_autoconf=2001:db8:1::5/64\n")
    leave(host, "eno2-6", lease.format("2001:db8:2::5"))
    there = lambda: {one["local"] for link in host.space.ip("-6", "addr", "show", "dev", "db") for one in link["addr_info"] if one["scope"] == "global"}
    wait_until(lambda: there() == {"2001:db8:2::5"}, 25, lambda: str(there()))
    leave(host, "eno2-6", lease.format("2001:db8:2::6"))
    wait_until(lambda: there() == {"2001:db8:2::6"}, 25, lambda: str(there()))
    host.netd.stop()
    leave(host, "eno1-ra", f"netd_router={own}\nnetd_autoconf=2001:db8:1::5/64\n")
    leave(host, "eno2-6", lease.format("2001:db8:2::7"))
    host.netd.start().ready()
    assert there() == {"2001:db8:2::7"}, there()


@case()
def a_strangers_prefix_takes_nothing_that_is_not_the_networks_own(host):
    """He announces the prefixes of other networks, so that the kernel makes addresses there, even the very one that another network has."""
    b = mac_bytes(host.space.link("eno1")["address"])
    mine = str(ipaddress.ip_address(ipaddress.ip_address("2001:db8:5::").packed[:8] + bytes([b[0] ^ 2]) + b[1:3] + b"\xff\xfe" + b[3:]))
    host.client.setup({"mgmt": {"nic": "eno3", "ipv6addr": f"{mine}/64", "addresses": ["2001:db8:5::77/64"], "ipv6gateway": "2001:db8:5::1", "defaultRoute": True},
                       "db": {"nic": "eno2", "ipv6addr": "2001:db8:6::7/64", "ipv6gateway": "2001:db8:6::1"},
                       "web": {"nic": "eno1", "ipv6autoconf": True}})
    stranger = Announcer(host)
    prefixes = ("2001:db8:5::", "2001:db8:6::", "2001:db8:7::")
    def shout():
        for prefix in prefixes:
            stranger.say(ONE, prefix=prefix, preference=0x08)
    made = lambda: made_by(host, "web")
    of_web = lambda: {rule["src"] for rule in host.space.ip("-6", "rule", "show") if rule["priority"] == 3200 and rule["src"] in made()}
    heard(host, shout, lambda: mine in made() and len(made()) == 3 and of_web() == made() - {mine})
    far = "2001:db8:99::1"
    for own, way in ((mine, ("2001:db8:5::1", "mgmt")), ("2001:db8:5::77", ("2001:db8:5::1", "mgmt")), ("2001:db8:6::7", ("2001:db8:6::1", "db"))):
        assert leads(host, far, "from", own) == [way], (own, leads(host, far, "from", own))
    assert leads(host, far) == [("2001:db8:5::1", "mgmt")], leads(host, far)
    for other in of_web():
        if not other.startswith("2001:db8:6:"):   # of the subnet of a definition that network's rules are the first
            assert leads(host, far, "from", other) == [(link_local(ONE), "web")], (other, leads(host, far, "from", other))
    agree(host, patience=10)
    # Also when the other network comes after.
    host.client.setup({"mgmt": {"remove": True}})
    heard(host, shout, lambda: of_web() == made() and len(made()) == 3)
    host.client.setup({"mgmt": {"nic": "eno3", "ipv6addr": f"{mine}/64", "ipv6gateway": "2001:db8:5::1", "defaultRoute": True}})
    heard(host, shout, lambda: of_web() == made() - {mine})
    assert leads(host, far, "from", mine) == [("2001:db8:5::1", "mgmt")], leads(host, far, "from", mine)
    agree(host, patience=10)


def processor_time(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@case()
def announcements_without_end_cost_little_and_change_little(host):
    router, other = Announcer(host), Announcer(host, "eno2")
    host.client.setup({"web": {"nic": "eno1", "ipv6autoconf": True}, "db": {"nic": "eno2", "ipv6autoconf": True}})
    heard(host, lambda: router.say(ONE, prefix="2001:db8:1::"), lambda: ways(host) == {one: [link_local(ONE)] for one in made_by(host, "web")} != {})
    # Without prefixes: of those the kernel tells everybody each time.
    frames = [router.frame(f"52:54:00:bb:{number >> 8:02x}:{number & 255:02x}", lasts=1 + number, preference=(0, 0x08, 0x18)[number % 3]) for number in range(3000)]
    log = host.folder / "rules"
    with open(log, "wb") as told:
        monitor = host.space.start("ip", "-6", "-o", "monitor", "rule", "route", stdout=told)
    pid, begun = host.netd.process.pid, time.monotonic()
    before = processor_time(pid)
    sent = 0
    while time.monotonic() - begun < 12:
        for frame in frames[sent % 3000:sent % 3000 + 100]:
            try:
                router.wire.send(frame)
            except OSError:
                pass   # the queue is full
        sent += 100
        if sent % 3000 == 0:   # and on the other wire there is nothing of it
            other.say(TWO, prefix="2001:db8:2::")
    lasted, used = time.monotonic() - begun, processor_time(pid) - before
    monitor.kill()
    monitor.wait()
    changes = sum("default" in line and " table " in line and "web" in line and not line.startswith("Deleted") for line in log.read_text().splitlines())
    assert changes <= lasted / 3 + 1, f"{changes} changes in {lasted:.0f} s: {log.read_text()}"
    assert used < lasted / 4, f"{sent} announcements took {used:.1f} s of {lasted:.1f} s"
    wait_until(lambda: {one: [link_local(TWO)] for one in made_by(host, "db")}.items() <= ways(host).items() and made_by(host, "db"), 20, lambda: str(ways(host)))
    agree(host, patience=10)
