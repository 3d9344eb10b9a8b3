"""What Open vSwitch keeps: rows of netd's that nobody stands for any more go, and what others put on its bridges stays."""

import json
import re

from agree import agree
from client import RpcError, says_no
from drift import mended
from host import wait_until
from readers import Database
from runner import case
from storage import reboot, start


def rows(host):
    """The ports by bridge as of one moment, without those that each bridge has of its own name."""
    bridges, ports = Database(host.ovs.socket).rows("Bridge", "Port")
    names = {row["_uuid"]: row["name"] for row in ports}
    listed = lambda value: value if isinstance(value, list) else [value]
    return {row["name"]: {names[port] for port in listed(row["ports"])} - {row["name"]} for row in bridges}


def plug_tap(host, network):
    return host.client.call("VM.hotplugNic", {"vmId": "v", "nic": {"kind": "tap", "network": network, "macAddr": "56:6f:00:00:00:01"}})["nic"]["port"]


def switched(nic, **more):
    return {"nic": nic, "switch": "ovs", **more}


@case("ovs")
def what_was_never_committed_does_not_outlive_a_boot(host):
    host.client.setup({"web": switched("eno1"), "v": switched("eno1", vlan=7)})
    host.client.setup({"db": {"nic": "eno3"}}, commitOnSuccess=True)
    host.client.setup({"x": switched("eno2"), "y": switched("eno1", vlan=9), "in": {"switch": "ovs"}, "db": switched("eno3")})
    port = plug_tap(host, "web")
    assert rows(host) == {"ovs-eno1": {"eno1", "web", "v", "y", port}, "ovs-eno2": {"eno2", "x"}, "ovs-in": {"in"}, "ovs-eno3": {"eno3", "db"}}
    host.ovs.vsctl("add-br", "theirs", "--", "set", "bridge", "theirs", "datapath_type=netdev")
    reboot(host)
    start(host)
    assert rows(host) == {"ovs-eno1": {"eno1", "web", "v"}, "theirs": set()}
    assert host.space.link("eno3")["master"] == "db"
    agree(host, foreign=["theirs"])


@case("ovs")
def what_runs_stays_though_nothing_tells_of_it_any_more(host):
    host.client.setup({"lan": {}}, commitOnSuccess=True)
    host.client.setup({"web": switched("eno1"), "x": switched("eno2")})
    plug_tap(host, "web")
    there = rows(host)
    host.netd.stop()
    (host.netd.run / "running").unlink()
    start(host)
    assert rows(host) == there
    host.client.setup({"lan": {"mtu": 1400}})
    host.space.links("link set lan mtu 1300")
    wait_until(lambda: host.space.link("lan")["mtu"] == 1400, 20)
    assert rows(host) == there
    return False


@case("ovs")
def a_netd_that_never_committed_anything_takes_nothing_away(host):
    """One that is tried out in another namespace reaches the same Open vSwitch."""
    host.client.setup({"web": switched("eno1"), "x": switched("eno2")})
    there = rows(host)
    reboot(host)
    start(host)
    assert rows(host) == there
    return False


@case("ovs")
def what_was_never_committed_goes_when_open_vswitch_comes_late(host):
    host.client.setup({"lan": {}}, commitOnSuccess=True)
    host.client.setup({"x": switched("eno2")})
    reboot(host)
    host.ovs.close()
    start(host)
    host.ovs.start()
    wait_until(lambda: not rows(host), 20, lambda: str(rows(host)))
    agree(host, patience=5)


@case("ovs")
def nor_does_it_where_netd_was_started_again_meanwhile(host):
    host.client.setup({"lan": {}}, commitOnSuccess=True)
    host.client.setup({"x": switched("eno2")})
    reboot(host)
    host.ovs.close()
    start(host)
    host.netd.stop()
    start(host)
    host.ovs.start()
    wait_until(lambda: not rows(host), 20, lambda: str(rows(host)))
    wait_until(lambda: not (host.netd.run / "leftovers").exists(), 10)
    agree(host, patience=5)


@case("ovs")
def a_boot_finds_the_bridge_of_a_nic_that_was_called_otherwise(host):
    host.client.setup({"web": switched("eno1"), "v": switched("eno1", vlan=7)}, commitOnSuccess=True)
    reboot(host, nics=("lan0",))
    start(host)
    assert rows(host) == {"ovs-lan0": {"lan0", "web", "v"}}
    agree(host)


@case("ovs")
def a_nic_that_is_renamed_leaves_no_bridge_behind(host):
    host.client.setup({"web": switched("eno1"), "v": switched("eno1", vlan=7)})
    port = plug_tap(host, "web")
    host.space.links("link add tap0 type veth peer name tap1", "link set tap0 up")
    host.ovs.vsctl("add-port", "ovs-eno1", "tap0", "tag=7")
    host.space.links("link set eno1 down", "link set eno1 name lan0", "link set lan0 up")
    wait_until(lambda: rows(host) == {"ovs-lan0": {"lan0", "web", "v", port, "tap0"}}, 20, lambda: str(rows(host)))
    agree(host, foreign=["tap0", "tap1"], patience=10)


@case("vlan_filtering")
def a_nic_that_is_renamed_leaves_no_filtering_bridge_behind(host):
    host.client.setup({"web": {"nic": "eno1", "vlan": 5, "switch": "vlan-aware"}})
    plug_veth(host, 1, "vb-eno1", "5 pvid untagged")
    host.space.links("link set eno1 down", "link set eno1 name lan0", "link set lan0 up")
    wait_until(lambda: host.space.link("vb-lan0") and not host.space.link("vb-eno1"), 20)
    assert master_of(host, "port1") == "vb-lan0" and vlans_of(host, "port1") == [(5, ["Egress Untagged", "PVID"])]
    agree(host, foreign=foreign_of(1), patience=10)
    host.space.links("link set vb-lan0 down", "link set vb-lan0 name other")
    wait_until(lambda: host.space.link("vb-lan0") and not host.space.link("other"), 20)
    assert master_of(host, "port1") == "vb-lan0" and vlans_of(host, "port1") == [(5, ["Egress Untagged", "PVID"])]
    agree(host, foreign=foreign_of(1), patience=10)


def plug_foreign(host, bridge):
    """A port with columns of its own, one that has no device, and a mirror."""
    host.space.links("link add tap0 type veth peer name tap1", "link set tap0 up")
    host.ovs.vsctl("--no-wait", "add-port", bridge, "tap0", "tag=5", "external_ids:who=me", "--", "set", "interface", "tap0", "external_ids:iface-id=foo", "--", "add-port", bridge, "dead0")
    host.ovs.vsctl("--id=@p", "get", "port", "tap0", "--", "--id=@m", "create", "mirror", "name=theirs", "select_src_port=@p", "--", "add", "bridge", bridge, "mirrors", "@m")
    return lambda: ({row["name"]: row["_uuid"] for row in host.ovs.rows("Port") if row["name"] in ("tap0", "dead0")}, [row["_uuid"] for row in host.ovs.rows("Mirror")])


def places(host):
    return {name: host.ovs.vsctl("port-to-br", name).strip() for name in ("tap0", "dead0")} | {"mirror": [row["name"] for row in host.ovs.rows("Bridge") if row["mirrors"]]}


def on(bridge):
    return {"tap0": bridge, "dead0": bridge, "mirror": [bridge]}


@case("ovs")
def foreign_ports_and_mirrors_go_where_their_networks_go(host):
    host.client.setup({"web": switched("eno1"), "db": switched("eno1", vlan=5)})
    theirs = plug_foreign(host, "ovs-eno1")
    before = theirs()
    agree(host, foreign=["tap0", "tap1"])
    moved = {"web": switched("eno2"), "db": switched("eno2", vlan=5)}
    try:
        host.client.setup(moved, confirm=False, connectivityTimeout=1)
    except RpcError as taken_back:
        assert taken_back.code == 10, taken_back
    wait_until(lambda: places(host) == on("ovs-eno1"), 10, lambda: str(places(host)))
    agree(host, foreign=["tap0", "tap1"])
    host.client.setup(moved)
    assert places(host) == on("ovs-eno2") and "ovs-eno1" not in rows(host)
    assert theirs() == before
    agree(host, foreign=["tap0", "tap1"])


@case("ovs")
def a_bridge_that_netd_needs_no_more_is_left_to_those_who_have_ports_there(host):
    host.client.setup({"web": switched("eno1")})
    theirs = plug_foreign(host, "ovs-eno1")
    before = theirs()
    for other in ({"nic": "eno1"}, {"remove": True}):
        host.client.setup({"web": other})
        assert rows(host) == {"ovs-eno1": {"tap0", "dead0"}} and places(host) == on("ovs-eno1") and theirs() == before
        assert "netd" not in host.ovs.vsctl("get", "bridge", "ovs-eno1", "external_ids")
        agree(host, foreign=["tap0", "tap1", "ovs-eno1"])
        # It is taken back, as it was made.
        host.client.setup({"web": switched("eno1")})
        assert rows(host) == {"ovs-eno1": {"eno1", "web", "tap0", "dead0"}} and places(host) == on("ovs-eno1") and theirs() == before
        agree(host, foreign=["tap0", "tap1"])


@case("ovs")
def what_others_plugged_in_while_a_change_waited_stays_when_it_goes_back(host):
    number = host.client.send("Host.setupNetworks", {"networks": {"web": switched("eno1")}, "options": {"connectivityTimeout": 60}})
    with host.netd.client() as other:
        wait_until(lambda: other.call("Host.getStatus")["transaction"], 20)
        theirs = plug_foreign(host, "ovs-eno1")
        before = theirs()
        other.call("Host.rollback")
    try:
        host.client.receive(number)
    except RpcError:
        pass
    assert rows(host) == {"ovs-eno1": {"tap0", "dead0"}} and places(host) == on("ovs-eno1") and theirs() == before
    agree(host, foreign=["tap0", "tap1", "ovs-eno1"])


@case("ovs")
def settings_that_undo_what_keeps_networks_apart_are_taken_away(host):
    host.client.setup({"web": switched("eno1"), "db": switched("eno1", vlan=5)})
    port = plug_tap(host, "db")
    agree(host)
    for words in (["set", "bridge", "ovs-eno1", "flood_vlans=5"], ["set", "port", port, "cvlans=7"], ["set", "port", port, "other_config:priority-tags=always"],
                  ["set", "port", "eno1", "cvlans=7"], ["set", "port", "web", "other_config:priority-tags=if-nonzero"]):
        events = host.netd.subscribe("drift.found")
        host.ovs.vsctl(*words)
        events.next(words)
        mended(host, 20)
        column = re.split("[=:]", words[3])[0]
        left = host.ovs.vsctl("get", *words[1:3], column).strip()
        assert left == "[]" or column == "other_config" and "priority-tags" not in left, (words, left)


@case("ovs")
def an_interface_beside_a_guests_own_takes_nothing_of_its_filter_away(host):
    host.client.setup({"web": switched("eno1")})
    port = plug_tap(host, "web")
    agree(host)
    for words in (["--id=@i", "create", "interface", "name=beside", "type=internal", "--", "add", "port", port, "interfaces", "@i"],
                  ["--id=@i", "create", "interface", "name=beside", "type=internal", "--", "set", "port", port, "interfaces=@i"]):
        events = host.netd.subscribe("drift.found")
        host.ovs.vsctl("--no-wait", *words)
        events.next(words)
        mended(host, 20)
        assert [row["name"] for row in host.ovs.rows("Interface") if row["name"] in (port, "beside")] == [port]


def plug_veth(host, number, bridge, *tags):
    """A guest's wire of somebody else's; its other end is theirs1, and so on."""
    host.space.links(f"link add port{number} type veth peer name theirs{number}", f"link set theirs{number} up", f"link set port{number} master {bridge} up")
    for tag in tags:
        host.space.run(*f"bridge vlan add dev port{number} vid {tag}".split())


def foreign_of(*numbers):
    return [f"{end}{number}" for number in numbers for end in ("port", "theirs")]


def master_of(host, device):
    return (host.space.link(device) or {}).get("master")


def is_left(host, bridge, *ports):
    """It is nobody's any more: no mark, no address, no NIC."""
    assert [port for port in ports if master_of(host, port) != bridge] == []
    link = host.space.link(bridge)
    assert "ifalias" not in link, link
    assert not [one for one in json.loads(host.space.run("ip", "-j", "addr", "show", "dev", bridge))[0]["addr_info"]]
    assert {one["ifname"] for one in host.space.ip("link", "show", "master", bridge)} == set(ports)


@case()
def a_linux_bridge_that_netd_needs_no_more_is_left_to_those_who_have_ports_there(host):
    for network in ({"nic": "eno1"}, {}):
        host.client.setup({"web": network | {"ipaddr": "192.0.2.1", "prefix": 24, "ipv6addr": "2001:db8::1/64"}})
        plug_veth(host, 1, "web")
        agree(host, foreign=foreign_of(1))
        for other in ({"nic": "eno1", "bridged": False}, {"nic": "eno2", "bridged": False}, {"remove": True}):
            host.client.setup({"web": other})
            is_left(host, "web", "port1")
            agree(host, foreign=foreign_of(1) + ["web"])
            host.netd.stop()
            start(host)
            is_left(host, "web", "port1")
            # It is taken back, with its port, and a change that is not confirmed gives it away again.
            back = {"web": network | {"ipaddr": "192.0.2.1", "prefix": 24}}
            if "remove" in other:
                unconfirmed(host, back)
                is_left(host, "web", "port1")
            host.client.setup(back)
            assert not host.client.setup(back)["changed"]
            assert master_of(host, "port1") == "web" and host.space.link("web")["ifalias"] == "netd: network web"
            agree(host, foreign=foreign_of(1))
            unconfirmed(host, {"web": other})
            assert master_of(host, "port1") == "web"
            agree(host, foreign=foreign_of(1))
        host.client.setup({"web": {"remove": True}})
        host.space.links("link del port1", "link del web")


def unconfirmed(host, networks):
    says_no(lambda: host.client.setup(networks, confirm=False, connectivityTimeout=1), 10)


@case()
def what_others_plugged_into_a_linux_bridge_while_a_change_waited_stays_when_it_goes_back(host):
    number = host.client.send("Host.setupNetworks", {"networks": {"web": {"nic": "eno1", "ipaddr": "192.0.2.1", "prefix": 24}}, "options": {"connectivityTimeout": 60}})
    with host.netd.client() as other:
        wait_until(lambda: other.call("Host.getStatus")["transaction"], 20)
        plug_veth(host, 1, "web")
        other.call("Host.rollback")
    try:
        host.client.receive(number)
    except RpcError:
        pass
    is_left(host, "web", "port1")
    agree(host, foreign=foreign_of(1) + ["web"])


@case()
def what_others_plugged_into_a_bridge_that_somebody_renames_comes_back_with_it(host):
    host.client.setup({"lan": {}, "web": {"nic": "eno1"}})
    plug_veth(host, 1, "lan")
    plug_veth(host, 2, "web")
    for bridge, other in (("lan", "other"), ("web", "another")):  # not one name: that one goes when the first is put right
        host.space.links(f"link set {bridge} down", f"link set {bridge} name {other}")
        wait_until(lambda: not host.space.link(other) and host.space.link(bridge), 20)
    masters = lambda: (master_of(host, "port1"), master_of(host, "port2"))
    wait_until(lambda: masters() == ("lan", "web"), 10, lambda: f"they are on {masters()}")
    agree(host, foreign=foreign_of(1, 2), patience=10)


@case("ovs")
def open_vswitch_takes_no_bridge_from_those_who_have_ports_there(host):
    host.client.setup({"web": {"nic": "eno1"}, "lan": {}})
    plug_veth(host, 1, "lan")
    for call in (host.client.setup, lambda networks: host.client.call("Host.planNetworks", {"networks": networks})):
        no = says_no(lambda: call({"web": switched("eno1"), "lan": {"switch": "ovs"}}), 24)
        assert "port1" in no.message and "lan" in no.message, no
    assert master_of(host, "port1") == "lan"
    host.client.setup({"web": switched("eno1")})
    host.space.links("link del port1")
    host.client.setup({"lan": {"switch": "ovs"}})
    agree(host)


def aware(nic, vlan, **more):
    return {"nic": nic, "vlan": vlan, "switch": "vlan-aware", **more}


def vlans_of(host, port):
    told = json.loads(host.space.run(*f"bridge -j vlan show dev {port}".split()))
    return [(one["vlan"], sorted(one.get("flags", []))) for link in told for one in link["vlans"]]


@case("vlan", "vlan_filtering")
def foreign_ports_of_a_filtering_bridge_go_where_their_networks_go(host):
    alone = ["Egress Untagged", "PVID"]
    host.client.setup({"web": aware("eno1", 100, ipaddr="192.0.2.1", prefix=24), "db": aware("eno1", 200)})
    plug_veth(host, 1, "vb-eno1", "100", "200 pvid untagged")
    plug_veth(host, 2, "vb-eno1", "100 pvid untagged")
    moved = {"web": aware("eno2", 100, ipaddr="192.0.2.1", prefix=24), "db": aware("eno2", 200)}
    unconfirmed(host, moved)
    agree(host, foreign=foreign_of(1, 2))
    host.client.setup(moved)
    assert host.space.link("vb-eno1") is None and vlans_of(host, "port1") == [(100, []), (200, alone)] and vlans_of(host, "port2") == [(100, alone)]
    assert (master_of(host, "port1"), master_of(host, "port2")) == ("vb-eno2", "vb-eno2")
    agree(host, foreign=foreign_of(1, 2))
    # Who is in one network alone goes along to its own bridge; to the others the filtering one is left.
    host.client.setup({"web": {"nic": "eno2", "vlan": 100, "ipaddr": "192.0.2.1", "prefix": 24}, "db": {"nic": "eno2", "vlan": 200}})
    assert master_of(host, "port2") == "web"
    is_left(host, "vb-eno2", "port1")
    agree(host, foreign=foreign_of(1, 2) + ["vb-eno2"])
    host.client.setup(moved)
    assert vlans_of(host, "port1") == [(100, []), (200, alone)] and vlans_of(host, "port2") == [(100, alone)]
    assert (master_of(host, "port1"), master_of(host, "port2")) == ("vb-eno2", "vb-eno2")
    agree(host, foreign=foreign_of(1, 2))
    host.client.setup({"web": {"remove": True}, "db": {"remove": True}})
    is_left(host, "vb-eno2", "port1", "port2")
    agree(host, foreign=foreign_of(1, 2) + ["vb-eno2"])


@case("vlan", "vlan_filtering", "ovs")
def a_filtering_bridge_is_left_to_others_when_its_networks_go_to_open_vswitch(host):
    host.client.setup({"web": aware("eno1", 100, ipaddr="192.0.2.1", prefix=24)})
    plug_veth(host, 1, "vb-eno1", "100 pvid untagged")
    host.client.setup({"web": switched("eno1", vlan=100, ipaddr="192.0.2.1", prefix=24)})
    is_left(host, "vb-eno1", "port1")
    agree(host, foreign=foreign_of(1) + ["vb-eno1"])
