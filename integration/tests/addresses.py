"""Addresses that servers give: dnsmasq on the wire, netd's clients on the host, frames in between."""

import json
import os
import re
import signal
import time

from agree import agree
from client import says_no
from host import checkout, is_alive, reachable, wait_until
from killing import again
from rollback import before_it_ends
from runner import case


class Server:
    """A DHCP server on the wire's end of a NIC, or on a device of the wire's."""

    def __init__(self, host, nic, *more, subnet="10.7.0"):
        self.host, self.words = host, ["--port=0", "--keep-in-foreground", "--user=root", f"--interface={nic}", "--bind-interfaces", "--no-ping",
                                       f"--dhcp-range={subnet}.50,{subnet}.99,120", f"--dhcp-option=option:dns-server,{subnet}.53",
                                       "--dhcp-authoritative", f"--dhcp-leasefile={host.folder}/leases.{nic}", "--pid-file=", "--conf-file=/dev/null"]
        host.wire.links(f"addr add {subnet}.1/24 dev {nic}")
        self.start(f"--dhcp-option=option:router,{subnet}.1", *more)
        host.later(self)

    def start(self, *more):
        with open(self.host.folder / "dnsmasq.log", "ab") as log:
            self.process = self.host.wire.start("dnsmasq", *self.words, *more, stdout=log, stderr=log)

    def close(self):
        self.process.kill()
        self.process.wait()


def clients(host):
    """{key: pid} of the clients that run for this netd."""
    return {key: pid for key, pid in host.netd.dhcp_clients().items() if is_alive(pid)}


def dhcpcd_processes(host):
    return host.space.run("pgrep", "--ns", host.netd.process.pid, "--nslist", "net", "--exact", "dhcpcd", check=False).split()


def addresses(host, device, family="inet"):
    found = host.space.ip("addr", "show", "dev", device) if host.space.link(device) else []
    return [f"{one['local']}/{one['prefixlen']}" for link in found for one in link.get("addr_info", []) if one["family"] == family and one["scope"] == "global"]


def leased(host, device):
    return wait_until(lambda: addresses(host, device), 120, lambda: f"{device} has no address: {(host.folder / 'dnsmasq.log').read_text()}")[0]


def gateways(host, *table):
    return [route.get("gateway") for route in host.space.ip("-4", "route", "show", "default", *table)]


def source_rules(host):
    return [rule for rule in host.space.ip("-4", "rule", "show") if rule["priority"] == 3200]


def told(host, network):
    return host.client.call("Host.getNetworkCapabilities")["networks"][network]


def refusal(host, *networks, **options):
    return says_no(lambda: host.client.setup(*networks, **options))


def refused(host, code, words, *networks, **options):
    error = refusal(host, *networks, **options)
    assert error.code == code and words in error.message, error


@case()
def a_lease_is_kept_from_bridgeless_to_bridged_and_over_a_restart_and_ends_with_the_network(host):
    Server(host, "eno1")
    host.client.setup({"ovirtmgmt": {"nic": "eno1", "bridged": False, "bootproto": "dhcp", "defaultRoute": True}})
    lease = leased(host, "eno1")
    report = wait_until(lambda: told(host, "ovirtmgmt")["gateway"] and told(host, "ovirtmgmt"))
    assert (report["dhcpv4"], report["addr"], report["netmask"], report["gateway"], report["ipv4defaultroute"]) == \
        (True, lease.split("/")[0], "255.255.255.0", "10.7.0.1", True), report
    wait_until(lambda: reachable((host.space, "10.7.0.1")) == [True], what="the server answers no ping")
    assert host.client.call("Host.getNetworkCapabilities")["nameservers"] == ["10.7.0.53"]
    agree(host)

    host.client.setup({"ovirtmgmt": {"nic": "eno1", "bootproto": "dhcp", "defaultRoute": True}})
    assert addresses(host, "ovirtmgmt") == [lease] and addresses(host, "eno1") == [], "the lease moves with its network in one step"
    running = wait_until(lambda: clients(host).get("eno1-4") and clients(host))
    agree(host)
    assert not host.client.setup({"ovirtmgmt": {"nic": "eno1", "bootproto": "dhcp", "defaultRoute": True}})["changed"]

    host.netd.kill()
    assert clients(host) == running and addresses(host, "ovirtmgmt") == [lease], "without netd it stays"
    host.netd.start().ready()
    host.client = host.netd.client()
    assert clients(host) == running and addresses(host, "ovirtmgmt") == [lease]
    agree(host)

    host.client.setup({"ovirtmgmt": {"nic": "eno1", "ipaddr": "192.0.2.10", "prefix": 24}})
    assert addresses(host, "ovirtmgmt") == ["192.0.2.10/24"] and gateways(host) == []
    wait_until(lambda: not any(is_alive(pid) for pid in running.values()), 10, "the client goes on")
    assert host.client.call("Host.getNetworkCapabilities")["nameservers"] == [] and not (host.netd.folder / "resolv.conf").exists()
    agree(host)


@case()
def without_a_server_a_change_holds_and_its_address_comes_when_the_server_does(host):
    without = lambda: host.client.call("Host.getStatus")["withoutLease"]
    host.client.setup({"web": {"nic": "eno1", "bootproto": "dhcp"}, "db": {"nic": "eno2", "bootproto": "dhcp", "addresses": ["10.9.0.5/24"]}})
    assert addresses(host, "web") == [] and told(host, "web")["dhcpv4"]
    assert without() == ["db", "web"], without()
    problems = lambda: host.netd.netctl("topology", "--problems")
    wait_until(lambda: problems().count("no lease") == 2, 10, problems)
    agree(host)
    Server(host, "eno1")
    leased(host, "web")
    wait_until(lambda: without() == ["db"], 10, without)
    assert problems().count("no lease") == 1 and "in sync" in host.netd.netctl("topology", "--network", "web")
    agree(host, patience=10)


@case()
def a_client_that_was_killed_comes_back_and_its_lease_stays(host):
    Server(host, "eno1")
    host.client.setup({"web": {"nic": "eno1", "bootproto": "dhcp"}})
    lease = leased(host, "web")
    before = clients(host)["eno1-4"]
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: clients(host).get("eno1-4", before) != before, 20, "no new client")
    assert addresses(host, "web") == [lease]
    agree(host, patience=10)


@case()
def the_unit_has_room_for_the_clients_of_700_networks(host):
    Server(host, "eno1")
    host.client.setup({"web": {"nic": "eno1", "bootproto": "dhcp"}, "db": {"nic": "eno2", "bootproto": "dhcp"}})
    leased(host, "web")
    processes = len(dhcpcd_processes(host))
    unit = (checkout / "packaging/netd.service").read_text()
    limit = int(re.search(r"^TasksMax=(\d+)$", unit, re.MULTILINE)[1])
    assert processes * 700 / 2 + 64 < limit, f"{processes} for two networks"


@case()
def a_server_is_asked_by_hand_and_nothing_is_left_of_it(host):
    Server(host, "eno1")
    host.client.setup({"web": {"nic": "eno1"}})
    page = (checkout / "docs/operating.md").read_text()
    command = re.search(r"^\| what would a server give\? \| `(.+?)`", page, re.MULTILINE)[1]
    said = host.space.run(*command.split(), check=False)   # it may end by a signal
    assert "new_ip_address='10.7.0." in said, said
    wait_until(lambda: not dhcpcd_processes(host), what=lambda: f"{dhcpcd_processes(host)} are left")
    assert addresses(host, "eno1") == []


@case()
def an_address_taken_away_or_a_bridge_deleted_behind_netds_back_comes_back(host):
    Server(host, "eno1")
    host.client.setup({"web": {"nic": "eno1", "bootproto": "dhcp", "defaultRoute": True}})
    lease = leased(host, "web")
    wait_until(lambda: gateways(host) == ["10.7.0.1"], 10, "no default route")
    host.space.links(f"addr del {lease} dev web")
    wait_until(lambda: addresses(host, "web") == [lease] and gateways(host) == ["10.7.0.1"], 10, "the address does not come back")
    host.space.links("link del web")
    wait_until(lambda: addresses(host, "web") == [lease] and clients(host), 20, "the bridge does not come back")
    agree(host, patience=10)


@case()
def a_call_that_waits_for_its_lease_ends_well_though_netd_was_killed_meanwhile(host):
    number = host.client.send("Host.setupNetworks", {"networks": {"mig": {"nic": "eno1", "bootproto": "dhcp", "blockingdhcp": True}},
                                                     "options": {"connectivityCheck": False, "timeout": 100}})
    assert number
    with host.netd.client() as other:
        wait_until(lambda: other.call("Host.getStatus")["transaction"])
    host.netd.kill()
    host.netd.start().ready()
    host.client = host.netd.client()
    Server(host, "eno1")
    leased(host, "mig")
    wait_until(lambda: not host.client.call("Host.getStatus")["transaction"], 20)
    assert "mig" in host.client.call("Host.getRunningConfig")["networks"] and addresses(host, "mig")
    agree(host)


@case()
def a_call_that_waits_for_its_lease_gets_it_or_changes_nothing(host):
    blocking = {"nic": "eno1", "bootproto": "dhcp", "blockingdhcp": True}
    begun = time.monotonic()
    refused(host, 29, "network mig: no DHCP server gave a lease in time", {"mig": blocking}, confirm=None, timeout=3)
    assert time.monotonic() - begun > 2
    refused(host, 29, "no DHCP server gave a lease", {"mig": blocking}, connectivityTimeout=3)
    assert not host.space.link("mig") and clients(host) == {} and "mig" not in host.client.call("Host.getRunningConfig")["networks"]
    host.client.setup({"mig": {"nic": "eno1", "bootproto": "dhcp"}}, confirm=None)
    index = host.space.link("mig")["ifindex"]
    for _ in range(2):
        refused(host, 29, "network mig: no DHCP server gave a lease in time", {"mig": blocking}, confirm=None, timeout=3)
    assert host.space.link("mig")["ifindex"] == index and clients(host), "what asked already goes on asking"
    host.client.setup({"mig": {"remove": True}}, confirm=None)
    Server(host, "eno1")
    host.client.setup({"mig": blocking}, confirm=None, timeout=110)
    assert addresses(host, "mig"), "it waits for the lease"
    assert not host.client.call("Host.getRunningConfig")["networks"]["mig"].get("blockingdhcp"), "it is about the call"
    host.client.setup({"mig": {"remove": True}})
    host.client.setup({"mig": blocking})
    assert addresses(host, "mig"), "confirmed and leased"
    for seconds in (8, 60):   # within which the lease must come, too
        error = refusal(host, {"mig": {"remove": True}, "web": {**blocking, "bridged": False}}, confirm=False, connectivityTimeout=seconds)
        if error.code == 10:
            break
    assert error.code == 10 and "confirmed" in error.message, error
    assert addresses(host, "mig") and addresses(host, "eno1") == [], "unconfirmed, it goes back with its lease"
    agree(host)


@case()
def a_leased_gateway_without_the_default_route_serves_its_own_network_only_and_is_followed(host):
    server = Server(host, "eno1")
    host.client.setup({"storage": {"nic": "eno1", "bridged": False, "bootproto": "dhcp"}})
    lease = leased(host, "eno1")
    rules = wait_until(lambda: source_rules(host))
    routes = host.space.ip("-4", "route", "show", "table", rules[0]["table"])
    assert {route["dst"]: route.get("gateway") for route in routes} == {"default": "10.7.0.1", "10.7.0.0/24": None}, routes
    assert gateways(host) == []
    report = wait_until(lambda: told(host, "storage")["gateway"] and told(host, "storage"))
    assert report["gateway"] == "10.7.0.1" and not report["ipv4defaultroute"], report
    agree(host, patience=10)

    # Another gateway and another address, which came while there was no netd.
    server.close()
    running = clients(host)
    host.netd.kill()
    (host.folder / "leases.eno1").unlink()
    server.start("--dhcp-option=option:router,10.7.0.2", "--dhcp-range=10.7.0.100,10.7.0.110,120")
    host.space.run("dhcpcd", "-4", "-n", "eno1", check=False)
    wait_until(lambda: list((host.netd.run / "dhcp").glob("*.new")), 30, "no news of the client")
    host.netd.start().ready()
    host.client = host.netd.client()
    wait_until(lambda: gateways(host, "table", rules[0]["table"]) == ["10.7.0.2"], 10, "the gateway is not followed")
    assert clients(host) == running and len(addresses(host, "eno1")) == 1, (lease, addresses(host, "eno1"))
    agree(host, patience=10)
    host.client.setup({"storage": {"remove": True}})
    assert not source_rules(host)
    assert host.space.ip("-4", "route", "show", "table", "all", "proto", "158") == []
    agree(host)


@case()
def what_comes_from_a_network_takes_its_other_ways_too(host):
    host.client.setup({"web": {"nic": "eno1", "ipaddr": "192.0.2.5", "prefix": 24, "gateway": "192.0.2.1", "addresses": ["198.51.100.7/24"], "routes": [{"to": "10.0.0.0/8", "via": "192.0.2.2"}]}}, confirm=None)
    def way(to):
        return json.loads(host.space.run("ip", "-j", "route", "get", to, "from", "192.0.2.5"))[0].get("gateway")
    assert (way("10.1.1.1"), way("198.51.100.9"), way("203.0.113.9")) == ("192.0.2.2", None, "192.0.2.1"), host.space.run("ip", "route", "show", "table", "all")
    agree(host)
    host.client.setup({"web": {"nic": "eno1", "ipaddr": "192.0.2.5", "prefix": 24, "gateway": "192.0.2.1"}}, confirm=None)
    assert way("10.1.1.1") == "192.0.2.1"
    agree(host)


@case(kinds=("legacy", "ovs"))
def the_host_speaks_from_ipaddr_though_others_of_its_subnet_are_smaller(host):
    net = lambda *more: {"web": {"nic": "eno1", "switch": host.kind, "ipaddr": "10.8.0.20", "prefix": 24, "addresses": list(more)}}
    speaks = lambda: host.space.ip("route", "get", "10.8.0.99")[0]["prefsrc"]
    host.client.setup(net("10.8.0.5/24", "10.8.0.30/24"), confirm=None)
    assert speaks() == "10.8.0.20", host.space.run("ip", "addr", "show", "dev", "web")
    agree(host)
    assert host.client.setup(net("10.8.0.5/24", "10.8.0.30/24"), confirm=None)["changed"] is False
    host.client.setup(net("10.8.0.4/24", "10.8.0.30/24"), confirm=None)
    assert speaks() == "10.8.0.20"
    agree(host)
    host.space.links("addr flush dev web")
    wait_until(lambda: len(addresses(host, "web")) == 3, 20)
    assert speaks() == "10.8.0.20"
    agree(host, patience=10)


@case(kinds=("legacy", "ovs"))
def two_networks_of_one_subnet_each_leave_by_their_own_gateway(host):
    def leaves_by(source):
        way = host.space.ip("route", "get", "203.0.113.9", "from", source)[0]
        return way["gateway"], way["dev"]

    net = lambda nic, host_part, **more: {"nic": nic, "switch": host.kind, "ipaddr": f"10.8.0.{host_part}", "prefix": 24, **more}
    host.client.setup({"one": net("eno1", 11, gateway="10.8.0.1")})
    assert {rule["src"] for rule in source_rules(host)} == {"10.8.0.0", "all"}
    host.client.setup({"two": net("eno2", 12, gateway="10.8.0.2"), "three": net("eno3", 13, gateway="10.8.0.3", defaultRoute=True)})
    agree(host)
    assert {source: leaves_by(f"10.8.0.{source}") for source in (11, 12, 13)} == {11: ("10.8.0.1", "one"), 12: ("10.8.0.2", "two"), 13: ("10.8.0.3", "three")}
    host.netd.kill()
    host.netd.start().ready()
    host.client = host.netd.client()
    agree(host)
    assert leaves_by("10.8.0.12") == ("10.8.0.2", "two")
    host.client.setup({"two": {"remove": True}, "three": net("eno3", 13)})
    assert leaves_by("10.8.0.11") == ("10.8.0.1", "one")
    host.client.setup({"three": {"nic": "eno3", "switch": host.kind}})
    assert {rule["src"] for rule in source_rules(host)} == {"10.8.0.0", "all"}, "who is alone there again routes by the subnet"
    agree(host)


@case("vlan", kinds=("legacy", "vlan-aware", "ovs"))
def leases_with_tags_and_a_default_route_that_goes_from_one_to_the_other(host):
    host.wire.links("link add link eno1 name eno1.7 type vlan id 7", "link add link eno1 name eno1.8 type vlan id 8", "link set eno1.7 up", "link set eno1.8 up")
    Server(host, "eno1.7")
    Server(host, "eno1.8", subnet="10.8.0")
    seven, eight = {"nic": "eno1", "vlan": 7, "bootproto": "dhcp", "switch": host.kind}, {"nic": "eno1", "vlan": 8, "bootproto": "dhcp", "switch": host.kind}
    host.client.setup({"web": {**seven, "defaultRoute": True}, "db": eight})
    leases = [leased(host, told(host, name)["iface"]) for name in ("web", "db")]
    wait_until(lambda: gateways(host) == ["10.7.0.1"] and told(host, "db")["gateway"] == "10.8.0.1", 10, "not routed")
    agree(host, patience=10)
    host.client.setup({"db": {**eight, "defaultRoute": True}})
    assert gateways(host) == ["10.8.0.1"] and told(host, "web")["gateway"] == "10.7.0.1"
    assert [addresses(host, told(host, name)["iface"])[0] for name in ("web", "db")] == leases
    agree(host)


@case()
def networks_that_swap_their_nics_keep_what_was_leased_there(host):
    asking = lambda nic: {"nic": nic, "bootproto": "dhcp", "blockingdhcp": True}
    Server(host, "eno1")
    Server(host, "eno2", subnet="10.8.0")
    host.client.setup({"web": asking("eno1"), "db": asking("eno2")}, confirm=None)
    wires = {"web": addresses(host, "db"), "db": addresses(host, "web")}
    files = [host.netd.run / f"dhcp/{nic}-4.lease" for nic in ("eno1", "eno2")]
    before, events = [file.stat().st_mtime_ns for file in files], host.netd.subscribe("address.changed")
    host.client.setup({"web": asking("eno2"), "db": asking("eno1")}, confirm=None)
    wait_until(lambda: all(file.exists() and file.stat().st_mtime_ns not in before for file in files), 30, "the servers were not asked anew")
    told_of = [(event["subject"], event["added"].split()) for _, event in events.all(1) if event["subject"] in wires]
    assert sorted(told_of) == sorted(wires.items()), told_of
    agree(host)


@case()
def what_was_leased_on_another_wire_goes_with_a_change_that_the_watchdog_takes_back(host):
    asking = lambda nic: {"nic": nic, "bootproto": "dhcp", "blockingdhcp": True}
    Server(host, "eno1")
    Server(host, "eno2", subnet="10.8.0")
    host.client.setup({"web": asking("eno1")}, confirm=None)
    lease = leased(host, "web")
    def is_leased_there():
        wait_until(lambda: (now := addresses(host, "web")) and now[0] != lease, 15, "no lease of the other wire")
        wait_until(lambda: os.path.exists("/var/lib/dhcpcd/web.lease"), 5, "dhcpcd keeps what it had elsewhere")
    before_it_ends(host, {"web": asking("eno2")}, 20, is_leased_there)
    host.netd.kill()
    wait_until(lambda: addresses(host, "web") == [lease], 130, "the watchdog does not take it back")
    wait_until(lambda: not os.path.exists("/var/lib/dhcpcd/web.lease"), 20, "by what it had there dhcpcd would ask here, and be refused")
    again(host)
    assert addresses(host, "web") == [lease]
    agree(host, patience=10)


@case()
def nameservers_are_those_of_the_network_with_the_default_route_and_what_was_there_comes_back(host):
    file = host.netd.folder / "resolv.conf"
    file.write_text("nameserver 198.51.100.1\noptions edns0\n")
    reported = lambda: host.client.call("Host.getNetworkCapabilities")["nameservers"]
    wait_until(lambda: reported() == ["198.51.100.1"], what=reported)   # no event tells of it
    holder = {"nic": "eno1", "ipaddr": "192.0.2.10", "prefix": 24, "gateway": "192.0.2.1", "defaultRoute": True, "nameservers": ["192.0.2.53", "2001:db8::53"], "search": ["lab.example"]}
    other = {"nic": "eno2", "ipaddr": "10.2.0.1", "prefix": 24, "gateway": "10.2.0.2", "defaultRoute": True, "nameservers": ["10.2.0.53"]}
    host.client.setup({"ovirtmgmt": holder})
    mine = file.read_text()
    assert mine.splitlines()[1:] == ["search lab.example", "nameserver 192.0.2.53", "nameserver 2001:db8::53", "options edns0"], mine
    agree(host)
    before = file.stat()
    host.client.setup({"ovirtmgmt": holder})
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns), "the same again writes nothing"
    refused(host, 10, "confirmed", {"web": other}, confirm=False, connectivityTimeout=1)
    assert file.read_text() == mine, "taken back"
    host.client.setup({"web": other})
    assert "nameserver 10.2.0.53" in file.read_text() and "192.0.2.53" not in file.read_text()
    assert "nameservers" not in host.client.call("Host.getRunningConfig")["networks"]["ovirtmgmt"]
    agree(host)
    host.netd.kill()
    host.netd.start().ready()
    host.client = host.netd.client()
    host.client.setup({"web": {**other, "nameservers": []}})
    assert file.read_text() == "nameserver 198.51.100.1\noptions edns0\n", "also by the next netd"
    file.unlink()
    file.symlink_to("elsewhere")
    refused(host, 29, "is a link", {"web": other})
    assert file.is_symlink() and not (host.netd.folder / "elsewhere").exists()
    refused(host, 21, "default-route network", {"db": {"nic": "eno3", "nameservers": ["192.0.2.1"]}})
    refused(host, 21, "search domain", {"web": {**other, "search": ["a\nnameserver 192.0.2.66"]}})


def undo(host, networks, is_seen):
    """A change that goes back when that has been seen of it."""
    with host.netd.client() as other:
        number = other.send("Host.setupNetworks", {"networks": networks, "options": {"connectivityTimeout": 300}})
        wait_until(is_seen, 40)
        host.client.call("Host.rollback")
        says_no(lambda: other.receive(number), 10)


@case()
def what_routers_said_on_a_wire_is_forgotten_on_another(host):
    for number, nic in ((1, "eno1"), (2, "eno2")):
        Server(host, nic, "--enable-ra", f"--dhcp-range=fd00:{number}::,ra-only", f"--ra-param={nic},4", subnet=f"10.{number}.0")
        host.wire.links(f"addr add fd00:{number}::ff/64 dev {nic} nodad")
    hears = {"ipv6autoconf": True, "defaultRoute": True}
    static = {"nic": "eno1", "ipv6addr": "2001:db8::7/64", "ipv6gateway": "2001:db8::1", "defaultRoute": True}
    prefixes = lambda: sorted(address.split("::")[0] for address in addresses(host, "web", "inet6"))
    routers = lambda: [route["gateway"] for route in host.space.ip("-6", "route", "show", "default", "dev", "web") if route.get("protocol") == "ra"]
    own = lambda: [one["local"] for found in host.space.ip("-6", "addr", "show", "dev", "web", "scope", "link") for one in found.get("addr_info", []) if one]
    host.client.setup({"web": {**hears, "nic": "eno1"}})
    known = lambda: sorted(address.split("::")[0] for address in told(host, "web")["ipv6addrs"])   # the kernel tells of one once it is sure of it
    wait_until(lambda: known() == prefixes() == ["fd00:1"] and len(routers()) == 1, 40, lambda: f"{prefixes()} {routers()}")
    router, link_local = routers(), own()
    # Only what is known can be forgotten: dnsmasq announces when it likes, and the kernel is not sure of an address for a second.
    undo(host, {"web": {**hears, "nic": "eno2"}}, lambda: known() == ["fd00:2"])
    wait_until(lambda: prefixes() == ["fd00:1"] and routers() == router, 40, lambda: f"taken back: {prefixes()} {routers()}")
    wait_until(lambda: known() == ["fd00:1"], 20)
    assert own() == link_local, "the link-local address is that of another NIC"
    host.client.setup({"web": {**hears, "nic": "eno2"}})
    wait_until(lambda: known() == prefixes() == ["fd00:2"] and len(routers()) == 1 and routers() != router, 40, lambda: f"moved: {prefixes()} {routers()}")
    agree(host, patience=10)
    host.client.setup({"web": static})
    wait_until(lambda: prefixes() == ["2001:db8"] and not routers(), 20, lambda: f"static: {prefixes()} {routers()}")
    undo(host, {"web": {**hears, "nic": "eno1"}}, lambda: known() == ["fd00:1"])
    wait_until(lambda: prefixes() == ["2001:db8"] and not routers(), 20, lambda: f"static again: {prefixes()} {routers()}")
    agree(host, patience=10)


@case()
def a_lease_that_the_kernel_refuses_holds_up_no_other(host):
    """What the clients' hooks leave: one whose gateway is the broadcast address, which the kernel does not take."""
    host.client.setup({"web": {"nic": "eno1", "bootproto": "dhcp", "defaultRoute": True}, "db": {"nic": "eno2", "bootproto": "dhcp"}})
    def leave(key, address, gateway):
        beside = host.netd.run / "dhcp/beside"
        beside.write_text(f"netd_since=1\nnew_ip_address={address}\nnew_subnet_cidr=24\nnew_routers={gateway}\n")
        beside.rename(host.netd.run / f"dhcp/{key}.new")
    leave("eno1-4", "10.7.0.84", "10.7.0.255")
    for address in ("10.8.0.84", "10.8.0.85"):
        leave("eno2-4", address, "10.8.0.1")
        wait_until(lambda: addresses(host, "db") == [f"{address}/24"], 8, lambda: f"{addresses(host, 'db')}: {host.netd.told()}")
    assert "a lease can't be followed (eno1-4)" in host.netd.told(), host.netd.told()
    leave("eno1-4", "10.7.0.84", "10.7.0.1")
    wait_until(lambda: addresses(host, "web") == ["10.7.0.84/24"], 8, lambda: host.netd.told())
    agree(host, patience=5)   # the kernel has it a moment before netd tells it


@case()
def a_lease_that_is_not_taken_does_not_prolong_the_one_from_before(host):
    host.client.setup({"web": {"nic": "eno1", "bootproto": "dhcp"}, "db": {"nic": "eno2", "ipaddr": "10.9.0.50", "prefix": 24}})
    def leave(address, seconds):
        beside = host.netd.run / "dhcp/beside"
        beside.write_text(f"netd_since={time.clock_gettime_ns(time.CLOCK_BOOTTIME)}\nnew_ip_address={address}\nnew_subnet_cidr=24\nnew_dhcp_lease_time={seconds}\n")
        beside.rename(host.netd.run / "dhcp/eno1-4.new")
    def is_had():
        """Unless the machine stood still until it was over."""
        leave("10.7.0.50", 10)
        end = time.monotonic() + 10
        while time.monotonic() < end and addresses(host, "web") != ["10.7.0.50/24"]:
            time.sleep(0.05)
        return time.monotonic() < end
    wait_until(is_had, what=host.netd.told)
    leave("10.9.0.50", 3600)
    wait_until(lambda: "is not taken: 10.9.0.50 is the address of network db" in host.netd.told(), 8, lambda: host.netd.told())
    wait_until(lambda: not addresses(host, "web"), 20, lambda: host.netd.told())
    # And is, once nobody else has it.
    host.client.setup({"db": {"remove": True}})
    wait_until(lambda: addresses(host, "web") == ["10.9.0.50/24"], 45, lambda: host.netd.told())
    # Nor can a definition take it away, unless the holder lets go of it.
    db = {"nic": "eno2", "ipaddr": "10.9.0.50", "prefix": 24}
    refused(host, 22, "network 'web' has the address 10.9.0.50 by DHCP", {"db": db})
    host.client.setup({"db": db, "web": {"nic": "eno1"}})
    assert addresses(host, "web") == [] and addresses(host, "db") == ["10.9.0.50/24"]


@case()
def a_router_that_announces_itself_is_the_default_route_of_the_network_that_holds_it_only(host):
    for number, nic in ((1, "eno1"), (2, "eno2")):
        Server(host, nic, "--enable-ra", f"--dhcp-range=fd00:{number}::,ra-only", f"--ra-param={nic},10", subnet=f"10.{number}.0")
        host.wire.links(f"addr add fd00:{number}::ff/64 dev {nic} nodad")
    host.client.setup({"ovirtmgmt": {"nic": "eno1", "ipv6autoconf": True, "defaultRoute": True}, "other": {"nic": "eno2", "ipv6autoconf": True}})
    for number, device in ((1, "ovirtmgmt"), (2, "other")):
        wait_until(lambda: [one for one in addresses(host, device, "inet6") if one.startswith(f"fd00:{number}:")], 30, f"{device} has no address")
    devices = lambda: {route["dev"] for route in host.space.ip("-6", "route", "show", "default")}
    wait_until(lambda: devices() == {"ovirtmgmt"}, 30, what=devices)
    wait_until(lambda: set(told(host, "other")["ipv6addrs"]) == set(addresses(host, "other", "inet6")), what=lambda: told(host, "other"))
    assert told(host, "other")["ipv6autoconf"]
    agree(host)
    # Released, its NIC hears routers as every other does.
    host.client.setup({"other": {"nic": "eno2", "ipv6autoconf": True, "bridged": False}})
    host.client.setup({"other": {"remove": True}})
    assert host.space.run("sysctl", "-n", "net.ipv6.conf.eno2.accept_ra_defrtr").strip() == "1"
    agree(host)


@case()
def an_address_by_dhcpv6_and_a_gateway_by_the_router(host):
    Server(host, "eno1", "--enable-ra", "--dhcp-range=fd00:7::50,fd00:7::99,64,120", "--dhcp-option=option6:dns-server,[fd00:7::53]", "--ra-param=eno1,10")
    host.wire.links("addr add fd00:7::1/64 dev eno1 nodad")
    host.client.setup({"ovirtmgmt": {"nic": "eno1", "dhcpv6": True, "defaultRoute": True}})
    lease = wait_until(lambda: addresses(host, "ovirtmgmt", "inet6"), 60, lambda: f"no address: {(host.folder / 'dnsmasq.log').read_text()}")
    assert len(lease) == 1 and lease[0].startswith("fd00:7::") and lease[0].endswith("/128"), lease
    wait_until(lambda: reachable((host.space, "fd00:7::1")) == [True], 30)
    wait_until(lambda: [route["dev"] for route in host.space.ip("-6", "route", "show", "default")] == ["ovirtmgmt"], 30)
    report = wait_until(lambda: told(host, "ovirtmgmt")["ipv6addrs"] == lease and told(host, "ovirtmgmt"))
    assert (report["dhcpv6"], report["ipv6autoconf"], report["dhcpv4"]) == (True, False, False), report
    wait_until(lambda: host.client.call("Host.getNetworkCapabilities")["nameservers"] == ["fd00:7::53"])
    agree(host, patience=10)

    # The lease goes along, and stays through a restart; with the asking it ends.
    host.client.setup({"ovirtmgmt": {"nic": "eno1", "bridged": False, "dhcpv6": True, "defaultRoute": True}})
    assert addresses(host, "eno1", "inet6") == lease
    host.netd.stop()
    host.netd.start().ready()
    host.client = host.netd.client()
    assert addresses(host, "eno1", "inet6") == lease
    agree(host, patience=10)
    host.client.setup({"ovirtmgmt": {"nic": "eno1", "bridged": False}})
    assert addresses(host, "eno1", "inet6") == [] and clients(host) == {}
    agree(host)


@case()
def ipv6_that_comes_with_another_nic_has_the_address_of_that_one(host):
    own = lambda: [one["local"] for link in host.space.ip("-6", "addr", "show", "dev", "web", "scope", "link") for one in link.get("addr_info", []) if one]
    host.client.setup({"web": {"nic": "eno1"}})
    assert own() == []
    host.client.setup({"web": {"nic": "eno2", "ipv6addr": "2001:db8::10/64"}})
    wait_until(lambda: own() == ["fe80::5054:ff:fe00:2"], 5, lambda: str(own()))
    host.client.setup({"web": {"nic": "eno2"}})
    says_no(lambda: host.client.setup({"web": {"nic": "eno3", "ipv6addr": "2001:db8::10/64"}}, confirm=False, connectivityTimeout=1), 10)
    host.client.setup({"web": {"nic": "eno2", "ipv6addr": "2001:db8::10/64"}})
    wait_until(lambda: own() == ["fe80::5054:ff:fe00:2"], 5, lambda: str(own()))
    # And on the way back from a network without IPv6 on another NIC.
    says_no(lambda: host.client.setup({"web": {"nic": "eno3"}}, confirm=False, connectivityTimeout=1), 10)
    wait_until(lambda: own() == ["fe80::5054:ff:fe00:2"], 5, lambda: str(own()))
    agree(host)
