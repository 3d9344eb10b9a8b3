"""Open vSwitch is down, comes, goes and comes again; the networks of the kernel do not mind."""

import contextlib
import os
import signal
import time

from agree import agree
from client import RpcError, says_no
from crash_rounds import is_stopped
from guests import expect
from host import wait_until
from killing import record, signal_at
from runner import case

web = {"web": {"nic": "eno1", "vlan": 100, "switch": "ovs"}}


def ovs_is(host, connected):
    wait_until(lambda: host.client.call("Host.getStatus")["backends"]["ovs"]["connected"] == connected, 20, f"OVS is not {connected}")


def assert_out_of_reach(host, networks):
    error = says_no(lambda: host.client.setup(networks), 32)
    assert str(host.ovs.folder) in error.message, error


@case()
def it_is_not_there_and_then_it_is(host):
    assert_out_of_reach(host, web)
    host.client.setup({"ovirtmgmt": {"nic": "eno2", "ipaddr": "192.0.2.10", "prefix": 24}})
    agree(host)
    host.start_ovs("kernel" if host.abilities["ovs_kernel"] else "userspace")
    ovs_is(host, True)
    host.client.setup(web)
    agree(host)


@case("ovs")
def it_goes_and_comes_again(host):
    host.client.setup(web)
    host.ovs.close()
    ovs_is(host, False)
    assert_out_of_reach(host, {"db": {"nic": "eno1", "vlan": 200, "switch": "ovs"}})
    host.client.setup({"ovirtmgmt": {"nic": "eno2", "ipaddr": "192.0.2.10", "prefix": 24}})
    host.ovs.start()
    ovs_is(host, True)
    host.client.setup({"db": {"nic": "eno1", "vlan": 200, "switch": "ovs"}})
    host.client.setup(web)
    agree(host)


@case("ovs")
def netd_starts_before_it(host):
    host.client.setup(web)
    host.netd.stop()
    host.ovs.close()
    host.netd.start().ready()
    host.client = host.netd.client()
    assert "web" in host.client.call("Host.getRunningConfig")["networks"]
    host.ovs.start()
    ovs_is(host, True)
    host.client.setup(web)
    agree(host)


@case("ovs")
def ovs_vswitchd_dies_and_nothing_else_waits_for_it(host):
    host.client.setup(web)
    host.client.call("VM.hotplugNic", {"vmId": "vm1", "nic": {"kind": "tap", "network": "web"}})
    trouble = lambda: (host.client.call("Host.getStatus")["trouble"] or {"what": ""})["what"]
    assert not trouble() and "nothing was dropped" in host.netd.netctl("why", "vm1")
    host.ovs.kill("ovs-vswitchd")
    wait_until(lambda: "ovs-vswitchd does not answer" in trouble(), 10, "nobody says so")
    assert "not known now" in host.netd.netctl("why", "vm1"), "nobody is there who counts"
    begun = time.monotonic()
    expect(32, "ovs-vswitchd is not running", lambda: host.client.setup({"db": {"nic": "eno1", "vlan": 200, "switch": "ovs"}}))
    host.client.setup({"ovirtmgmt": {"nic": "eno2", "ipaddr": "192.0.2.10", "prefix": 24}})
    assert time.monotonic() - begun < 60
    assert set(host.client.call("Host.getRunningConfig")["networks"]) == {"web", "ovirtmgmt"}
    host.ovs.start_again("ovs-vswitchd")
    wait_until(lambda: not trouble(), 20, trouble)
    told = host.netd.log.read_text()
    assert "Open vSwitch: ovs-vswitchd does not answer" in told and "Open vSwitch answers again" in told, told
    agree(host, patience=20)
    host.client.setup({"db": {"nic": "eno1", "vlan": 200, "switch": "ovs"}})
    agree(host, patience=20)


@case("ovs")
def a_network_that_could_not_be_made_is_not_torn_down_for_it(host):
    host.client.setup({"lan": {"nic": "eno2", "ipaddr": "192.0.2.10", "prefix": 24}})
    host.ovs.kill("ovs-vswitchd")
    index = host.space.link("lan")["ifindex"]
    expect(32, "ovs-vswitchd is not running", lambda: host.client.setup({"lan": {"nic": "eno2", "switch": "ovs", "ipaddr": "192.0.2.10", "prefix": 24}}))
    assert host.space.link("lan")["ifindex"] == index
    agree(host)


@case("ovs")
def one_that_stands_still_cuts_nobody_off(host):
    lan, on_ovs = ({"lan": {"nic": "eno2", "ipaddr": "192.0.2.10", "prefix": 24, **more}} for more in ({}, {"switch": "ovs"}))
    trouble = lambda: (host.client.call("Host.getStatus")["trouble"] or {"what": ""})["what"]
    for existing in ({}, web):   # without and with a network that is on it already
        host.client.setup(lan)
        if existing:
            host.client.setup(existing)
        index = host.space.link("lan")["ifindex"]
        with host.ovs.stopped("ovs-vswitchd"):
            for options in ({}, {"timeout": 1}):
                asked = lambda: says_no(lambda: host.client.setup(on_ovs, confirm=None, **options), *(32, 40) if options else (32,))
                refusal = wait_until(lambda: (answer := asked()).code == 32 and answer, 60)   # 40: a repair has taken its second
                assert "ovs-vswitchd does not answer" in refusal.message and not refusal.message.startswith("rolled back"), refusal   # nothing was begun
            assert host.space.link("lan")["ifindex"] == index and not host.client.call("Host.getStatus")["transaction"]
            assert not existing or "ovs-vswitchd does not answer" in trouble(), trouble()
            host.client.setup({"lan": dict(lan["lan"], mtu=1400)})
            host.space.links("link set lan mtu 1300")
            wait_until(lambda: host.space.link("lan")["mtu"] == 1400, 20, "drift waits for Open vSwitch")
        wait_until(lambda: not trouble(), 20, trouble)
        host.client.setup(on_ovs)
        agree(host, patience=20)


@case("ovs")
def while_the_whole_machine_stands_still_nobody_has_time_to_answer(host):
    def is_made():
        """Whoever is first on the processor again finds that his time is over."""
        with host.ovs.stopped("ovs-vswitchd"):
            number = host.client.send("Host.setupNetworks", {"networks": web, "options": {"connectivityCheck": False}})
            time.sleep(0.5)
            os.kill(host.netd.process.pid, signal.SIGSTOP)
            time.sleep(7)
            os.kill(host.netd.process.pid, signal.SIGCONT)
            time.sleep(0.2)
        with contextlib.suppress(RpcError):
            return host.client.receive(number)["outcome"] == "committed"
    assert is_made() or is_made(), host.netd.told()
    agree(host)


@case("ovs")
def nor_time_to_take_the_flows_of_a_guest(host):
    host.client.setup(web)
    guest = {"vmId": "a", "nic": {"network": "web", "kind": "tap", "macAddr": "56:6f:00:00:00:01"}}
    unplug = lambda: host.client.call("VM.hotunplugNic", guest)
    step = next(step for step in record(host, lambda: host.client.call("VM.hotplugNic", guest)) if step.words == "OpenFlow")
    unplug()
    netd = host.netd.process.pid

    def is_plugged_in():
        strace = signal_at(host, step, "STOP")
        number = host.client.send("VM.hotplugNic", guest)
        wait_until(lambda: is_stopped(netd), what="it says nothing to the switch")
        with host.ovs.stopped("ovs-vswitchd"):
            os.kill(netd, signal.SIGCONT)
            time.sleep(0.5)
            os.kill(netd, signal.SIGSTOP)
            time.sleep(7)
            os.kill(netd, signal.SIGCONT)
            time.sleep(0.2)
        strace.close()
        with contextlib.suppress(RpcError):
            return host.client.receive(number)["changed"]
    assert is_plugged_in() or is_plugged_in(), host.netd.told()
    agree(host)


@case("ovs")
def one_that_comes_to_stand_still_while_a_change_waits(host):
    lan = {"nic": "eno2", "ipaddr": "192.0.2.10", "prefix": 24}
    host.client.setup({"lan": lan})
    other = host.netd.client()
    number = host.client.waiting({"networks": {"lan": {**lan, "switch": "ovs"}}, "options": {"connectivityTimeout": 60}})
    with host.ovs.stopped("ovs-vswitchd"):
        other.send("Host.rollback")
        # Its way back does not wait for one that does not answer, so that whoever asks is told.
        expect(29, "degraded", lambda: host.client.receive(number))
        expect(29, "earlier change", lambda: other.setup({"db": {"nic": "eno3"}}))
    wait_until(lambda: not other.call("Host.getStatus")["trouble"], 30, lambda: other.call("Host.getStatus"))
    other.setup({"db": {"nic": "eno3"}})
    assert other.call("Host.getRunningConfig")["networks"]["lan"]["switch"] == "legacy"
    agree(host, patience=20)


@case("ovs")
def foreign_ports_and_bridges_survive(host):
    host.space.links("link add foreign0 type veth peer name foreign1", "link set foreign0 up")
    host.ovs.vsctl("add-br", "br-int", "--", "set", "bridge", "br-int", "datapath_type=netdev" if not host.abilities["ovs_kernel"] else "datapath_type=system")
    host.client.setup(web)
    host.ovs.vsctl("add-port", "ovs-eno1", "foreign0", "tag=100", "external_ids:who=me")
    for vlan in (101, 102):
        host.client.setup({"web": dict(web["web"], vlan=vlan)})
        ports = {row["name"]: row for row in host.ovs.rows("Port")}
        assert ports["foreign0"]["tag"] == 100 and ports["foreign0"]["external_ids"] == {"who": "me"}, ports["foreign0"]
    host.client.setup({"web": {"remove": True}})
    assert host.ovs.vsctl("br-exists", "br-int") == ""
