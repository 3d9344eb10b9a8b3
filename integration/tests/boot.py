"""After a boot: the committed definitions and no others, NICs that are called otherwise or come late, Open vSwitch that comes late."""

import time

from agree import agree
from client import says_no
from host import wait_until
from runner import case
from storage import reboot, start

mgmt = {"nic": "eno1", "ipaddr": "192.0.2.10", "prefix": 24, "gateway": "192.0.2.1", "defaultRoute": True}


def networks(host, which="running"):
    return host.client.call("Host.getRunningConfig", {"which": which})["networks"]


def comes_about(host):
    wait_until(lambda: not any(host.client.call("Host.getDrift").values()), 10, lambda: str(host.client.call("Host.getDrift")))
    agree(host)


@case()
def a_nic_that_is_called_otherwise_is_found_by_its_mac(host):
    host.client.setup({"ovirtmgmt": mgmt, "web": {"nic": "eno2"}, "lan": {}}, commitOnSuccess=True)
    reboot(host, nics=())
    for number, nic in enumerate(("enp3s0", "eno1", "eno3"), 1):   # eno1 is called enp3s0, and eno2 is called eno1
        host.add_nic(nic, number)
    start(host)
    assert networks(host)["ovirtmgmt"]["nic"] == "enp3s0" and networks(host)["web"]["nic"] == "eno1", networks(host)
    assert host.space.link("enp3s0")["master"] == "ovirtmgmt" and host.space.link("eno1")["master"] == "web"
    status = host.client.call("Host.getStatus")
    assert status["renamed"] == {"eno1": "enp3s0", "eno2": "eno1"} and not status["netConfigDirty"], status
    agree(host)
    # A request that still says eno2, which nothing is called any more, means the same; committed, it is known by its new name.
    assert host.client.setup({"web": {"nic": "eno2"}})["changed"] is False
    host.client.call("Host.setSafeNetworkConfig")
    reboot(host, nics=())
    for number, nic in enumerate(("eno1", "eno2", "eno3"), 1):
        host.add_nic(nic, number)
    start(host)
    assert networks(host)["ovirtmgmt"]["nic"] == "eno1" and networks(host)["web"]["nic"] == "eno2", networks(host)
    agree(host)


@case()
def a_nic_that_comes_late_is_taken_in_and_nobody_waits_for_it(host):
    host.client.setup({"ovirtmgmt": mgmt, "web": {"nic": "eno2", "mtu": 9000}, "lan": {}}, commitOnSuccess=True)
    reboot(host, nics=("eno1",))
    start(host)
    assert host.space.link("ovirtmgmt") and host.space.link("lan") and not host.space.link("web")
    assert "web" not in host.client.call("Host.getNetworkCapabilities")["networks"] and host.client.call("Host.getDrift")["networks"]["web"]
    assert not host.client.call("Host.getStatus")["trouble"]
    host.client.setup({"more": {}})
    host.add_nic("eno2", 2)
    comes_about(host)
    assert host.space.link("eno2")["master"] == "web" and host.space.link("eno2")["mtu"] == 9000
    assert host.client.call("Host.getStatus")["drift"]["contested"] == []
    # It goes, and comes again as another device under another name.
    host.space.links("link delete eno2")
    wait_until(lambda: host.client.call("Host.getDrift")["networks"], 5)
    time.sleep(1.5)
    host.add_nic("usb0", 2)
    comes_about(host)
    assert host.space.link("usb0")["master"] == "web" and networks(host)["web"]["nic"] == "usb0" == networks(host, "committed")["web"]["nic"]


@case(kinds=("legacy", "vlan-aware", "ovs"))
def a_card_that_has_the_name_of_one_that_comes_late_is_not_taken_for_it(host):
    host.client.setup({"ovirtmgmt": dict(mgmt, switch=host.kind), "web": {"nic": "eno2", "vlan": 100, "ipaddr": "198.51.100.2", "prefix": 24, "switch": host.kind}}, commitOnSuccess=True)
    reboot(host, nics=())
    host.add_nic("eno1", 2)   # what was eno2; and what was eno1 has not come
    start(host)
    away = "enx525400000001"
    assert networks(host)["ovirtmgmt"]["nic"] == away and networks(host)["web"]["nic"] == "eno1", networks(host)
    assert host.space.link("web") and set(host.client.call("Host.getDrift")["networks"]) == {"ovirtmgmt"}, host.client.call("Host.getDrift")
    assert host.kind == "ovs" or not host.space.link("ovirtmgmt")   # Open vSwitch has kept its port over the boot
    status = host.client.call("Host.getStatus")
    assert status["renamed"] == {"eno1": away, "eno2": "eno1"} and not status["trouble"] and not status["netConfigDirty"], status
    # who sends it again by the name of before means the card that is away, and none of that name is there
    says_no(lambda: host.client.setup({"ovirtmgmt": dict(mgmt, switch=host.kind)}), 23)
    assert networks(host)["ovirtmgmt"]["nic"] == away
    host.add_nic("eno2", 1)
    comes_about(host)
    assert host.client.call("Host.getStatus")["renamed"] == {"eno1": "eno2", "eno2": "eno1", away: "eno2"}
    for _ in range(2):
        assert networks(host) == networks(host, "committed") and networks(host)["ovirtmgmt"]["nic"] == "eno2" and networks(host)["web"]["nic"] == "eno1", networks(host)
        host.netd.stop()   # and whoever is started then does not swap them once more
        start(host)
        agree(host)
        assert host.client.call("Host.getStatus")["renamed"] == {"eno1": "eno2", "eno2": "eno1"}
    # At the next boot each has its first name again, and the same one is late.
    reboot(host, nics=())
    host.add_nic("eno2", 2)
    start(host)
    assert networks(host)["ovirtmgmt"]["nic"] == "eno1" and networks(host)["web"]["nic"] == "eno2", networks(host)
    assert set(host.client.call("Host.getDrift")["networks"]) == {"ovirtmgmt"}
    host.add_nic("eno1", 1)
    comes_about(host)
    assert networks(host)["ovirtmgmt"]["nic"] == "eno1" and networks(host)["web"]["nic"] == "eno2", networks(host)


@case(words=("--drift", "report"))
def a_nic_that_comes_late_is_taken_in_also_where_drift_is_left(host):
    host.client.setup({"ovirtmgmt": {"nic": "eno1", "ipaddr": "192.0.2.10", "prefix": 24}, "lan": {"nic": "eno2"}}, commitOnSuccess=True)
    reboot(host, nics=())
    host.add_nic("eno2", 2)
    start(host)
    host.space.links("link set lan mtu 1400")
    host.add_nic("eno1", 1)
    wait_until(lambda: host.space.link("eno1").get("master") == "ovirtmgmt", 20, "eno1 is left out")
    wait_until(lambda: set(host.client.call("Host.getDrift")["networks"]) == {"lan"}, 20, lambda: host.client.call("Host.getDrift")["networks"])


@case("bond", "vlan", kinds=("legacy", "vlan-aware", "ovs"))
def a_bond_comes_up_with_the_ports_that_are_there(host):
    kind = {"switch": host.kind}
    host.client.setup({"web": {"bonding": "bond0", "vlan": 100, **kind}, "db": {"bonding": "bond1", **kind}},
                      {"bond0": {"nics": ["eno1", "eno2"], "options": "mode=4 miimon=100", **kind}, "bond1": {"nics": ["eno3"], **kind}}, commitOnSuccess=True)
    devices = ("bond0", "web") if host.kind != "vlan-aware" else ("bond0",)   # there the network is a tag of the bond's bridge
    macs = [host.space.link(device)["address"] for device in devices]
    reboot(host, nics=())
    host.add_nic("eno2", 2)
    start(host)
    assert host.space.link("eno2")["master"] == "bond0" and not host.space.link("bond1")
    found = [host.space.link(device)["address"] for device in devices]
    assert found == macs, (found, macs)   # that of the NIC that is late
    assert [one["subject"] for one in host.client.call("Host.getDrift")["networks"]["web"]] == ["eno1"]
    # What is on it can be edited meanwhile.
    host.client.setup({"more": {"bonding": "bond0", "vlan": 200, "mtu": 9000, **kind}})
    host.add_nic("eno1", 1)
    host.add_nic("eno3", 3)
    comes_about(host)
    assert host.space.link("eno1")["master"] == "bond0" and host.space.link("eno3")["master"] == "bond1"


@case()
def what_was_never_committed_is_gone_and_the_default_route_is_back(host):
    host.client.setup({"ovirtmgmt": mgmt}, commitOnSuccess=True)
    host.client.setup({"other": {"nic": "eno2", "ipaddr": "198.51.100.2", "prefix": 24, "gateway": "198.51.100.1", "defaultRoute": True}})
    assert host.client.call("Host.getStatus")["netConfigDirty"]
    reboot(host)
    start(host)
    assert list(networks(host)) == ["ovirtmgmt"] and not host.client.call("Host.getStatus")["netConfigDirty"]
    assert [route["dev"] for route in host.space.ip("route", "show", "default")] == ["ovirtmgmt"]
    agree(host)


@case(words=("--drift", "report"))
def what_is_refused_takes_nothing_else_away_though_nobody_repairs_it(host):
    host.client.setup({"ovirtmgmt": mgmt, "alpha": {"nic": "eno2", "ipaddr": "198.51.100.2", "prefix": 24}, "lan": {"nic": "eno3"}}, commitOnSuccess=True)
    reboot(host)
    host.space.links("link add alpha type veth peer name ahpla")
    start(host)
    assert [route["dev"] for route in host.space.ip("route", "show", "default")] == ["ovirtmgmt"]
    assert host.space.link("eno1")["master"] == "ovirtmgmt" and host.space.link("eno3")["master"] == "lan"
    status = host.client.call("Host.getStatus")
    assert status["trouble"]["subject"] == "alpha" and status["last"]["outcome"] == "degraded" and "way back" not in status["last"]["why"], status
    assert set(networks(host)) == {"ovirtmgmt", "alpha", "lan"} and list(host.client.call("Host.getDrift")["networks"]) == ["alpha"]
    host.space.links("link delete alpha")
    assert host.client.setup({"alpha": {"nic": "eno2", "ipaddr": "198.51.100.2", "prefix": 24}})["changed"]
    assert host.client.call("Host.getStatus")["trouble"] is None
    agree(host)


@case("ovs")
def an_open_vswitch_that_comes_late_is_taken_in(host):
    host.client.setup({"web": {"nic": "eno1", "vlan": 100, "switch": "ovs"}}, commitOnSuccess=True)
    host.client.setup({"lan": {"nic": "eno2"}}, commitOnSuccess=True)
    socket, host.ovs.start = host.ovs.folder / "db.sock", host.ovs.start
    host.netd.stop()
    host.ovs.close()
    socket.unlink(missing_ok=True)
    reboot(host)
    start(host)
    assert host.space.link("lan") and not host.space.link("web")
    host.start_ovs("kernel" if host.abilities["ovs_kernel"] else "userspace")
    wait_until(lambda: host.space.link("web"), 20)
    comes_about(host)


@case(start=False)
def a_restart_does_not_begin_the_first_change_anew(host):
    from agree import changes, photograph
    host.space.links("link set eno1 up", "addr add 192.0.2.10/24 dev eno1", "route add default via 192.0.2.1 dev eno1")
    before = photograph(host.space)
    first = ("--management", "eno1")
    host.netd.start(more=first).ready()
    host.client = host.netd.client()
    transaction = host.client.call("Host.getStatus")["transaction"]
    host.netd.kill()
    host.netd.start(more=first).ready()
    host.client = host.netd.client()
    assert host.client.call("Host.getStatus")["transaction"]["id"] == transaction["id"]
    assert [one["local"] for one in host.space.ip("-4", "addr", "show", "dev", "ovirtmgmt")[0]["addr_info"]] == ["192.0.2.10"]
    assert host.client.call("Host.rollback")["rolledBack"]
    assert not (differences := changes(before, photograph(host.space))), differences


@case(start=False)
def a_management_nic_that_comes_late_is_taken_over(host):
    def comes():
        """False where the machine stood still until netd did not wait for a way out any longer."""
        reboot(host, nics=("eno2",))
        host.netd.start(more=("--management", "eno1")).ready()
        host.client = host.netd.client()
        assert "eno1" in host.client.call("Host.getStatus")["trouble"]["what"]
        host.add_nic("eno1", 1)
        # It is not set up, as before a DHCP server has answered: an address without the way out is not all yet.
        wait_until(lambda: "when it has" in host.client.call("Host.getStatus")["trouble"]["what"], 20)
        begun = time.monotonic()
        host.space.links("link set eno1 up", "addr add 192.0.2.10/24 dev eno1")
        time.sleep(0.5)
        is_waited_for = not host.client.call("Host.getStatus")["transaction"]
        host.space.run("ip", "route", "add", "default", "via", "192.0.2.1", "dev", "eno1", check=False)   # it has no address any more once it is taken over
        set_up = time.monotonic()
        time.sleep(0.3)
        host.space.run("ip", "addr", "add", "2001:db8::10/64", "dev", "eno1", "nodad", check=False)   # others set IPv6 up after IPv4
        is_in_time = time.monotonic() - begun < 10 and time.monotonic() - set_up < 1.5
        assert is_waited_for or not is_in_time, "an address is all that it takes"
        if not is_in_time:
            wait_until(lambda: host.client.call("Host.rollback")["rolledBack"])
        return is_in_time
    wait_until(comes)
    wait_until(lambda: host.client.call("Host.getStatus")["transaction"], 20)
    assert host.client.call("Host.confirmConnectivity")["confirmed"]
    assert networks(host, "committed")["ovirtmgmt"] == {**networks(host, "committed")["ovirtmgmt"], **mgmt, "ipv6addr": "2001:db8::10/64"} and not host.client.call("Host.getStatus")["trouble"]
    agree(host)


@case(start=False)
def a_management_nic_that_no_definition_can_have_is_told_of_no_change(host):
    reboot(host, nics=("eno2",))
    host.netd.start(more=("--management", "eno1")).ready()
    host.client = host.netd.client()
    events = host.netd.subscribe("transaction.rolled-back")
    says_no(lambda: host.client.setup({"web": {"nic": "eno2"}}, confirm=False, connectivityTimeout=1), 10)
    assert events.next()[1]["transaction"]
    # Nobody's address: the kernel has it, and no network may.
    host.space.links("link add late type veth peer name else", "addr add 192.0.2.0/24 dev late")
    wait_until(lambda: host.client.call("Host.getNetworkCapabilities")["nics"].get("late", {}).get("addr"))
    host.space.links("link set late name eno1", "link set eno1 up", "link set else up", "route add default via 192.0.2.9 dev eno1")
    refused = events.next()[1]
    assert refused["transaction"] is None and "name of its subnet" in refused["why"], refused
    assert host.client.call("Host.getStatus")["last"]["transaction"] is None
    assert not networks(host)


@case(start=False)
def the_management_nic_goes_back_if_nobody_confirms(host):
    from agree import changes, photograph
    host.space.links("link set eno1 up", "addr add 192.0.2.10/24 dev eno1", "route add default via 192.0.2.1 dev eno1")
    before, begun = photograph(host.space), time.monotonic()
    host.netd.start(more=("--management", "eno1", "--management-timeout", "8")).ready()
    host.client = host.netd.client()
    assert host.client.call("Host.getStatus")["transaction"] and host.space.link("ovirtmgmt") or time.monotonic() - begun > 8, "it does not wait"
    wait_until(lambda: not host.client.call("Host.getStatus")["transaction"], 40)
    assert not (differences := changes(before, photograph(host.space))), differences
    assert host.client.call("Host.getStatus")["last"]["outcome"] == "rolled-back"
    assert not networks(host) and not networks(host, "committed")
    # It does not insist: an engine that comes later asks for itself.
    says_no(lambda: host.client.setup({"ovirtmgmt": {"remove": True}}), 27)
