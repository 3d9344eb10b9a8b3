"""The way back leads as far as it can: past guests that ended, past what somebody put in the way, and past a disk that takes nothing any more."""

import time

from agree import agree
from client import RpcError
from host import is_alive, run, wait_until
from killing import Strace, again
from rollback import assert_as, before_it_ends, mgmt, see, take_back, wait_for_change
from runner import case
from storage import Mount

moved = {"ovirtmgmt": dict(mgmt, ipaddr="192.0.2.99", gateway="192.0.2.7")}


def address_of(host, device):
    return [one["local"] for one in host.space.ip("-4", "addr", "show", "dev", device)[0]["addr_info"]]


def master_of(host, nic):
    return (host.space.link(nic) or {}).get("master")


def refusal_of(host, number):
    try:
        answer = host.client.receive(number)
    except RpcError as error:
        return error
    raise AssertionError(f"not refused: {answer}")


def plug_in_box(host, network):
    host.add_space("box")
    nic = host.client.call("VM.hotplugNic", {"vmId": host.spaces["box"].name, "nic": {"kind": "netns", "network": network}})["nic"]
    return {"vmId": nic["vmId"], "nic": {"macAddr": nic["macAddr"]}}, nic["port"]


def end_box(host, port):
    host.spaces.pop("box").close()
    wait_until(lambda: host.space.link(port) is None, 20, "the guest's port stays")


@case()
def a_guest_that_ends_while_a_change_waits_keeps_nobody_from_going_back(host):
    host.client.setup({"ovirtmgmt": mgmt})
    nic, port = plug_in_box(host, "ovirtmgmt")
    number = wait_for_change(host, moved, 200)
    end_box(host, port)
    take_back(host)
    assert refusal_of(host, number).code == 10
    assert address_of(host, "ovirtmgmt") == ["192.0.2.10"] and host.space.ip("route", "show", "default")[0]["gateway"] == "192.0.2.1"
    assert host.client.call("Host.getStatus")["trouble"] is None
    # And its network is changed, and others have guests, although it is gone.
    host.client.setup({"ovirtmgmt": dict(mgmt, mtu=1400), "lan": {"nic": "eno2"}})
    host.client.call("VM.hotplugNic", {"vmId": "tap", "nic": {"kind": "tap", "network": "ovirtmgmt"}})
    assert host.client.call("VM.hotunplugNic", nic)["changed"]
    agree(host)


@case(kinds=("legacy", "vlan-aware", "ovs"))
def a_network_goes_elsewhere_without_the_guest_that_is_gone(host):
    web = {"nic": "eno1", "vlan": 7, "switch": host.kind}
    host.client.setup({"web": web})
    nic, port = plug_in_box(host, "web")
    name = host.spaces["box"].name
    end_box(host, port)
    host.client.setup({"web": dict(web, nic="eno2", mtu=1400)})
    number = wait_for_change(host, {"web": dict(web, nic="eno3")}, 2)
    assert refusal_of(host, number).code == 10
    assert [one["vmId"] for one in host.client.call("VM.getNics")["nics"]] == [name]
    assert host.client.call("VM.hotunplugNic", nic)["changed"]
    assert host.client.call("Host.getDrift")["networks"] == {}


@case()
def what_is_blocked_keeps_nothing_else_from_going_back(host):
    host.client.setup({"ovirtmgmt": mgmt, "web": {"nic": "eno2"}})
    before = see(host)
    number = wait_for_change(host, dict(moved, web={"nic": "eno3"}), 60)
    host.space.links("link add link eno2 name macvlan0 type macvlan mode bridge")   # the kernel gives such a NIC to no bridge
    take_back(host)
    assert "blocked" in refusal_of(host, number).message
    assert address_of(host, "ovirtmgmt") == ["192.0.2.10"] and master_of(host, "eno1") == "ovirtmgmt" and master_of(host, "eno3") is None
    assert host.client.call("Host.getStatus")["trouble"]
    host.space.links("link delete macvlan0")
    wait_until(lambda: not host.client.call("Host.getStatus")["trouble"], 20)
    assert_as(before, host)
    agree(host)


@case(start=False)
def a_disk_that_became_read_only_brings_no_ended_change_back(host):
    host.netd.state.mkdir(parents=True)
    run("mount", "-t", "tmpfs", "state", host.netd.state)
    host.later(Mount(host.netd.state))
    again(host)
    host.client.setup({"ovirtmgmt": mgmt})
    wait_for_change(host, dict(moved, lan={}), 60)
    run("mount", "-o", "remount,ro", host.netd.state)
    with host.netd.client() as other:
        assert other.call("Host.rollback")["rolledBack"]
    before = see(host)
    host.netd.kill()
    again(host)
    assert host.client.call("Host.getStatus")["transaction"] is None
    assert host.client.call("Host.confirmConnectivity")["confirmed"] is False
    assert host.client.call("Host.getRunningConfig")["networks"]["ovirtmgmt"]["ipaddr"] == "192.0.2.10"
    assert_as(before, host)
    host.netd.stop()   # which has a view of its own of what is mounted how
    run("mount", "-o", "remount,rw", host.netd.state)
    again(host)
    host.client.setup({"lan": {}})
    agree(host)


def the_watchdog_brings_back(host, before):
    wait_until(lambda: not any(map(is_alive, host.netd.watchdogs)), 60, "the watchdog stays")
    assert_as(before, host)
    again(host)
    agree(host)


@case()
def the_watchdog_goes_on_until_nothing_is_in_the_way(host):
    host.client.setup({"ovirtmgmt": mgmt})
    before = see(host)
    before_it_ends(host, {"ovirtmgmt": dict(mgmt, nic="eno2", ipaddr="192.0.2.99")}, 3, lambda: host.space.links("link add link eno1 name macvlan0 type macvlan mode bridge"))
    host.netd.kill()
    wait_until(lambda: (host.netd.run / "lock").read_text().startswith("watchdog"), 30, "the watchdog does not begin")
    time.sleep(3)   # one that gives up does so by then
    assert any(map(is_alive, host.netd.watchdogs))
    host.space.links("link delete macvlan0")
    the_watchdog_brings_back(host, before)


@case()
def the_watchdog_reads_again_what_could_not_be_read(host):
    """The journal may be on a disk that the change itself has cut off, for a while."""
    host.client.setup({"ovirtmgmt": mgmt})
    before = see(host)
    journal, away = host.netd.state / "transaction", host.netd.state / "away"

    def make_unreadable():
        journal.rename(away)
        journal.symlink_to("away")

    before_it_ends(host, moved, 5, make_unreadable)
    host.netd.kill()
    wait_until(lambda: "can't be read" in host.netd.told(), 30, "the watchdog does not begin")
    time.sleep(3)   # one that gives up does so by then
    assert any(map(is_alive, host.netd.watchdogs))
    away.rename(journal)
    the_watchdog_brings_back(host, before)


@case()
def the_watchdog_tells_nothing_as_taken_back_that_it_could_not_read(host):
    """It has seen the change, and waited for its end: what fails then is only how it is read to be taken back."""
    host.client.setup({"ovirtmgmt": mgmt})
    before = see(host)
    attached = []

    def fails_to_read():
        for earlier in attached:
            earlier.close()
        attached.append(Strace(host, "-f", "-P", host.netd.state / "transaction", "-e", "trace=openat", "-e", "inject=openat:error=EIO:when=2", thread=host.netd.watchdogs[-1]))
        assert host.client.call("Host.getStatus")["transaction"], "it has gone back already"

    before_it_ends(host, moved, 5, fails_to_read)
    strace = attached[-1]
    host.netd.kill()
    wait_until(lambda: strace.log.read_text().count("INJECTED") > 2, 30, "it does not try again")
    assert "brought back" not in host.netd.told() and any(map(is_alive, host.netd.watchdogs))
    strace.close()
    the_watchdog_brings_back(host, before)


@case()
def what_was_in_the_way_and_is_gone_untold_keeps_nobody_from_going_back(host):
    """No descriptors are left, and nothing happens on the host by which netd could hear that there are some again."""
    host.client.setup({"ovirtmgmt": mgmt})
    before = see(host)
    number = wait_for_change(host, {"ovirtmgmt": dict(moved["ovirtmgmt"], nic="eno2")}, 200)
    strace = Strace(host, "-e", "trace=openat", "-e", "inject=openat:error=EMFILE")
    take_back(host)
    assert refusal_of(host, number).code == 29
    time.sleep(12)   # what its own tries change is heard by then
    assert any("INJECTED" in line for line in strace.lines()), "it had descriptors"
    wait_until(lambda: not host.client.call("Host.getStatus")["trouble"], 90, lambda: host.client.call("Host.getStatus")["trouble"])
    assert_as(before, host)
    agree(host)
