"""Whatever goes wrong, the host ends as it was or as it was asked to be: refused by the kernel, not confirmed, or killed while it waits. Killed at each step: crashes.py."""

import contextlib
import difflib
import os
import pathlib
import re
import subprocess
import sys
import time

from agree import agree, changes, photograph
from client import RpcError, says_no
from host import is_alive, wait_until
from killing import again
from monitor import Monitor
from runner import case

mgmt = {"nic": "eno1", "ipaddr": "192.0.2.10", "prefix": 24, "gateway": "192.0.2.1", "defaultRoute": True}
every_kind = ("legacy", "vlan-aware", "ovs")
five_nics = tuple(f"eno{number}" for number in range(1, 6))


def see(host):
    return photograph(host.space, host.ovs if host.kind == "ovs" else None)


def assert_as(before, host, when=""):
    differences = changes(before, see(host))
    assert not differences, "\n".join([when, *differences])


def expect(host, code, networks, bondings=None, **how):
    return says_no(lambda: host.client.setup(networks, bondings, **how), code)


def plan_for(kind):
    """From one set of networks to another that shares nothing and everything with it: (old, new, bonds of the new)."""
    if not kind:
        old = {"ovirtmgmt": mgmt, "lan": {"nic": "eno4"}}
        new = {"ovirtmgmt": dict(mgmt, nic="eno2", mtu=9000, ipaddr="192.0.2.11", ipv6addr="2001:db8::1/64"), "lan": {"remove": True},
               "storage": {"nic": "eno3", "bridged": False, "ipaddr": "10.40.0.10", "prefix": 24, "gateway": "10.40.0.1"}}
        return old, new
    old = {"web": {"nic": "eno1", "vlan": 100, "switch": kind}, "ovirtmgmt": dict(mgmt, switch=kind)}
    new = {"web": {"nic": "eno2", "vlan": 101, "mtu": 9000, "switch": kind}, "ovirtmgmt": dict(mgmt, vlan=7, switch=kind),
           "db": {"nic": "eno1", "vlan": 100, "ipaddr": "10.0.0.1", "prefix": 24, "switch": kind}}
    return old, new


@case()
def nobody_confirms(host):
    old, new = plan_for("")
    host.client.setup(old)
    before, begun = see(host), time.monotonic()
    error = expect(host, 10, new, confirm=False, connectivityTimeout=2)
    assert 1.9 < time.monotonic() - begun < 40 and "confirm" in error.message, error
    assert_as(before, host)
    agree(host)


@case(kinds=every_kind)
def nobody_confirms_a_change_with_tags(host):
    old, new = plan_for(host.kind)
    host.client.setup(old)
    before = see(host)
    expect(host, 10, new, confirm=False, connectivityTimeout=1)
    assert_as(before, host)
    agree(host)


@case("bond", kinds=every_kind)
def nobody_confirms_a_bond(host):
    host.client.setup({"web": {"nic": "eno1", "vlan": 100, "switch": host.kind}})
    before = see(host)
    expect(host, 10, {"web": {"bonding": "bond0", "vlan": 101, "mtu": 9000, "switch": host.kind}},
           {"bond0": {"nics": ["eno1", "eno2"], "options": "mode=4 miimon=100"}}, confirm=False, connectivityTimeout=1)
    assert_as(before, host)
    agree(host)


@case()
def a_confirmation_that_came_too_early_does_not_count(host):
    with host.netd.client() as early:
        early.call("Host.confirmConnectivity")
        expect(host, 10, {"ovirtmgmt": mgmt}, confirm=False, connectivityTimeout=1)


def assert_refused_by_the_kernel(host, networks):
    before, running = see(host), host.client.call("Host.getRunningConfig")
    error = expect(host, 29, networks)
    assert error.message.startswith("rolled back: "), error
    assert_as(before, host)
    assert host.client.call("Host.getRunningConfig") == running
    assert host.client.call("Host.getStatus")["last"]["outcome"] == "rolled-back"
    agree(host)


@case()
def the_kernel_refuses_a_route(host):
    old, new = plan_for("")
    host.client.setup(old)
    new["storage"].update(ipv6autoconf=True, routes=[{"to": "2001:db8:9::/48", "via": "2001:db8:8::1"}])
    assert_refused_by_the_kernel(host, new)


@case(kinds=every_kind)
def the_kernel_refuses_a_route_of_a_change_with_tags(host):
    old, new = plan_for(host.kind)
    host.client.setup(old)
    new["db"].update(ipv6autoconf=True, routes=[{"to": "2001:db8:9::/48", "via": "2001:db8:8::1"}])
    assert_refused_by_the_kernel(host, new)


@case()
def a_nic_vanishes_while_a_change_waits(host):
    host.client.setup({"ovirtmgmt": mgmt})
    number = wait_for_change(host, {"web": {"nic": "eno2", "mtu": 9000}}, 60)
    host.space.links("link delete eno2")
    take_back(host)
    says_no(lambda: host.client.receive(number), 10)
    assert host.space.link("web") is None
    assert list(host.client.call("Host.getNetworkCapabilities")["networks"]) == ["ovirtmgmt"]
    # And what stood on a NIC that is gone can be removed.
    host.client.setup({"lan": {"nic": "eno3"}})
    host.space.links("link delete eno3")
    host.client.setup({"lan": {"remove": True}})
    assert host.space.link("lan") is None


@case()
def everything_as_it_was_on_a_nic_that_was_taken_over(host):
    space = host.space
    space.links("link set eno1 mtu 1450 up", "addr add 192.0.2.10/24 brd 192.0.2.255 dev eno1", "addr add 192.0.2.11/24 dev eno1", "addr add 2001:db8::10/64 dev eno1 nodad",
                "route add default via 192.0.2.1 dev eno1 metric 100", "route add 198.51.100.0/24 via 192.0.2.2 dev eno1", "route add default via 2001:db8::1 dev eno1")
    before = see(host)
    expect(host, 10, {"ovirtmgmt": dict(mgmt, mtu=1500, ipv6addr="2001:db8::10/64", ipv6gateway="2001:db8::1")}, confirm=False, connectivityTimeout=1)
    assert_as(before, host)
    expect(host, 10, {"storage": {"nic": "eno1", "bridged": False, "ipaddr": "10.0.0.1", "prefix": 24}}, confirm=False, connectivityTimeout=1)
    assert_as(before, host)


@case(start=False)
def a_first_start_takes_the_management_nic_over(host):
    space = host.space
    space.links("link set eno1 up", "addr add 192.0.2.10/24 dev eno1", "route add default via 192.0.2.1 dev eno1")
    host.netd.start(more=("--management", "eno1")).ready()
    host.client = host.netd.client()
    status = host.client.call("Host.getStatus")
    assert status["transaction"] and [one["local"] for one in space.ip("-4", "addr", "show", "dev", "ovirtmgmt")[0]["addr_info"]] == ["192.0.2.10"], status
    assert host.client.call("Host.confirmConnectivity")["confirmed"]
    agree(host)
    assert host.client.call("Host.getStatus")["netConfigDirty"] is False
    host.client.setup({"ovirtmgmt": {"remove": True}}, allowDisconnect=True)
    assert "master" not in space.link("eno1")


def wait_for_change(host, networks, seconds):
    """Sends it and waits until it is made and waits for its confirmation; the number of the request."""
    return host.client.waiting({"networks": networks, "options": {"connectivityTimeout": seconds}})


def before_it_ends(host, networks, seconds, act):
    """The number of a change that waits, when `act` has been done meanwhile: once more, with more time, where the machine stood still until
    the change had gone back."""
    begun, number = time.monotonic(), wait_for_change(host, networks, seconds)
    try:
        act()
        return number
    except Exception:
        if time.monotonic() - begun < seconds:
            raise
    with contextlib.suppress(RpcError):
        host.client.receive(number)
    wait_until(lambda: not any(host.client.call("Host.getDrift").values()), 20, lambda: host.client.call("Host.getDrift"))
    number = wait_for_change(host, networks, 5 * seconds)
    act()
    return number


def take_back(host):
    """What waits; it need not be waited for until nobody has confirmed it in time."""
    with host.netd.client() as other:
        other.call("Host.rollback")


def disturb(host):
    """Takes away what the change that waits has made, and what it left alone."""
    made = {"": ("ovirtmgmt",), "legacy": ("web", "ovirtmgmt"), "vlan-aware": ("vb-eno1",), "ovs": ()}
    for link in (*made[host.kind], "apart"):
        host.space.links(f"link delete {link}")
    if host.kind == "ovs":
        host.ovs.vsctl("del-br", "ovs-eno1")


def before_a_change(host):
    """The definitions that are to come, and how the host is before: with a network beside them that they leave alone."""
    old, new = plan_for(host.kind)
    host.client.setup(old)
    host.client.setup({"apart": {"nic": "eno5"}})
    return new, see(host)


def becomes(expected, host, patience=30):
    wait_until(lambda: not changes(expected, see(host)), patience, lambda: "\n".join(changes(expected, see(host))))


@case(kinds=("", *every_kind), nics=five_nics)
def a_bridge_that_is_deleted_while_a_change_waits_is_back_before_it_ends(host):
    new, before = before_a_change(host)
    with host.netd.client() as other:
        for end in ("Host.rollback", "Host.confirmConnectivity"):
            number = wait_for_change(host, new, 200)
            asked = other.call("Host.getStatus")["transaction"]["id"]
            after = see(host)
            for _ in range(2):
                disturb(host)
                becomes(after, host)
            assert other.call("Host.getStatus")["transaction"]["id"] == asked
            wait_until(lambda: not any(other.call("Host.getDrift").values()), 5, lambda: other.call("Host.getDrift"))   # told a moment after it was done
            other.call(end)
            try:
                host.client.receive(number)
            except RpcError as error:
                assert error.code == 10 and end == "Host.rollback", error
            assert_as(before if end == "Host.rollback" else after, host, end)
            agree(host)
    assert set(new) - {name for name in new if "remove" in new[name]} <= set(host.client.call("Host.getRunningConfig")["networks"])


@case(kinds=("", *every_kind), nics=five_nics)
def a_change_that_was_mended_while_it_waited_is_taken_back_by_the_watchdog(host):
    new, before = before_a_change(host)

    def is_mended():
        after = see(host)
        disturb(host)
        becomes(after, host)
    before_it_ends(host, new, 15, is_mended)
    host.netd.kill()
    becomes(before, host, 40)
    again(host)
    assert_as(before, host)
    agree(host)


@case(kinds=("", *every_kind), nics=five_nics)
def killed_in_the_midst_of_a_repair_a_change_that_waits_is_all_there_or_all_gone(host):
    new, before = before_a_change(host)
    for confirms in (False, True, True):
        after = []

        def is_at_it():
            after.append(see(host))
            events = host.netd.subscribe("drift.found")
            disturb(host)
            events.within(20)   # or about to be
        before_it_ends(host, new, 15 if not confirms else 120, is_at_it)
        host.netd.kill()
        if confirms:
            again(host)
            is_kept = host.client.call("Host.confirmConnectivity")["confirmed"]
            becomes(after[-1] if is_kept else before, host)
            agree(host, patience=10)
            if is_kept:
                return
        else:
            left = lambda: [line for line in changes(before, see(host)) if "'apart'" not in line and "'eno5'" not in line]
            wait_until(lambda: not left(), 40, lambda: "\n".join(left()))
            again(host)
            becomes(before, host)   # what the change is not about is drift, and mended as such
            agree(host, patience=10)


@case()
def rules_that_are_flushed_while_a_change_waits_are_back_at_once(host):
    old, new = plan_for("")
    host.client.setup(old)
    guests = [{"vmId": f"vm{number}", "nic": {"kind": "tap", "network": "ovirtmgmt", "filter": "strict", "filterParameters": [{"name": "IP", "value": "10.0.0.7"}], "port_isolated": True}} for number in (1, 2)]
    for guest in guests:
        host.client.call("VM.hotplugNic", guest)
    # Without what frames added.
    table = lambda: re.sub(r"\s*elements = \{[^}]*counter[^}]*\}", "", "".join(host.space.run("nft", "-s", "list", "table", family, "netd", check=False) for family in ("bridge", "inet")))
    before, rules_before = see(host), table()
    number = wait_for_change(host, new, 60)
    rules = table()
    news = host.netd.subscribe("security.restored")
    for harm in ("flush ruleset", "delete table bridge netd"):
        host.space.run("nft", harm)
        wait_until(lambda: table() == rules, 10, lambda: f"after '{harm}':\n" + "\n".join(difflib.unified_diff(rules.splitlines(), table().splitlines())))
        news.next(harm)
    take_back(host)
    says_no(lambda: host.client.receive(number), 10)
    assert_as(before, host)
    assert table() == rules_before
    agree(host)


@case()
def killed_while_waiting_the_watchdog_brings_it_back_in_time(host):
    old, new = plan_for("")
    host.client.setup(old)
    before = see(host)
    begun = time.monotonic()
    wait_for_change(host, new, 8)
    host.netd.kill()
    for when in ("the change was not made", "it was taken back too early"):
        assert changes(before, see(host)) or time.monotonic() - begun > 8, when
        time.sleep(1)
    becomes(before, host, 60)
    wait_until(lambda: not any(map(is_alive, host.netd.watchdogs)), 10, "the watchdog stays")
    again(host)
    assert_as(before, host)
    agree(host)


@case()
def killed_while_waiting_and_started_again_it_can_be_confirmed(host):
    old, new = plan_for("")
    host.client.setup(old)
    wait_for_change(host, new, 120)
    host.netd.kill()
    again(host)
    after = see(host)
    assert host.client.call("Host.confirmConnectivity")["confirmed"]
    assert_as(after, host)
    agree(host)
    assert "storage" in host.client.call("Host.getRunningConfig")["networks"]


@case(kinds=("", *every_kind))
def killed_while_waiting_a_change_with_guests_can_be_confirmed(host):
    """As if it had never died: what is looked at before it is kept is as it was made."""
    old, new = plan_for(host.kind)
    host.client.setup(old)
    for number, more in enumerate(({"filter": "strict", "filterParameters": [{"name": "IP", "value": "10.0.0.7"}]}, {"port_isolated": True, "portMirroring": ["ovirtmgmt"] if host.kind else []}), 1):
        host.client.call("VM.hotplugNic", {"vmId": f"vm{number}", "nic": {"kind": "tap", "network": "ovirtmgmt", **more}})
    wait_for_change(host, new, 120)
    host.netd.kill()
    again(host)
    after = see(host)
    assert host.client.call("Host.confirmConnectivity")["confirmed"], host.client.call("Host.getStatus")
    assert_as(after, host)
    agree(host)


@case("bond", kinds=every_kind)
def killed_while_waiting_a_bond_can_be_confirmed(host):
    host.client.setup({"web": {"nic": "eno1", "vlan": 100, "switch": host.kind}})
    host.client.waiting({"networks": {"web": {"bonding": "bond0", "vlan": 101, "mtu": 9000, "switch": host.kind}},
                         "bondings": {"bond0": {"nics": ["eno1", "eno2"], "options": "mode=1 miimon=100"}}, "options": {"connectivityTimeout": 120}})
    host.netd.kill()
    again(host)
    assert host.client.call("Host.confirmConnectivity")["confirmed"], host.client.call("Host.getStatus")
    agree(host)


@case()
def killed_while_waiting_and_started_again_it_still_expires(host):
    old, new = plan_for("")
    host.client.setup(old)
    before = see(host)
    begun = time.monotonic()
    wait_for_change(host, new, 10)
    host.netd.kill()
    again(host)
    assert host.client.call("Host.getStatus")["transaction"] or time.monotonic() - begun > 10, "it has not gone on waiting"
    wait_until(lambda: not host.client.call("Host.getStatus")["transaction"], 40)
    assert_as(before, host)
    agree(host)


@case()
def a_restart_changes_nothing(host):
    old, _ = plan_for("")
    host.client.setup(old)
    before, running = see(host), host.client.call("Host.getRunningConfig")
    monitor = Monitor(host)
    monitor.settle(quiet=2.0)   # a bridge has something to say of its ports some time after they came
    for end in (host.netd.stop, host.netd.kill):
        end()
        again(host)
        assert host.client.call("Host.getRunningConfig") == running
        assert not (written := monitor.written(0.3)), written
    assert_as(before, host)
    agree(host)


@case()
def while_a_way_back_is_blocked_nothing_is_told_as_begun_or_taken_back(host):
    define = {"web": {"nic": "eno2"}}
    host.client.setup(define)
    events = host.netd.subscribe("transaction.")
    number = wait_for_change(host, {"web": {"nic": "eno3"}}, 60)
    host.space.links("link add link eno2 name macvlan0 type macvlan mode bridge")
    take_back(host)
    error = says_no(lambda: host.client.receive(number), 29)
    assert error.message.startswith("degraded: "), error
    events.until(lambda seen: any(topic == "transaction.degraded" for topic, _ in seen))
    assert not expect(host, 29, {"lan": {}}).message.startswith("rolled back")
    says_no(lambda: host.client.call("VM.hotplugNic", {"vmId": "a", "nic": {"network": "web", "kind": "tap"}}), 29)
    assert events.all() == [] and host.client.call("Host.getStatus")["last"]["outcome"] == "degraded"
    host.space.links("link delete macvlan0")
    assert [topic for topic, _ in events.until(lambda seen: seen)] == ["transaction.rolled-back"]
    agree(host)


ANOTHER = """
import sys, time
from client import Client, RpcError
engine, asks = Client(sys.argv[1]), Client(sys.argv[1])
number = engine.send("Host.setupNetworks", {"networks": {"other": {}}, "options": {"connectivityTimeout": 120}})
asks.call("Host.ping2")
print(asks.call("Host.confirmConnectivity")["confirmed"], flush=True)
sys.stdin.readline()
print(engine.receive_confirmed(number, asks)["outcome"], flush=True)
"""


@case()
def whoever_polls_for_a_change_of_his_own_in_the_queue_keeps_nobody_elses(host):
    number = host.client.send("Host.setupNetworks", {"networks": {"lan": {}}, "options": {"connectivityTimeout": 60}})
    with host.netd.client() as mine:
        wait_until(lambda: mine.call("Host.getStatus")["transaction"])
        waiting = mine.call("Host.getStatus")["transaction"]["id"]
        other = subprocess.Popen([sys.executable, "-c", ANOTHER, host.netd.control], cwd=pathlib.Path(__file__).parent.parent, text=True,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            assert other.stdout.readline() == "False\n"
            assert mine.call("Host.getStatus")["transaction"]["id"] == waiting
            assert mine.call("Host.confirmConnectivity")["confirmed"]
            host.client.receive(number)
            other.stdin.write("\n")
            other.stdin.flush()
            assert other.stdout.readline() == "committed\n"
        finally:
            other.kill()
            other.wait()
    agree(host)


@case()
def the_log_tells_who_asked_for_what_and_what_came_of_it(host):
    me = f"by uid 0 (pid {os.getpid()})"
    host.client.setup({"web": {"nic": "eno2"}, "lan": {}})
    nic = host.client.call("VM.hotplugNic", {"vmId": "a", "nic": {"network": "web", "kind": "tap"}})["nic"]
    host.client.call("Host.setSafeNetworkConfig")
    expect(host, 23, {"db": {"nic": "eno9"}})
    log = host.netd.log.read_text()
    for line in (f"Host.setupNetworks {me}: lan, web", "is confirmed " + me, f"VM.hotplugNic {me}: NIC {nic['macAddr']} of a", f"Host.setSafeNetworkConfig {me}", f"Host.setupNetworks {me}: refused (23)"):
        assert line in log, (line, log)
    host.space.links("link set web mtu 1400")
    wait_until(lambda: "web: mtu of web is 1400, and should be 1500" in host.netd.log.read_text(), what=host.netd.told)
