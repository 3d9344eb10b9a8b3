"""What Open vSwitch keeps: rows of netd's that nobody stands for any more go, and what others put on its bridges stays."""

import re

from agree import agree
from client import RpcError
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
    host.space.links("link set eno1 down", "link set eno1 name lan0", "link set lan0 up")
    wait_until(lambda: host.space.link("vb-lan0") and not host.space.link("vb-eno1"), 20)
    agree(host, patience=10)


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
        assert events.next(), words
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
        assert events.next(), words
        mended(host, 20)
        assert [row["name"] for row in host.ovs.rows("Interface") if row["name"] in (port, "beside")] == [port]
