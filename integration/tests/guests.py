"""Guests' NICs on every kind of switch: plugged, moved, unplugged, and what they can and can't hear."""

import pathlib

from agree import agree
from client import RpcError, says_no
from frames import Tap, Wire, shout
from host import reachable, wait_until
from runner import Skip, case

every_kind = ("legacy", "vlan-aware", "ovs")


class Guest:
    """One with its NIC: `end` speaks and hears as the guest does."""

    def __init__(self, host, name, network, kind="netns", **nic):
        self.host, self.name, self.kind = host, name, kind
        if kind == "netns" and name not in host.spaces:
            host.add_space(name)
        self.nic = host.client.call("VM.hotplugNic", {"vmId": name, "nic": {"network": network, "kind": kind, **nic}})["nic"]
        self.mac = self.nic["macAddr"]
        if kind == "netns":
            host.spaces[name].links(f"link set {self.nic.get('ifname') or 'eth0'} up")
            self.end = host.later(Wire(name, self.nic.get("ifname") or "eth0"))
        else:
            self.end = host.later(Tap(host.space.name, self.nic["port"]))

    def update(self, **changes):
        return self.host.client.call("VM.updateDevice", {"vmId": self.name, "deviceType": "interface", "macAddr": self.mac, **changes})

    def unplug(self):
        return self.host.client.call("VM.hotunplugNic", {"vmId": self.name, "nic": {"macAddr": self.mac}})


def expect(code, word, act):
    error = says_no(act, code)
    assert word in error.message, error
    return error


def define(host, networks):
    host.client.setup({name: {"switch": host.kind or "legacy", **network} for name, network in networks.items()})


def uplinks(host, *nics):
    return {nic: host.later(Wire(host.wire.name, nic)) for nic in nics}


def says(speaker, everybody, expected, tags=()):
    """Where a broadcast of the guest arrives: {name: tags}, each once."""
    ends = {one.end if isinstance(one, Guest) else one: name for name, one in everybody.items()}
    heard = shout(speaker.end, speaker.mac, list(ends), tags=tags, expected=[end for end, name in ends.items() if name in expected])
    return {ends[end]: tags for end, tags in heard.items()}


def comes_in(wire, everybody, expected, tags=()):
    ends = {one.end if isinstance(one, Guest) else one: name for name, one in everybody.items()}
    heard = shout(wire, "02:ff:00:00:00:01", list(ends), tags=tags, expected=[end for end, name in ends.items() if name in expected])
    return {ends[end]: tags for end, tags in heard.items()}


def same(wanted, found):
    assert wanted == found, f"wanted {wanted}, found {found}"


@case(kinds=every_kind)
def each_hears_its_own_network_and_no_other(host):
    define(host, {"web": {"nic": "eno1", "vlan": 100}, "db": {"nic": "eno1", "vlan": 200}, "far": {"nic": "eno2", "vlan": 100}, "flat": {"nic": "eno1"}})
    guests = {"web1": Guest(host, "web1", "web"), "web2": Guest(host, "web2", "web", "tap"), "db1": Guest(host, "db1", "db"),
              "far1": Guest(host, "far1", "far", "tap"), "flat1": Guest(host, "flat1", "flat")}
    wires = uplinks(host, "eno1", "eno2")
    everybody = {**guests, **wires}
    agree(host)
    tagged = [(100,)]
    same({"web2": [()], "eno1": tagged}, says(guests["web1"], everybody, ["web2", "eno1"]))
    same({"web1": [()], "eno1": tagged}, says(guests["web2"], everybody, ["web1", "eno1"]))
    same({"eno1": [(200,)]}, says(guests["db1"], everybody, ["eno1"]))
    same({"eno2": tagged}, says(guests["far1"], everybody, ["eno2"]))
    same({"eno1": [()]}, says(guests["flat1"], everybody, ["eno1"]))
    same({"web1": [()], "web2": [()]}, comes_in(wires["eno1"], everybody, ["web1", "web2"], tags=(100,)))
    same({"db1": [()]}, comes_in(wires["eno1"], everybody, ["db1"], tags=(200,)))
    same({"flat1": [()]}, comes_in(wires["eno1"], everybody, ["flat1"]))
    same({}, comes_in(wires["eno1"], everybody, [], tags=(300,)))
    same({"far1": [()]}, comes_in(wires["eno2"], everybody, ["far1"], tags=(100,)))
    same({}, comes_in(wires["eno2"], everybody, [], tags=(200,)))


@case(kinds=every_kind)
def a_guest_cannot_leave_its_network_with_tags_of_its_own(host):
    define(host, {"web": {"nic": "eno1", "vlan": 100}, "db": {"nic": "eno1", "vlan": 200}, "flat": {"nic": "eno1"}})
    guests = {"web1": Guest(host, "web1", "web"), "web2": Guest(host, "web2", "web"), "db1": Guest(host, "db1", "db")}
    everybody = {**guests, **uplinks(host, "eno1")}
    for tags in ((200,), (200, 200), (0, 200), (100, 200)):
        heard = says(guests["web1"], everybody, [], tags=tags)
        assert "db1" not in heard, f"{tags}: {heard}"
        assert all(path[:1] == (100,) for path in heard.get("eno1", [])), f"{tags}: {heard}"


@case()
def guests_of_a_network_inside_the_host(host):
    define(host, {"lan": {}, "dmz": {}})
    guests = {"a": Guest(host, "a", "lan"), "b": Guest(host, "b", "lan", "tap"), "c": Guest(host, "c", "dmz")}
    everybody = {**guests, **uplinks(host, "eno1")}
    agree(host)
    same({"b": [()]}, says(guests["a"], everybody, ["b"]))
    same({"a": [()]}, says(guests["b"], everybody, ["a"]))
    same({}, says(guests["c"], everybody, []))


@case("ovs")
def guests_of_an_ovs_network_inside_the_host(host):
    host.kind = "ovs"
    guests_of_a_network_inside_the_host(host)


@case()
def untagged_guests_reach_the_wire(host):
    define(host, {"web": {"nic": "eno1"}})
    guests = {"a": Guest(host, "a", "web"), "b": Guest(host, "b", "web", "tap")}
    everybody = {**guests, **uplinks(host, "eno1", "eno2")}
    same({"b": [()], "eno1": [()]}, says(guests["a"], everybody, ["b", "eno1"]))
    same({"a": [()], "eno1": [()]}, says(guests["b"], everybody, ["a", "eno1"]))
    same({"a": [()], "b": [()]}, comes_in(everybody["eno1"], everybody, ["a", "b"]))


def isolated_ports(host, network):
    define(host, network)
    (name,) = network
    guests = {"a": Guest(host, "a", name, port_isolated=True), "b": Guest(host, "b", name, port_isolated=True), "c": Guest(host, "c", name)}
    everybody = {**guests, **uplinks(host, "eno1")}
    tagged = [(network[name]["vlan"],) if "vlan" in network[name] else ()]
    same({"c": [()], "eno1": tagged}, says(guests["a"], everybody, ["c", "eno1"]))
    same({"a": [()], "b": [()], "eno1": tagged}, says(guests["c"], everybody, ["a", "b", "eno1"]))
    same({"a": [()], "b": [()], "c": [()]}, comes_in(everybody["eno1"], everybody, ["a", "b", "c"], tags=tagged[0]))


@case()
def isolated_ports_without_tags(host):
    isolated_ports(host, {"web": {"nic": "eno1"}})


@case(kinds=every_kind)
def isolated_ports_with_tags(host):
    isolated_ports(host, {"web": {"nic": "eno1", "vlan": 100}})


@case(kinds=every_kind)
def a_nic_moves_to_another_network_live(host):
    define(host, {"web": {"nic": "eno1", "vlan": 100}, "db": {"nic": "eno1", "vlan": 200, "mtu": 9000}})
    guests = {"a": Guest(host, "a", "web"), "b": Guest(host, "b", "web", "tap"), "d": Guest(host, "d", "db")}
    everybody = {**guests, **uplinks(host, "eno1")}
    for name in ("a", "b"):
        guest = guests[name]
        index = host.space.link(guest.nic["port"])["ifindex"]
        guest.update(network="db")
        agree(host)
        same({"d": [()], "eno1": [(200,)]}, says(guest, everybody, ["d", "eno1"]))
        assert host.space.link(guest.nic["port"])["mtu"] == 9000
        guest.update(linkActive=False)
        assert "UP" not in host.space.link(guest.nic["port"])["flags"]
        guest.update(linkActive=True, network="")
        agree(host)
        assert "UP" not in host.space.link(guest.nic["port"])["flags"]
        guest.update(network="web")
        agree(host)
        assert host.space.link(guest.nic["port"])["ifindex"] == index, "the port was made anew"
    same({"b": [()], "eno1": [(100,)]}, says(guests["a"], everybody, ["b", "eno1"]))
    same({"a": [()], "eno1": [(100,)]}, says(guests["b"], everybody, ["a", "eno1"]))


@case(kinds=every_kind)
def unplugging_leaves_nothing(host):
    define(host, {"web": {"nic": "eno1", "vlan": 100}})
    guests = [Guest(host, "a", "web"), Guest(host, "b", "web", "tap")]
    guests[1].end.close()
    host.closing.remove(guests[1].end)
    for guest in guests:
        assert guest.unplug()["changed"]
        assert host.space.link(guest.nic["port"]) is None
        assert guest.unplug()["changed"] is False
        agree(host)
    assert host.spaces["a"].link("eth0") is None
    assert host.client.call("VM.getNics")["nics"] == []


@case(kinds=every_kind)
def guests_go_with_their_network_to_another_vlan_and_nic(host):
    define(host, {"web": {"nic": "eno1", "vlan": 100}})
    guests = {"a": Guest(host, "a", "web"), "b": Guest(host, "b", "web", "tap")}
    everybody = {**guests, **uplinks(host, "eno1", "eno2")}
    for base, vlan in (("eno1", 101), ("eno2", 101), ("eno1", 100)):
        define(host, {"web": {"nic": base, "vlan": vlan}})
        agree(host)
        same({"b": [()], base: [(vlan,)]}, says(guests["a"], everybody, ["b", base]))
        same({"a": [()], base: [(vlan,)]}, says(guests["b"], everybody, ["a", base]))


@case()
def a_network_with_guests_is_not_removed(host):
    define(host, {"lan": {}})
    guest = Guest(host, "a", "lan")
    expect(21, "a", lambda: host.client.setup({"lan": {"remove": True}}))
    guest.unplug()
    host.client.setup({"lan": {"remove": True}})


@case()
def a_name_in_a_namespace_is_one_nics(host):
    define(host, {"web": {"nic": "eno1"}})
    first = Guest(host, "a", "web", "netns")
    expect(49, "is called eth0 in there", lambda: host.client.call("VM.hotplugNic", {"vmId": "a", "nic": {"kind": "netns", "network": "web"}}))
    second = host.client.call("VM.hotplugNic", {"vmId": "a", "nic": {"kind": "netns", "network": "web", "ifname": "eth1"}})["nic"]
    host.client.call("VM.hotunplugNic", {"vmId": "a", "nic": {"macAddr": second["macAddr"]}})
    first.unplug()
    agree(host)


@case()
def no_module_is_looked_for_by_the_name_of_a_nic(host):
    """Which the kernel does, by a program, for who asks it by an ioctl for a name that nothing has."""
    setting = pathlib.Path("/proc/sys/kernel/modprobe")
    if not (pathlib.Path("/run/lab").is_dir() and setting.exists()):
        raise Skip("only in a lab, whose kernel is its own and loads modules")
    asked, program, before = host.folder / "asked", host.folder / "modprobe", setting.read_text().strip()
    asked.touch()
    program.write_text(f"#!/bin/sh\necho \"$@\" >>{asked}\nexec {before} \"$@\"\n")
    program.chmod(0o755)
    define(host, {"lan": {}})
    setting.write_text(str(program))
    try:
        Guest(host, "a", "lan", ifname="inside7")
    finally:
        setting.write_text(before)
    assert "inside7" not in asked.read_text(), asked.read_text()


@case(start=False)
def a_netd_that_may_not_enter_namespaces_plugs_guests_in(host):
    host.netd.start(before=("setpriv", "--bounding-set", "-sys_admin")).ready()
    host.client = host.netd.client()
    define(host, {"lan": {}})
    guests = {"a": Guest(host, "a", "lan"), "b": Guest(host, "b", "lan", "tap")}
    same({"b": [()]}, says(guests["a"], guests, ["b"]))
    agree(host)
    # Nor does it have to, to see that its guest has given the name to something else.
    guests["a"].end.close()
    host.spaces["a"].links("link delete eth0", "link add eth0 type bridge")
    define(host, {"lan": {"mtu": 1400}})
    assert host.space.link(guests["a"].nic["port"]) is None
    host.spaces["a"].links("link delete eth0")
    assert host.client.call("VM.hotplugNic", {"vmId": "a", "nic": {"kind": "netns", "network": "lan", "macAddr": guests["a"].mac}})["changed"]
    agree(host)
    assert guests["a"].unplug()["changed"]
    assert host.spaces["a"].link("eth0") is None


@case(start=False)
def a_netd_that_may_not_look_at_processes_says_so_and_takes_a_namespace_by_its_name(host):
    host.netd.start(before=("setpriv", "--bounding-set", "-sys_ptrace,-sys_admin")).ready()
    host.client = host.netd.client()
    define(host, {"lan": {}})
    plug = lambda path: host.client.call("VM.hotplugNic", {"vmId": path, "nic": {"kind": "netns", "network": "lan"}})
    with host.add_space("a").start("sleep", "600") as container:
        try:
            expect(49, "may not look at", lambda: plug(f"/proc/{container.pid}/ns/net"))
            expect(49, "there is no network namespace", lambda: plug("/proc/0/ns/net"))
        finally:
            container.kill()
    assert Guest(host, "a", "lan").unplug()["changed"]


@case(kinds=every_kind)
def a_guest_that_takes_the_name_of_its_nic_is_in_nobodys_way(host):
    web = {"web": {"nic": "eno1", "vlan": 100}}
    define(host, web)
    guest, other = Guest(host, "a", "web"), Guest(host, "b", "web")
    takes = lambda: host.spaces["a"].links("link delete eth0", "link add eth0 type bridge")
    gives_back = lambda: host.spaces["a"].links("link delete eth0")
    again = lambda: host.client.call("VM.hotplugNic", {"vmId": "a", "nic": {"kind": "netns", "network": "web", "macAddr": guest.mac}})
    # While a change waits: it goes back, and the next one is made.
    number = host.client.send("Host.setupNetworks", {"networks": {"web": {"nic": "eno2", "vlan": 100, "switch": host.kind}}, "options": {"connectivityTimeout": 300}})
    wait_until(lambda: host.client.call("Host.getStatus")["transaction"], 60)
    guest.end.close()
    takes()
    assert host.client.call("Host.rollback")["rolledBack"]
    expect(10, "took the change back", lambda: host.client.receive(number))
    define(host, {"web": {**web["web"], "mtu": 1400}})
    guest.update(filter="trusted")
    assert host.space.link(guest.nic["port"]) is None
    expect(49, "is called eth0 already", again)
    everybody = {"b": other, **uplinks(host, "eno1")}
    same({"eno1": [(100,)]}, says(other, everybody, ["eno1"]))
    gives_back()
    assert again()["changed"]
    host.spaces["a"].links("link set eth0 up")
    guest.end = host.later(Wire("a", "eth0"))
    same({"a": [()], "eno1": [(100,)]}, says(other, {"a": guest, **everybody}, ["a", "eno1"]))
    agree(host, patience=5)
    # One that has it as an alternative name, and one that is unplugged meanwhile.
    guest.end.close()
    host.spaces["a"].links("link delete eth0", "link add mine type bridge", "link property add dev mine altname eth0")
    define(host, web)
    assert guest.unplug()["changed"]
    agree(host, patience=5)


@case()
def what_is_wrong_is_refused(host):
    define(host, {"lan": {}, "storage": {"nic": "eno2", "bridged": False}})
    host.add_space("a")
    for code, verb, params in [(49, "VM.hotplugNic", {"nic": {"network": "lan", "kind": "tap"}}),
                               (49, "VM.hotplugNic", {"vmId": "a", "nic": {"network": "nowhere", "kind": "tap"}}),
                               (49, "VM.hotplugNic", {"vmId": "a", "nic": {"network": "storage", "kind": "tap"}}),
                               (49, "VM.hotplugNic", {"vmId": "nobody", "nic": {"network": "lan", "kind": "netns"}}),
                               (49, "VM.hotplugNic", {"vmId": f"/proc/{host.netd.process.pid}/ns/net", "nic": {"network": "lan", "kind": "netns"}}),
                               (49, "VM.hotplugNic", {"vmId": "a", "nic": {"network": "lan", "kind": "netns", "macAddr": "01:00:00:00:00:01"}}),
                               (49, "VM.hotplugNic", {"vmId": "a", "nic": {"network": "lan", "kind": "netns", "macAddr": "rubbish"}}),
                               (49, "VM.hotplugNic", {"vmId": "a", "nic": {"network": "lan", "kind": "netns", "vlan": 7}}),
                               (49, "VM.hotplugNic", {"vmId": "a", "nic": {"network": "lan", "kind": "netns", "colour": 7}}),
                               (49, "VM.hotplugNic", {"vmId": "a", "nic": {"network": "lan", "kind": "libvirt"}}),
                               (56, "VM.updateDevice", {"vmId": "a", "macAddr": "02:00:00:00:00:09", "network": "lan"})]:
        try:
            answer = host.client.call(verb, params)
            raise AssertionError(f"{params}: not refused: {answer}")
        except RpcError as error:
            assert error.code == code, f"{params}: {error}"
    agree(host)
    assert host.client.call("VM.getNics")["nics"] == []


@case("ovs")
def guests_on_ovs_trunks_and_access_ports(host):
    host.kind = "ovs"
    trunks(host)


@case("vlan_filtering", "vlan")
def guests_on_vlan_aware_trunks_and_access_ports(host):
    host.kind = "vlan-aware"
    trunks(host)


def trunks(host):
    define(host, {"web": {"nic": "eno1", "vlan": 100}, "db": {"nic": "eno1", "vlan": 200}})
    guests = {"router": Guest(host, "router", "web", "tap", trunk="100,200"), "web1": Guest(host, "web1", "web"), "db1": Guest(host, "db1", "db")}
    everybody = {**guests, **uplinks(host, "eno1")}
    agree(host)
    same({"web1": [()], "eno1": [(100,)]}, says(guests["router"], everybody, ["web1", "eno1"], tags=(100,)))
    same({"db1": [()], "eno1": [(200,)]}, says(guests["router"], everybody, ["db1", "eno1"], tags=(200,)))
    same({"router": [(100,)], "eno1": [(100,)]}, says(guests["web1"], everybody, ["router", "eno1"]))
    same({}, says(guests["router"], everybody, [], tags=(300,)))


@case()
def guests_survive_a_restart_of_netd(host):
    define(host, {"lan": {}})
    guests = {"a": Guest(host, "a", "lan"), "b": Guest(host, "b", "lan", "tap")}
    for name, address in (("a", "10.0.0.1"),):
        host.spaces[name].links(f"addr add {address}/24 dev eth0")
    for end in (host.netd.stop, host.netd.kill):
        end()
        host.netd.start().ready()
        host.client = host.netd.client()
        same({"b": [()]}, says(guests["a"], guests, ["b"]))
        assert len(host.client.call("VM.getNics")["nics"]) == 2
        agree(host)


@case(kinds=every_kind)
def guests_ping_the_host_and_each_other(host):
    define(host, {"web": {"nic": "eno1", "vlan": 100, "ipaddr": "10.0.0.254", "prefix": 24}})
    for name, address in (("a", "10.0.0.1"), ("b", "10.0.0.2")):
        Guest(host, name, "web", filter="trusted")   # others are not let to the host
        host.spaces[name].links(f"addr add {address}/24 dev eth0")
    a, b = host.spaces["a"], host.spaces["b"]
    reached = lambda: reachable((a, "10.0.0.2"), (b, "10.0.0.1"), (a, "10.0.0.254"), (host.space, "10.0.0.2"))
    wait_until(lambda: all(reached()), what=lambda: reached())
