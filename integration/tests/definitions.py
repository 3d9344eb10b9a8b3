"""Each kind of network, made, edited and removed; after every call netd, the kernel and Open vSwitch say the same."""

import json

from agree import agree
from host import checkout
from runner import case

every_kind = ("legacy", "vlan-aware", "ovs")


def kinded(host, networks):
    return {name: {"switch": host.kind or "legacy", **network} for name, network in networks.items()}


def make(host, networks, bondings=None, **options):
    answer = host.client.setup(kinded(host, networks), bondings, **options)
    agree(host)
    return answer


def remove_all(host):
    running = host.client.call("Host.getRunningConfig")
    host.client.setup({name: {"remove": True} for name in running["networks"]}, {name: {"remove": True} for name in running["bondings"]})
    agree(host)
    for nic in ("eno1", "eno2", "eno3", "eno4"):
        link = host.space.link(nic)
        assert link["mtu"] == 1500 and "master" not in link, link


@case()
def bridged_without_a_tag(host):
    answer = make(host, {"ovirtmgmt": {"nic": "eno1", "ipaddr": "192.0.2.10", "netmask": "255.255.255.0", "gateway": "192.0.2.1", "defaultRoute": True}})
    assert answer["changed"] and answer["outcome"] == "committed", answer
    remove_all(host)


@case("ovs")
def bridged_without_a_tag_on_ovs(host):
    host.kind = "ovs"
    make(host, {"ovirtmgmt": {"nic": "eno1", "ipaddr": "192.0.2.10", "prefix": 24, "gateway": "192.0.2.1", "defaultRoute": True}})
    remove_all(host)


@case()
def bridgeless_without_a_tag(host):
    make(host, {"storage": {"nic": "eno2", "bridged": False, "ipaddr": "10.40.0.10", "prefix": "24", "gateway": "10.40.0.1", "mtu": 9000}})
    remove_all(host)


@case()
def inside_the_host_only(host):
    make(host, {"lan": {}, "dmz": {"ipaddr": "10.9.0.1", "prefix": 24, "ipv6addr": "2001:db8:9::1/64"}})
    remove_all(host)


@case(kinds=every_kind)
def two_networks_with_tags_and_one_without(host):
    make(host, {"web": {"nic": "eno1", "vlan": 100}, "db": {"nic": "eno1", "vlan": "200", "mtu": "9000"},
                "ovirtmgmt": {"nic": "eno1", "ipaddr": "192.0.2.10", "prefix": 24}})
    remove_all(host)


@case(kinds=every_kind)
def bridgeless_with_a_tag(host):
    make(host, {"storage": {"nic": "eno2", "vlan": 400, "bridged": "false", "ipaddr": "10.40.0.10", "prefix": 24, "ipv6addr": "2001:db8:40::10/64",
                            "gateway": "10.40.0.1", "mtu": 9000}})
    remove_all(host)


@case("bond", kinds=every_kind)
def networks_on_a_bond(host):
    make(host, {"web": {"bonding": "bond0", "vlan": 100}, "ovirtmgmt": {"bonding": "bond0", "ipaddr": "192.0.2.10", "prefix": 24, "mtu": 9000}},
         {"bond0": {"nics": ["eno4", "eno3"], "options": "mode=active-backup miimon=100", "switch": host.kind}})
    assert host.space.link("bond0")["address"] == host.client.call("Host.getNetworkCapabilities")["nics"]["eno3"]["permhwaddr"]
    remove_all(host)


@case("bond")
def a_bond_without_networks(host):
    make(host, {}, {"bond0": {"nics": ["eno1", "eno2"], "options": "mode=4 miimon=100 lacp_rate=1"}})
    remove_all(host)


@case(kinds=every_kind)
def the_address_changes_and_goes(host):
    web = {"nic": "eno1", "vlan": 100, "ipaddr": "10.0.0.10", "prefix": 24, "gateway": "10.0.0.1"}
    for edit in ({}, {"ipaddr": "10.0.0.11"}, {"prefix": 25}, {"ipv6addr": "2001:db8::10/64"}, {"ipaddr": None, "prefix": None, "gateway": None}):
        web.update(edit)
        make(host, {"web": web})
    remove_all(host)


@case(kinds=every_kind)
def the_mtu_follows_what_lies_on_it(host):
    web, db = {"nic": "eno1", "vlan": 100}, {"nic": "eno1", "vlan": 200}
    for mtus in ((1500, 1500), (9000, 1500), (9000, 4000), (1500, 4000), (1400, 1300)):
        make(host, {"web": dict(web, mtu=mtus[0]), "db": dict(db, mtu=mtus[1])})
    host.client.setup({"web": {"remove": True}})
    agree(host)
    remove_all(host)


@case(kinds=every_kind)
def the_vlan_changes(host):
    for vlan in (100, 101, 4094, 1):
        make(host, {"web": {"nic": "eno1", "vlan": vlan}, "db": {"nic": "eno1", "vlan": 200}})
    make(host, {"web": {"nic": "eno1"}, "db": {"nic": "eno1", "vlan": 200}})
    remove_all(host)


@case(kinds=every_kind)
def two_networks_swap_their_vlans_in_one_call(host):
    make(host, {"web": {"nic": "eno1", "vlan": 100}, "db": {"nic": "eno1", "vlan": 200}})
    make(host, {"web": {"nic": "eno1", "vlan": 200}, "db": {"nic": "eno1", "vlan": 100}})
    remove_all(host)


@case(kinds=every_kind)
def a_network_moves_to_another_nic(host):
    make(host, {"web": {"nic": "eno1", "vlan": 100, "ipaddr": "10.0.0.10", "prefix": 24}})
    make(host, {"web": {"nic": "eno2", "vlan": 100, "ipaddr": "10.0.0.10", "prefix": 24}})
    link = host.space.link("eno1")
    assert "master" not in link and link["mtu"] == 1500, link
    remove_all(host)


@case()
def a_foreign_tap_stays_on_its_bridge_when_the_network_moves(host):
    make(host, {"web": {"nic": "eno1"}})
    host.space.links("tuntap add foreign mode tap", "link set foreign master web up")
    for edit in ({"nic": "eno2"}, {"nic": "eno2", "mtu": 1400}, {"nic": "eno2", "ipaddr": "10.0.0.10", "prefix": 24}, {"nic": "eno1"}):
        host.client.setup({"web": edit})
        agree(host, foreign=["foreign"])
        assert host.space.link("foreign")["master"] == "web"


@case("vlan")
def foreign_vlan_and_address_stay_on_a_nic_that_is_taken_over(host):
    host.space.links("link set eno1 up", "link add link eno1 name eno1.77 type vlan id 77", "link set eno1.77 up", "addr add 10.77.0.1/24 dev eno1.77")
    for networks in ({"web": {"nic": "eno1", "vlan": 100}}, {"web": {"nic": "eno1", "vlan": 101, "mtu": 9000}}, {"web": {"remove": True}}):
        host.client.setup(networks)
        agree(host, foreign=["eno1.77"])
        assert [one["local"] for one in host.space.ip("-4", "addr", "show", "dev", "eno1.77")[0]["addr_info"]] == ["10.77.0.1"]


@case(kinds=every_kind)
def the_default_route_is_handed_over(host):
    first = {"nic": "eno1", "vlan": 10, "ipaddr": "10.1.0.10", "prefix": 24, "gateway": "10.1.0.1"}
    second = {"nic": "eno1", "vlan": 20, "ipaddr": "10.2.0.10", "prefix": 24, "gateway": "10.2.0.1"}
    make(host, {"first": dict(first, defaultRoute=True), "second": second})
    make(host, {"second": dict(second, defaultRoute=True)})
    running = host.client.call("Host.getRunningConfig")["networks"]
    assert not running["first"]["defaultRoute"] and running["first"]["gateway"] == "10.1.0.1", running["first"]
    make(host, {"third": {"nic": "eno2", "vlan": 30, "ipaddr": "10.3.0.10", "prefix": 24, "gateway": "10.3.0.1", "defaultRoute": True}})
    host.client.setup({"third": {"remove": True}})
    agree(host)
    remove_all(host)


@case("bond", "vlan")
def bond_options_change_without_a_flap(host):
    bond = {"nics": ["eno3", "eno4"], "options": "mode=active-backup miimon=100"}
    make(host, {"web": {"bonding": "bond0", "vlan": 100}}, {"bond0": bond})
    before = carrier_changes(host, "bond0", "eno3", "eno4")
    for options in ("mode=active-backup miimon=200", "miimon=200 mode=1 primary=eno4", "mode=active-backup miimon=200 fail_over_mac=0 updelay=400"):
        make(host, {}, {"bond0": dict(bond, options=options)})
        assert carrier_changes(host, "bond0", "eno3", "eno4") == before, options
    remove_all(host)


@case("bond", "vlan")
def a_bond_changes_its_mode(host):
    for options in ("mode=active-backup miimon=100 primary=eno3", "mode=4 miimon=100 lacp_rate=1", "mode=balance-xor miimon=100 xmit_hash_policy=layer2+3", ""):
        make(host, {"web": {"bonding": "bond0", "vlan": 100}}, {"bond0": {"nics": ["eno3", "eno4"], "options": options}})
    remove_all(host)


@case("bond", "vlan")
def two_bonds_swap_ports_in_one_call(host):
    networks = {"web": {"bonding": "bond0", "vlan": 100, "mtu": 9000}, "db": {"bonding": "bond1", "vlan": 100}}
    make(host, networks, {"bond0": {"nics": ["eno1", "eno2"], "options": "mode=1 miimon=100"}, "bond1": {"nics": ["eno3", "eno4"], "options": "mode=1 miimon=100"}})
    make(host, {}, {"bond0": {"nics": ["eno1", "eno3"], "options": "mode=1 miimon=100"}, "bond1": {"nics": ["eno2", "eno4"], "options": "mode=1 miimon=100"}})
    remove_all(host)


@case("bond", "vlan")
def a_nic_goes_from_a_network_into_a_bond_and_back(host):
    make(host, {"web": {"nic": "eno1"}})
    make(host, {"web": {"bonding": "bond0"}}, {"bond0": {"nics": ["eno1", "eno2"], "options": "mode=1 miimon=100"}})
    make(host, {"web": {"nic": "eno2", "vlan": 7}}, {"bond0": {"remove": True}})
    remove_all(host)


@case("bond", kinds=every_kind)
def the_engines_example(host):
    example = json.loads((checkout / "examples/ovirt-host.json").read_text())
    for one in (*example["networks"].values(), *example["bondings"].values()):
        one["switch"] = host.kind
    host.client.setup(example["networks"], example["bondings"], **example["options"])
    agree(host)
    assert host.client.call("Host.getStatus")["netConfigDirty"] is False
    remove_all(host)


def carrier_changes(host, *names):
    """How often each lost or found its carrier."""
    return host.space.run("cat", *(f"/sys/class/net/{name}/carrier_changes" for name in names)).split()
