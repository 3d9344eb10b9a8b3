"""What was there before netd came: taken over as it is, with its MAC, its options and its traffic; and what is foreign stays."""

import time

from addresses import addresses
from agree import agree, changes, photograph
from client import says_no
from host import reachable, wait_until
from monitor import Monitor
from routers import Router, announced, way
from runner import case

mgmt = {"ipaddr": "192.0.2.10", "prefix": 24, "gateway": "192.0.2.1", "defaultRoute": True}
every_kind = ("legacy", "vlan-aware", "ovs")


def expect(host, code, words, networks, bondings=None, **how):
    before = photograph(host.space)
    error = says_no(lambda: host.client.setup(networks, bondings, **how), code)
    assert words in error.message, error
    assert not (differences := changes(before, photograph(host.space))), differences


def flapped(host, monitor, *devices):
    told = [line for line in monitor.written(0.3) if any(line == f"gone link {device}" for device in devices)]
    assert not told, told


@case(kinds=every_kind)
def a_nic_with_addresses_and_routes(host):
    space = host.space
    space.links("link set eno1 up", "addr add 192.0.2.10/24 dev eno1", "addr add 2001:db8::10/64 dev eno1 nodad",
                "route add default via 192.0.2.1 dev eno1 metric 100", "route add 198.51.100.0/24 via 192.0.2.2 dev eno1")
    host.wire.links("addr add 192.0.2.1/24 dev eno1")
    before = photograph(space)
    wanted = {"ovirtmgmt": {"nic": "eno1", **mgmt, "ipv6addr": "2001:db8::10/64", "switch": host.kind}}
    expect(host, 10, "confirm", wanted, confirm=False, connectivityTimeout=1)
    assert not changes(before, photograph(space))
    host.client.setup(wanted)
    agree(host)
    assert space.link("ovirtmgmt")["address"] == space.link("eno1")["address"] == "52:54:00:00:00:01"
    assert [one for one in space.ip("addr", "show", "dev", "eno1")[0]["addr_info"] if one["scope"] != "link"] == []
    wait_until(lambda: reachable((space, "192.0.2.1")) == [True], what="the gateway answers no ping")


@case(kinds=every_kind)
def a_nic_whose_addresses_and_routes_others_made_in_their_own_manner(host):
    """As NetworkManager, ifupdown and clouds do; a way back leaves nothing of it out."""
    space = host.space
    space.links("link set eno1 up", "addr add 192.0.2.10/24 dev eno1 noprefixroute", "route add 192.0.2.0/24 dev eno1 proto kernel src 192.0.2.10 metric 100",
                "addr add 192.0.2.11/24 brd 192.0.2.254 label eno1:web dev eno1", "addr add 198.51.100.10 peer 198.51.100.1 dev eno1",
                "addr add 203.0.113.10/24 brd + dev eno1 metric 300", "addr add 2001:db8::10/64 dev eno1 nodad noprefixroute",
                "addr add 192.0.2.5/24 dev eno1",
                "route add 2001:db8::/64 dev eno1 proto kernel metric 101",
                "route add 2001:db8:9::/48 via 2001:db8::1 dev eno1 src 2001:db8::10", "addr add 2001:db8:1::10 peer 2001:db8:1::1 dev eno1 nodad",
                "route add default via 192.0.2.1 dev eno1 src 192.0.2.11 metric 100", "route add 10.9.0.0/16 via 10.8.0.1 dev eno1 onlink")
    host.wire.links("addr add 192.0.2.1/24 dev eno1")
    before = photograph(space)
    # An IPv6 route comes back without its source.
    differing = lambda: [one for one in changes(before, photograph(space)) if "2001:db8:9::/48" not in one]
    wanted = {"ovirtmgmt": {"nic": "eno1", **mgmt, "ipv6addr": "2001:db8::10/64", "switch": host.kind}}
    error = says_no(lambda: host.client.setup(wanted, confirm=False, connectivityTimeout=1), 10)
    assert "degraded" not in error.message, error
    # The route to the peer of an IPv6 address comes when the kernel has asked for a second whether anybody else has the address.
    wait_until(lambda: not differing(), 10, lambda: str(differing()))
    assert space.ip("-6", "route", "show", "2001:db8:9::/48")
    # And from the disk.
    host.client.waiting({"networks": wanted, "options": {"connectivityCheck": True, "connectivityTimeout": 2}})
    host.netd.kill()
    time.sleep(2)
    host.netd.start().ready()
    wait_until(lambda: not differing(), 20, lambda: str(differing()))
    # They are no obstacle: all that was on the NIC goes with it.
    host.client = host.netd.client()
    host.client.setup(wanted)
    agree(host)
    assert [one for one in space.ip("addr", "show", "dev", "eno1")[0]["addr_info"] if one["scope"] != "link"] == []
    wait_until(lambda: reachable((space, "192.0.2.1")) == [True], what="the gateway answers no ping")


@case()
def ipv6_addresses_that_a_client_gave_an_end(host):
    """As clients of DHCPv6 do, and programs that hear routers in the kernel's place: nobody makes them again by himself."""
    space = host.space
    space.links("link set eno1 up", "addr add 192.0.2.10/24 dev eno1 valid_lft 4000 preferred_lft 3000", "addr add 2001:db8::10/64 dev eno1 nodad valid_lft 4000 preferred_lft 3000",
                "addr add 2001:db8:1::10/128 dev eno1 nodad valid_lft 4000 preferred_lft 3000", "route add default via 2001:db8::1 dev eno1 metric 50")
    before = photograph(space)
    for bridged in (True, False):
        expect(host, 10, "confirm", {"ovirtmgmt": {"nic": "eno1", **mgmt, "bridged": bridged}}, confirm=False, connectivityTimeout=1)
        assert not (differences := changes(before, photograph(space))), differences
    # What a network has does not end.
    host.client.setup({"ovirtmgmt": {"nic": "eno1", **mgmt, "ipv6addr": "2001:db8::10/64", "bridged": False}})
    agree(host)
    assert not [one for one in space.ip("addr", "show", "dev", "eno1")[0]["addr_info"] if one.get("dynamic")]


def installed_bond(host, mode="802.3ad", *more):
    """As an installer makes it: the address on the bond, and a VLAN of somebody's own on it."""
    host.space.links(f"link add bond0 type bond mode {mode} miimon 250 {' '.join(more)}", "link set eno1 down", "link set eno2 down",
                     "link set eno1 master bond0", "link set eno2 master bond0", "link set bond0 up", "addr add 192.0.2.10/24 dev bond0",
                     "route add default via 192.0.2.1 dev bond0", "link add link bond0 name bond0.7 type vlan id 7", "link set bond0.7 up",
                     "addr add 10.7.0.1/24 dev bond0.7", "route add 10.8.0.0/16 via 10.7.0.2 dev bond0.7")


def bond_of(host):
    link = host.space.link("bond0")
    data = {key: value for key, value in link["linkinfo"]["info_data"].items() if key not in ("ad_info", "active_slave")}
    ports = {nic: host.space.link(nic).get("master") for nic in ("eno1", "eno2")}
    return {"data": data, "mac": link["address"], "ports": ports}


def foreign_vlan(host):
    link, addresses = host.space.link("bond0.7"), host.space.ip("-4", "addr", "show", "dev", "bond0.7")[0]["addr_info"]
    route = host.space.ip("route", "show", "10.8.0.0/16")
    return {"up": "UP" in link["flags"], "addresses": [one["local"] for one in addresses], "route": [one["gateway"] for one in route]}


@case("bond", "vlan", kinds=every_kind)
def a_bond_that_an_installer_made_and_that_is_not_in_the_request(host):
    installed_bond(host, "802.3ad", "lacp_rate fast xmit_hash_policy layer2+3")
    bond, vlan = bond_of(host), foreign_vlan(host)
    before = photograph(host.space)
    monitor = Monitor(host)
    monitor.settle()
    wanted = {"ovirtmgmt": {"bonding": "bond0", **mgmt, "switch": host.kind}}
    expect(host, 10, "confirm", wanted, confirm=False, connectivityTimeout=1)
    assert not changes(before, photograph(host.space))
    host.client.setup(wanted)
    assert bond_of(host) == bond, (bond, bond_of(host))
    assert foreign_vlan(host) == vlan, (vlan, foreign_vlan(host))
    assert host.space.link("ovirtmgmt")["address"] == bond["mac"]
    agree(host, foreign=["bond0", "bond0.7"])
    told = host.client.call("Host.getNetworkCapabilities")["bondings"]["bond0"]
    assert told["opts"]["mode"] == "802.3ad" and told["opts"]["lacp_rate"] == "fast" and told["slaves"] == ["eno1", "eno2"], told
    # Other networks come, change and go on it.
    host.client.setup({"web": {"bonding": "bond0", "vlan": 100, "mtu": 9000, "switch": host.kind}})
    host.client.setup({"web": {"bonding": "bond0", "vlan": 101, "switch": host.kind}})
    host.client.setup({"web": {"remove": True}})
    assert bond_of(host) == bond and foreign_vlan(host) == vlan, (bond_of(host), foreign_vlan(host))
    # It can't be removed: it is not netd's. Its network can.
    expect(host, 25, "not netd's", {}, {"bond0": {"remove": True}})
    host.client.setup({"ovirtmgmt": {"remove": True}}, allowDisconnect=True)
    assert bond_of(host) == bond and foreign_vlan(host) == vlan, (bond_of(host), foreign_vlan(host))
    assert "master" not in host.space.link("bond0")


@case("bond", "vlan")
def a_bond_that_was_there_and_is_in_the_request(host):
    installed_bond(host, "active-backup", "updelay 500 primary_reselect better")
    before = bond_of(host)
    monitor = Monitor(host)
    monitor.settle()
    asked = ({"ovirtmgmt": {"bonding": "bond0", **mgmt}}, {"bond0": {"nics": ["eno1", "eno2"], "options": "mode=active-backup miimon=100"}})
    expect(host, 10, "confirm", *asked, confirm=False, connectivityTimeout=1)
    assert bond_of(host) == before, (before, bond_of(host))
    host.client.setup(*asked)
    agree(host, foreign=["bond0.7"])
    # What is said of it is what it is, and what was set on it besides is not.
    bond = bond_of(host)
    data = {key: bond["data"][key] for key in ("mode", "miimon", "updelay", "primary_reselect")}
    assert bond["mac"] == before["mac"] and data == {"mode": "active-backup", "miimon": 100, "updelay": 0, "primary_reselect": "always"}, bond
    assert foreign_vlan(host)["addresses"] == ["10.7.0.1"]


@case("bond", "vlan", kinds=every_kind)
def a_bond_that_goes_down_for_an_option(host):
    """Its own routes, which go with its addresses, are in no way of that."""
    installed_bond(host, "802.3ad", "lacp_rate fast")
    host.space.links("addr add 198.51.100.10/24 dev bond0", "route add default via 192.0.2.1 dev bond0 metric 300", "route add 203.0.113.0/24 via 198.51.100.1 dev bond0 proto static")
    vlan, before = foreign_vlan(host), photograph(host.space)
    asked = lambda options, **more: ({"ovirtmgmt": {"bonding": "bond0", **mgmt, "switch": host.kind, **more}}, {"bond0": {"nics": ["eno1", "eno2"], "options": options, "switch": host.kind}})
    expect(host, 10, "confirm", *asked("mode=4 miimon=250 lacp_rate=slow"), confirm=False, connectivityTimeout=1)
    assert not (differences := changes(before, photograph(host.space))), differences
    for bridged in (False, True):
        host.client.setup(*asked("mode=4 miimon=250 lacp_rate=slow" if bridged else "mode=1 miimon=100", bridged=bridged))
        assert foreign_vlan(host) == vlan, foreign_vlan(host)
        assert not any(host.client.call("Host.getDrift").values())


@case("bond", "vlan")
def what_a_bonds_port_may_not_have(host):
    host.space.links("link add link eno1 name eno1.5 type vlan id 5", "link add link eno2 name mv0 type macvlan mode bridge")
    expect(host, 24, "multiple usages", {"web": {"bonding": "bond0", "vlan": 100}}, {"bond0": {"nics": ["eno1", "eno3"]}})
    host.space.links("link delete eno1.5")
    host.space.links("addr add 198.51.100.4/24 dev eno3", "addr add 2001:db8::4/64 dev eno3 nodad", "link set eno3 up")
    host.client.setup({"web": {"bonding": "bond0", "vlan": 100}}, {"bond0": {"nics": ["eno1", "eno3"]}})
    assert [one for one in host.space.ip("addr", "show", "dev", "eno3")[0]["addr_info"] if one["scope"] != "link"] == [], "a port has no address of its own"
    agree(host, foreign=["mv0"])


@case()
def a_bridge_of_the_networks_name_with_its_ports(host):
    host.space.links("link add ovirtmgmt type bridge", "link set eno1 master ovirtmgmt", "tuntap add mode tap name vnet7", "link set vnet7 master ovirtmgmt",
                     "link set eno1 up", "link set vnet7 up", "link set ovirtmgmt up", "addr add 192.0.2.10/24 dev ovirtmgmt")
    index = host.space.link("ovirtmgmt")["ifindex"]
    before = photograph(host.space)
    wanted = {"ovirtmgmt": {"nic": "eno1", **mgmt}}
    expect(host, 10, "confirm", wanted, confirm=False, connectivityTimeout=1)
    assert not changes(before, photograph(host.space))
    monitor = Monitor(host)
    monitor.settle()
    host.client.setup(wanted)
    flapped(host, monitor, "ovirtmgmt", "eno1", "vnet7")
    agree(host, foreign=["vnet7"])
    assert host.space.link("ovirtmgmt")["ifindex"] == index, "it is the same bridge"
    assert {name: host.space.link(name)["master"] for name in ("eno1", "vnet7")} == {"eno1": "ovirtmgmt", "vnet7": "ovirtmgmt"}
    host.space.links("link add br9 type bridge", "link set eno2 master br9")
    expect(host, 24, "br9", {"other": {"nic": "eno2"}})


@case(kinds=("legacy",))
def a_foreign_tap_survives_edits_moves_and_rollbacks(host):
    host.client.setup({"web": {"nic": "eno1", "vlan": 100}})
    host.space.links("tuntap add mode tap name vnet3", "link set vnet3 master web up")
    edits = [{"nic": "eno1", "vlan": 100, "mtu": 9000}, {"nic": "eno1", "vlan": 101}, {"nic": "eno2", "vlan": 100}, {"nic": "eno2"}, {"nic": "eno2", "vlan": 7, "stp": True}, {}]
    for edit in edits:
        expect(host, 10, "confirm", {"web": edit}, confirm=False, connectivityTimeout=1)
        assert host.space.link("vnet3")["master"] == "web"
        host.client.setup({"web": edit})
        assert host.space.link("vnet3")["master"] == "web", edit
        agree(host, foreign=["vnet3"])
    host.client.setup({"web": {"remove": True}})
    assert host.space.link("vnet3")["master"] == "web" and "ifalias" not in host.space.link("web")
    wait_until(lambda: not any(host.client.call("Host.getDrift").values()))


def first_start(host):
    """The definition that eno1 became, if it became one."""
    host.netd.start(more=("--management", "eno1")).ready()
    host.client = host.netd.client()
    wait_until(lambda: (now := host.client.call("Host.getStatus"))["transaction"] or now["last"], 30)
    return host.client.call("Host.getRunningConfig", {"which": "running"})["networks"].get("ovirtmgmt")


def keep(host):
    assert host.client.call("Host.confirmConnectivity")["confirmed"]
    agree(host, patience=10)
    assert not host.client.call("Host.getStatus")["trouble"]


@case(start=False)
def a_first_start_takes_all_addresses_and_the_best_way_out(host):
    host.space.links("link set eno1 up", "addr add 10.0.0.5/24 dev eno1", "addr add 192.0.2.10/24 dev eno1",
                     "addr add 2001:db8::5/64 dev eno1 nodad", "addr add 2001:db8:1::10/64 dev eno1 nodad",
                     "route add default via 192.0.2.1 dev eno1 metric 100", "route add default via 10.0.0.1 dev eno1 metric 1024",
                     "route add default via 2001:db8:1::1 dev eno1 metric 100", "route add default via 2001:db8::1 dev eno1 metric 1024")
    host.wire.links("addr add 192.0.2.1/24 dev eno1", "addr add 10.0.0.1/24 dev eno1")
    defined = first_start(host)
    said = {key: defined.get(key) for key in ("ipaddr", "prefix", "gateway", "ipv6addr", "ipv6gateway", "defaultRoute")}
    assert said == {**mgmt, "ipv6addr": "2001:db8:1::10/64", "ipv6gateway": "2001:db8:1::1"}, defined
    assert defined["addresses"] == ["10.0.0.5/24", "2001:db8::5/64"], defined
    wait_until(lambda: reachable((host.space, "192.0.2.1"), (host.space, "10.0.0.1")) == [True, True], what="the gateways answer no ping")
    keep(host)


@case(start=False)
def a_first_start_goes_on_hearing_the_routers_that_the_nic_heard(host):
    host.space.links("link set eno1 up", "addr add 192.0.2.10/24 dev eno1", "addr add 2001:db8::5/64 dev eno1 nodad", "route add default via 192.0.2.1 dev eno1")
    router = Router(host, "eno1")
    own = announced(host, router, "eno1", "fd00:2::")
    defined = first_start(host)
    assert defined["ipv6autoconf"] and defined["defaultRoute"] and defined["gateway"] == "192.0.2.1", defined
    assert "ipv6addr" not in defined and defined["addresses"] == ["2001:db8::5/64"], defined
    assert announced(host, router, "ovirtmgmt", "fd00:2::") == own
    assert way(host, None) == ("ovirtmgmt", router.address)
    keep(host)


@case(start=False)
def a_first_start_goes_on_listening_for_routers_that_come_late(host):
    host.space.links("link set eno1 up", "addr add 192.0.2.10/24 dev eno1", "route add default via 192.0.2.1 dev eno1")
    defined = first_start(host)
    assert defined["ipv6autoconf"] and defined["gateway"] == "192.0.2.1" and "ipv6addr" not in defined, defined
    router = Router(host, "eno1")
    announced(host, router, "ovirtmgmt", "fd00:2::")
    assert way(host, None) == ("ovirtmgmt", router.address)
    keep(host)


@case(start=False)
def announced_addresses_are_fixed_ones_after_a_first_start_where_only_a_fixed_way_leads_out(host):
    host.space.links("link set eno1 up", "addr add 192.0.2.10/24 dev eno1", "addr add 2001:db8::5/64 dev eno1 nodad", "route add default via 192.0.2.1 dev eno1",
                     "route add default via 2001:db8::1 dev eno1")
    router = Router(host, "eno1")

    def made():
        router.announce("fd00:2::", lifetime=0)
        return [one for one in addresses(host, "eno1", "inet6") if one.startswith("fd00:2:")]

    own = wait_until(made, 20, lambda: f"no address: {addresses(host, 'eno1', 'inet6')}")
    defined = first_start(host)
    assert defined["ipv6addr"] == "2001:db8::5/64" and defined["ipv6gateway"] == "2001:db8::1" and defined["addresses"] == own, defined
    keep(host)


@case(start=False)
def what_a_first_start_can_not_take_over_it_leaves_and_says_so(host):
    host.space.links("link set eno1 up", "addr add 192.0.2.10/32 dev eno1", "route add default via 10.0.0.1 dev eno1 onlink")
    before = photograph(host.space)
    assert first_start(host) is None
    status = host.client.call("Host.getStatus")
    assert not status["transaction"] and "10.0.0.1, which is in no subnet" in status["trouble"]["what"] and "10.0.0.1" in status["last"]["why"], status
    assert not (differences := changes(before, photograph(host.space))), differences
    host.client.setup({"web": {"nic": "eno2"}})
    assert not host.client.call("Host.getStatus")["trouble"]
