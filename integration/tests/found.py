"""What readers of the code and strangers found: changes that meet something else half-way."""

import os
import re
import signal
import time

from agree import agree
from client import NoAnswer, RpcError, says_no
from frames import Tap, Wire, shout
from guests import Guest, define, expect
from host import run, wait_until
from rollback import before_it_ends
from runner import case


def waiting(host, networks, window=200):
    """A change that waits for its confirmation: its number, and a line beside it."""
    return host.client.waiting({"networks": networks, "options": {"connectivityTimeout": window}}), host.netd.client()


def goes_back(host, number, other=None):
    """When nobody has confirmed it in time; or at once, when `other` says so."""
    if other:
        other.call("Host.rollback")
    return says_no(lambda: host.client.receive(number))


@case("ovs")
def what_cannot_go_back_yet_comes_first(host):
    host.client.setup({"web": {"nic": "eno1", "switch": "ovs"}}, confirm=None)
    number, other = waiting(host, {"web": {"remove": True}})
    for daemon in ("ovs-vswitchd", "ovsdb-server"):
        host.ovs.kill(daemon)
    assert "degraded" in goes_back(host, number, other).message
    for confirm in (None, True):
        expect(29, "earlier change", lambda: other.setup({"db": {"nic": "eno3"}}, confirm=confirm))
    assert host.space.link("db") is None and other.call("Host.getStatus")["trouble"]
    for daemon in ("ovsdb-server", "ovs-vswitchd"):
        host.ovs.start_again(daemon)
    wait_until(lambda: not other.call("Host.getStatus")["trouble"], 30, lambda: other.call("Host.getStatus"))
    other.setup({"db": {"nic": "eno3"}})
    agree(host, patience=20)
    host.space.links("link set db mtu 1400")
    wait_until(lambda: host.space.link("db")["mtu"] == 1500, 10, "drift is mended no longer")


def lease(host, address):
    """As netd's DHCP client leaves it."""
    folder = host.netd.run / "dhcp"
    beside = folder / "eno1-4.beside"
    beside.write_text(f"netd_since={time.clock_gettime_ns(time.CLOCK_BOOTTIME)}\nnew_ip_address={address}\nnew_subnet_cidr=24\nnew_routers=192.0.2.1\nnew_dhcp_lease_time=3600\n")
    os.rename(beside, folder / "eno1-4.new")
    there = lambda: [one["local"] for link in host.space.ip("-4", "addr", "show", "dev", "mgmt") for one in link["addr_info"]]
    wait_until(lambda: there() == [address], 10, lambda: f"{address} is not taken: {there()}")


@case(words=("--drift", "report"))
def a_lease_that_changes_while_another_network_waits(host):
    host.client.setup({"mgmt": {"nic": "eno1", "bootproto": "dhcp", "defaultRoute": True}}, confirm=None)
    lease(host, "192.0.2.50")
    index = host.space.link("mgmt")["ifindex"]
    number, other = waiting(host, {"db": {"nic": "eno3"}})
    lease(host, "192.0.2.60")
    goes_back(host, number, other)
    assert host.space.link("db") is None and host.space.link("mgmt")["ifindex"] == index
    assert host.space.ip("-4", "addr", "show", "dev", "mgmt")[0]["addr_info"][0]["local"] == "192.0.2.60"
    assert [route["gateway"] for route in host.space.ip("route", "show", "default")] == ["192.0.2.1"]
    agree(host)


@case()
def somebody_takes_the_name_of_what_is_to_come_back(host):
    host.client.setup({"lan": {"nic": "eno1"}}, confirm=None)
    number, other = waiting(host, {"lan": {"remove": True}})
    host.space.links("link add lan type veth peer name nal", "link set lan alias somebody")
    assert "degraded" in goes_back(host, number, other).message
    assert host.space.link("lan")["ifalias"] == "somebody" and host.space.link("nal")
    host.space.links("link delete lan")
    wait_until(lambda: not other.call("Host.getStatus")["trouble"], 10, lambda: other.call("Host.getStatus"))
    agree(host, patience=10)


@case()
def what_differs_while_a_way_back_is_blocked_is_put_right_afterwards(host):
    host.client.setup({"lan": {"nic": "eno1"}, "web": {"nic": "eno2"}}, confirm=None)
    events = host.netd.subscribe("transaction.rolled-back")
    other = host.netd.client()
    number = before_it_ends(host, {"lan": {"remove": True}}, 8, lambda: host.space.links("link add lan type veth peer name nal"))
    assert "degraded" in goes_back(host, number).message
    host.space.links("link set web mtu 1400")
    time.sleep(10)   # five tries would take eight
    assert host.space.link("web")["mtu"] == 1400 and other.call("Host.getStatus")["drift"]["contested"] == []
    host.space.links("link delete lan")
    wait_until(lambda: host.space.link("web")["mtu"] == 1500, 5, lambda: other.call("Host.getStatus"))
    # And that it could be taken back after all is told.
    assert "nobody confirmed" in events.next()[1]["why"]
    last = other.call("Host.getStatus")["last"]
    assert last["outcome"] == "rolled-back" and "blocked" not in last["why"], last
    agree(host, patience=10)


@case()
def a_nic_that_is_renamed_while_a_change_waits(host):
    host.client.setup({"lan": {"nic": "eno1"}}, confirm=None, commitOnSuccess=True)
    number, other = waiting(host, {"db": {"nic": "eno3"}})
    host.space.links("link set eno1 down", "link set eno1 name enp9", "link set enp9 up")
    time.sleep(0.5)
    other.call("Host.confirmConnectivity")
    host.client.receive(number)
    wait_until(lambda: other.call("Host.getRunningConfig")["networks"]["lan"]["nic"] == "enp9", 10, "it is not followed")
    agree(host, patience=10)


@case()
def two_nics_that_swap_their_names(host):
    host.client.setup({"web": {"nic": "eno1"}, "db": {"nic": "eno2"}}, confirm=None, commitOnSuccess=True)
    os.kill(host.netd.process.pid, signal.SIGSTOP)   # so that it sees no name that is in neither place
    host.space.links("link set eno1 down", "link set eno2 down", "link set eno1 name away", "link set eno2 name eno1", "link set away name eno2", "link set eno1 up", "link set eno2 up")
    os.kill(host.netd.process.pid, signal.SIGCONT)
    nics = lambda: {name: network["nic"] for name, network in host.client.call("Host.getRunningConfig")["networks"].items()}
    wait_until(lambda: nics() == {"web": "eno2", "db": "eno1"}, 10, nics)
    agree(host, patience=5)
    assert host.space.link("eno2")["master"] == "web" and host.space.link("eno1")["master"] == "db"


@case("vlan", kinds=("vlan-aware",))
def what_somebody_put_on_a_bridge_that_is_converted_comes_back_to_it(host):
    legacy = {"nic": "eno1", "ipaddr": "10.1.0.1", "prefix": 24}
    host.client.setup({"web": legacy}, confirm=None)
    host.space.links("link add own0 type veth peer name own1", "link set own0 master web up", "link set own0 type bridge_slave hairpin on")
    number, other = waiting(host, {"web": {**legacy, "switch": host.kind}})
    assert host.space.link("own0")["master"] == "vb-eno1"
    other.call("Host.rollback")
    goes_back(host, number)
    own = host.space.link("own0")
    assert own.get("master") == "web" and own["linkinfo"]["info_slave_data"]["hairpin"] is True, own
    host.space.links("link delete own0")
    agree(host, patience=5)


@case()
def two_nics_that_would_have_one_port(host):
    define(host, {"web": {}, "db": {"nic": "eno2"}})
    plug = lambda vm, network, mac: host.client.call("VM.hotplugNic", {"vmId": vm, "nic": {"network": network, "kind": "tap", "macAddr": mac}})
    plug("vm1", "web", "56:6f:00:00:cb:39")
    expect(49, "by chance", lambda: plug("vm4", "db", "56:6f:00:00:d7:3d"))
    agree(host)


@case("ovs")
def rules_that_are_flushed_in_the_middle_of_a_change_come_back_at_once(host):
    define(host, {"lan": {"nic": "eno1", "switch": "legacy"}})
    guest = Guest(host, "a", "lan", "tap")
    filtered = lambda: guest.nic["port"] in host.space.run("nft", "list", "ruleset")
    other = host.netd.client()
    def flushed_in_the_midst():
        """The number of the change; none where the machine stood still until netd had waited for ovs-vswitchd for long enough."""
        with host.ovs.stopped("ovs-vswitchd"):
            number = host.client.send("Host.setupNetworks", {"networks": {"web": {"nic": "eno2", "switch": "ovs"}}, "options": {"connectivityTimeout": 120}})
            time.sleep(0.5)
            host.space.run("nft", "flush", "ruleset")
            time.sleep(0.2)
        while not other.call("Host.getStatus")["transaction"]:
            try:
                raise AssertionError(f"it never waited: {host.client.receive(number, 0.02)}")
            except NoAnswer:
                continue
            except RpcError as error:
                assert error.code == 32, error
                return None
        return number
    number = wait_until(flushed_in_the_midst, 30, "Open vSwitch never answered in time")
    wait_until(filtered, 5, "the guest stays unfiltered while a change waits")
    other.call("Host.confirmConnectivity")
    host.client.receive(number)
    agree(host)


@case("bond", "vlan")
def a_bond_without_its_primary_can_be_changed_and_has_it_again_when_it_comes(host):
    bond = {"nics": ["eno3", "eno4"], "options": "mode=active-backup miimon=100 primary=eno4"}
    host.client.setup({"web": {"bonding": "bond0", "vlan": 100}}, {"bond0": bond}, confirm=None)
    primary = lambda: host.space.link("bond0")["linkinfo"]["info_data"].get("primary")
    assert primary() == "eno4"
    host.space.links("link delete eno4")
    host.client.setup({"db": {"bonding": "bond0", "vlan": 200}}, confirm=None)
    assert host.space.link("db") and not primary()
    host.space.run("ip", "link", "add", "eno4", "address", "52:54:00:00:00:04", "type", "veth", "peer", "name", "eno4", "netns", "wire")
    wait_until(lambda: primary() == "eno4", 20, "it is not the primary again")
    agree(host, patience=10)


@case("ovs")
def a_nic_that_comes_back_to_open_vswitch_is_let_go_as_it_was(host):
    host.client.setup({"web": {"nic": "eno1", "switch": "ovs"}}, confirm=None)
    says_no(lambda: host.client.setup({"web": {"nic": "eno1", "switch": "legacy"}}, confirm=False, connectivityTimeout=1), 10)
    agree(host, patience=10)
    host.client.setup({"web": {"nic": "eno2", "switch": "ovs"}}, confirm=None)
    wait_until(lambda: "PROMISC" not in host.space.link("eno1")["flags"], 10, "eno1 listens to all for ever")
    agree(host, patience=10)


@case("ovs")
def flows_that_are_written_too_late_do_not_stay(host):
    host.kind = "ovs"
    define(host, {"web": {"nic": "eno1"}})
    guest = Guest(host, "a", "web", "tap")
    words = lambda: sorted(re.sub(r"cookie=\S+ ", "", flow) for _, _, flow in host.ovs.flows("ovs-eno1"))
    before = words()
    with host.ovs.stopped("ovs-vswitchd"):
        says_no(lambda: guest.update(filter="trusted"), 32, 56)
    time.sleep(1)   # so that it has done what it was told while it stood
    wait_until(lambda: words() == before, 20, "the flows are those of a change that was refused")
    assert host.client.call("VM.getNics")["nics"][0]["filter"] == "standard"
    agree(host, patience=10)


@case()
def a_change_is_confirmed_by_its_own_number(host):
    number, other = waiting(host, {"lan": {"nic": "eno1"}})
    mine = other.call("Host.getStatus")["transaction"]["id"]
    for wrong in ("9999", 9999, "x", True, 1.5, [], -1):
        try:
            assert not other.call("Host.confirmConnectivity", {"transaction": wrong})["confirmed"], f"confirmed by {wrong!r}"
        except RpcError as error:
            assert error.code == -32602 and wrong not in ("9999", 9999), (wrong, error)
    assert other.call("Host.getStatus")["transaction"]
    assert other.call("Host.confirmConnectivity", {"transaction": str(mine)})["confirmed"]
    host.client.receive(number)
    agree(host)


@case()
def a_change_is_taken_back_when_somebody_says_so(host):
    number, other = waiting(host, {"web": {"nic": "eno1"}})
    mine = other.call("Host.getStatus")["transaction"]["id"]
    assert other.call("Host.rollback", {"transaction": mine + 1}) == {"rolledBack": False, "transaction": mine, "why": "another change waits"}
    host.netd.netctl("rollback")
    assert host.space.link("web") is None
    assert goes_back(host, number).code == 10
    assert other.call("Host.rollback") == {"rolledBack": False, "transaction": None, "why": "nothing waits for a confirmation"}
    agree(host)


@case()
def a_route_to_where_another_network_is_at_home(host):
    home = {"nic": "eno3", "ipaddr": "10.0.0.2", "prefix": 24}
    leads = {"nic": "eno1", "ipaddr": "10.1.1.1", "prefix": 24, "routes": [{"to": "10.0.0.0/24", "via": "10.1.1.2"}]}
    for first, then in ((home, leads), (leads, home)):
        host.client.setup({"a": first})
        routes = lambda: [{**route, "flags": None} for route in host.space.ip("route")]   # a bridge has its carrier a moment later
        before = routes()
        expect(22, "is a subnet of network", lambda: host.client.setup({"b": then}))
        assert routes() == before
        agree(host)
        host.client.setup({"a": {"remove": True}})


@case("ovs")
def an_uplink_that_somebody_takes_out_of_open_vswitch(host):
    host.client.setup({"web": {"nic": "eno1", "switch": "ovs"}})
    host.ovs.vsctl("del-port", "eno1")
    wait_until(lambda: "eno1" in host.ovs.vsctl("list-ports", "ovs-eno1").split(), 10, "it is never put back")
    agree(host, patience=10)


@case("ovs")
def a_network_of_open_vswitch_moves_and_gets_the_default_route(host):
    web = {"switch": "ovs", "ipaddr": "10.1.0.10", "prefix": 24, "gateway": "10.1.0.9"}
    host.client.setup({"web": {**web, "nic": "eno1"}})
    host.client.setup({"web": {**web, "nic": "eno2", "defaultRoute": True}})
    agree(host)


@case("bond")
def a_bond_lets_go_of_its_delays_with_miimon(host):
    bond = lambda options: host.client.setup({"web": {"bonding": "bond0"}}, {"bond0": {"nics": ["eno1", "eno2"], "options": options}})
    bond("mode=1 miimon=50 updelay=100 downdelay=100")
    bond("mode=1 arp_interval=500 arp_ip_target=10.9.9.9")
    agree(host)
    bond("mode=1 miimon=50 updelay=100")
    bond("mode=1")
    agree(host)


@case(kinds=("vlan-aware", "ovs"))
def a_trunk_of_all_tags_is_not_in_the_untagged_network(host):
    define(host, {"flat": {"nic": "eno1"}, "web": {"nic": "eno1", "vlan": 100}})
    flat, web = Guest(host, "f", "flat", filter="none"), Guest(host, "w", "web", filter="none")
    trunk = Guest(host, "t", "web", "tap", trunk="1-4094")
    shout(trunk.end, trunk.mac, [flat.end, web.end], tags=(100,), expected=[web.end])
    for tag in (4094, 4093, 1):
        assert not shout(trunk.end, trunk.mac, [flat.end], tags=(tag,)), tag
        assert not shout(flat.end, flat.mac, [trunk.end]), tag
    agree(host)


@case()
def a_device_that_goes_down_and_up_in_one_breath_gets_its_routes_back(host):
    host.client.setup({"web": {"nic": "eno1", "ipaddr": "192.0.2.10", "prefix": 24, "gateway": "192.0.2.1", "defaultRoute": True}})
    for _ in range(3):
        os.kill(host.netd.process.pid, signal.SIGSTOP)   # so that it hears of both at once
        host.space.links("link set web down", "link set web up")
        os.kill(host.netd.process.pid, signal.SIGCONT)
        wait_until(lambda: host.space.ip("-4", "route", "show", "default"), 10, "the default route is gone for good")
        agree(host, patience=5)


@case()
def a_network_that_was_contested_is_looked_after_again_when_it_is_sent(host):
    host.client.setup({"web": {"nic": "eno2"}})
    contested = lambda: host.client.call("Host.getStatus")["drift"]["contested"]
    def is_left():
        """After six within a minute, in which the machine may stand still."""
        host.space.links("link set web mtu 1400")
        return wait_until(lambda: contested() or host.space.link("web")["mtu"] == 1500, 20) == ["web"]
    wait_until(is_left)
    host.client.setup({"web": {"nic": "eno2"}})
    wait_until(lambda: contested() == [], 5)
    host.space.links("link set web mtu 1400")
    wait_until(lambda: host.space.link("web")["mtu"] == 1500, 5, "one deviation after it, and it is contested at once")


@case("bond")   # a kernel that has dummy, too: a NIC that netd could not make
def a_nic_that_is_gone_when_a_change_goes_back_holds_up_nothing(host):
    host.space.links("link add nic9 type dummy", "link set nic9 up")
    host.client.setup({"web": {"nic": "nic9"}}, confirm=None)
    number, other = waiting(host, {"web": {"nic": "nic9", "mtu": 1400}})
    host.space.links("link delete nic9")
    assert "degraded" not in goes_back(host, number, other).message
    assert host.space.link("nic9") is None
    assert host.client.setup({"db": {"nic": "eno2"}, "web": {"remove": True}})["outcome"] == "committed"
    agree(host)


@case(kinds=("legacy", "vlan-aware", "ovs"))
def what_stands_on_a_nic_that_is_gone_goes_or_moves_one_by_one(host):
    on = lambda nic, **more: {"nic": nic, "switch": host.kind, **more}
    host.client.setup({"a": on("eno1"), "v": on("eno1", vlan=100), "w": on("eno1", vlan=200)})
    host.space.links("link delete eno1")
    begun = time.monotonic()
    host.client.setup({"v": {"remove": True}})
    host.client.setup({"a": on("eno4")})
    host.client.setup({"w": {"remove": True}})
    assert time.monotonic() - begun < 60
    assert set(host.client.call("Host.getRunningConfig")["networks"]) == {"a"}
    agree(host, patience=5)


@case()
def nameservers_alone_are_confirmed_like_all_else(host):
    web = {"nic": "eno1", "ipaddr": "192.0.2.10", "prefix": 24, "gateway": "192.0.2.1", "defaultRoute": True}
    host.client.setup({"web": {**web, "nameservers": ["9.9.9.9"]}})
    assert goes_back(host, waiting(host, {"web": {**web, "nameservers": ["8.8.8.8"]}}, 2)[0]).code == 10
    assert host.client.call("Host.getNetworkCapabilities")["nameservers"] == ["9.9.9.9"]
    host.client.setup({"web": {**web, "nameservers": ["8.8.8.8"]}})
    agree(host)


@case("bond")
def a_bonds_primary_is_renamed_with_its_nic(host):
    bond = {"bond0": {"nics": ["eno1", "eno2"], "options": "mode=active-backup miimon=100 primary=eno2"}}
    host.client.setup({"web": {"bonding": "bond0"}}, bond)
    host.client.setup(commitOnSuccess=True)
    host.space.links("link set eno2 down", "link set eno2 name lan2", "link set lan2 up")
    running = wait_until(lambda: (told := host.client.call("Host.getRunningConfig")["bondings"]["bond0"])["nics"] == ["eno1", "lan2"] and told, 10)
    assert "primary=lan2" in running["options"], running
    host.client.setup({"web": {"bonding": "bond0", "mtu": 1400}})
    agree(host, patience=5)


@case(kinds=("legacy", "vlan-aware", "ovs"))
def a_guests_device_that_root_deletes_comes_again_and_speaks(host):
    define(host, {"web": {"nic": "eno1"}})
    pair, tap, other = Guest(host, "pair", "web"), Guest(host, "tap", "web", "tap"), Guest(host, "other", "web")
    index = host.space.link(tap.nic["port"])["ifindex"]
    tap.end.close()
    host.space.links(f"link delete {tap.nic['port']}")
    wait_until(lambda: (host.space.link(tap.nic["port"]) or {}).get("ifindex", index) != index, 20, "its tap is not made again")
    tap.end = host.later(Tap(host.space.name, tap.nic["port"]))
    wait_until(lambda: other.end in shout(tap.end, tap.mac, [other.end], expected=[other.end], patience=2), 30, "its tap is dead")
    # A namespace, too; the same once more says so, and does it.
    pair.end.close()
    run("ip", "netns", "delete", host.spaces["pair"].name)
    wait_until(lambda: host.space.link(pair.nic["port"]) is None, 20)
    run("ip", "netns", "add", host.spaces["pair"].name)
    again = host.client.call("VM.hotplugNic", {"vmId": "pair", "nic": {"network": "web", "kind": "netns", "macAddr": pair.mac}})
    assert again["changed"] or host.space.link(pair.nic["port"]), again
    host.spaces["pair"].links("link set eth0 up")
    end = host.later(Wire(host.spaces["pair"].name, "eth0"))
    wait_until(lambda: other.end in shout(end, pair.mac, [other.end], expected=[other.end], patience=2), 30, "its namespace is not plugged in")
    wait_until(lambda: not any(host.client.call("Host.getDrift").values()), 20, lambda: str(host.client.call("Host.getDrift")))


@case()
def what_names_no_nic_is_not_said_to_be_unplugged(host):
    define(host, {"web": {}})
    guest = Guest(host, "vm", "web", "tap", alias="net0")
    for nic in ({}, {"macAddr": "zz"}, {"macAddr": 5}, {"alias": 7}, {"mac": guest.mac}):
        expect(50, "", lambda: host.client.call("VM.hotunplugNic", {"vmId": "vm", "nic": nic}))
    expect(50, "due", lambda: host.client.call("VM.hotunplugNic", {"vmId": "vm"}))
    assert host.client.call("VM.hotunplugNic", {"vmId": "vm", "nic": {"macAddr": "56:00:00:00:00:99"}}) == {"changed": False}
    expect(49, "called so", lambda: Guest(host, "vm", "web", "tap", alias="net0"))
    assert len(host.client.call("VM.getNics", {"vmId": "vm"})["nics"]) == 1


@case()
def what_names_two_nics_changes_neither(host):
    define(host, {"web": {}, "dmz": {}})
    first, second = (Guest(host, "vm", "web", "tap", alias=alias) for alias in ("net0", "net1"))
    nics = lambda: {nic["macAddr"]: (nic["network"], nic["alias"], nic["linkActive"]) for nic in host.client.call("VM.getNics", {"vmId": "vm"})["nics"]}
    before = nics()
    update = lambda **params: host.client.call("VM.updateDevice", {"vmId": "vm", **params})
    expect(56, "called so", lambda: update(alias="net0", nic={"alias": "net1", "network": "dmz"}))
    expect(56, "MAC can't change", lambda: update(macAddr=first.mac, nic={"macAddr": second.mac, "linkActive": False}))
    expect(56, "MAC can't change", lambda: update(alias="net0", nic={"macAddr": second.mac, "linkActive": False}))
    expect(50, "another MAC", lambda: host.client.call("VM.hotunplugNic", {"vmId": "vm", "alias": "net0", "nic": {"macAddr": second.mac}}))
    assert nics() == before, nics()
    update(alias="net0", nic={"alias": "net2", "network": "dmz"})
    assert nics() == before | {first.mac: ("dmz", "net2", True)}, nics()
    # An alias that nobody knows, as libvirt's own may be, says nothing.
    assert host.client.call("VM.hotunplugNic", {"vmId": "vm", "alias": "hostdev0", "nic": {"macAddr": second.mac}})["changed"]
    assert set(nics()) == {first.mac}, nics()


@case("bond", "vlan", kinds=("legacy", "vlan-aware", "ovs"))
def a_bond_keeps_its_mac_in_another_mode_and_on_other_ports(host):
    host.space.links("link add bond0 type bond mode active-backup miimon 100", "link set eno2 down", "link set eno2 master bond0", "link set bond0 up")
    mac = host.space.link("bond0")["address"]
    assert mac == host.space.link("eno2")["address"]
    web = {"web": {"bonding": "bond0", "ipaddr": "10.9.0.1", "prefix": 24, "switch": host.kind}}
    for nics, mode in ((["eno1", "eno2"], 1), (["eno1", "eno2"], 4), (["eno1", "eno3"], 2), (["eno2"], 1)):
        host.client.setup(web, {"bond0": {"nics": nics, "options": f"mode={mode} miimon=100"}})
        agree(host)
        assert host.space.link("bond0")["address"] == host.space.link("web")["address"] == mac, (nics, mode)
    # What the old mode brought along goes with it.
    host.client.setup(web, {"bond0": {"nics": ["eno2"], "options": "mode=4"}})
    host.client.setup(web, {"bond0": {"nics": ["eno2"], "options": "mode=1"}})
    assert host.space.link("bond0")["linkinfo"]["info_data"]["miimon"] == 0
    # Somebody else's VLAN on it is not taken along.
    host.space.links("link add link bond0 name mine type vlan id 77")
    host.client.setup({"web": {"remove": True}})
    expect(31, "'mine'", lambda: host.client.setup({}, {"bond0": {"remove": True}}))
    assert host.space.link("mine")
    host.space.links("link delete mine")
    host.client.setup({}, {"bond0": {"remove": True}})
