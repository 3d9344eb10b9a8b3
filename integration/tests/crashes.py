"""Killed at whichever step, the host comes back by itself to what was, or to what was asked for; and the table of it.

Each case is a transition of integration/transitions.py. netd is killed at a step of it, on the way there and on the way back; then either it is
started again, or the watchdog is left alone with it. By default at a few steps of each way, always the same ones, and only of the transitions that
have most in them; NETD_CRASHES=1 takes every step of all, 3 every third, and leaves the table in build/crashes."""

import contextlib
import os

import transitions
from agree import agree
from crash_rounds import Crashes, OvsCrashes, Rounds, every
from host import run, wait_until
from killing import Strace, again
from runner import case

every_kind = ("legacy", "vlan-aware", "ovs")
with_untagged = ("", *every_kind)   # and one without tags, which needs little of a kernel


def killed(name, *needs, kinds=("",), by_default=(), make, rounds=Crashes, **how):
    """The case for a transition; without NETD_CRASHES only on the kinds of `by_default`."""
    chosen = kinds if every else by_default
    if not chosen:
        return

    def act(host):
        rounds(host, name, make(host.kind), **how).all()
    act.__name__, act.__module__ = name.replace(" ", "_"), "crashes"
    case(*needs, kinds=chosen)(act)


killed("untagged networks and what is committed", by_default=("",), make=transitions.untagged_and_committed)
killed("tags, gateways and routes", kinds=every_kind, by_default=("vlan-aware", "ovs"), make=transitions.tags)
killed("bridge options, roles and sysctls", make=transitions.options_roles_and_settings)
killed("a NIC becomes a bond", "bond", kinds=every_kind, make=transitions.a_nic_becomes_a_bond)
killed("a bond gets another mode and ports", "bond", kinds=every_kind, by_default=("ovs",), make=transitions.a_bond_changes)
killed("shares come and go", "hfsc", kinds=every_kind, make=transitions.shares_come)
killed("shares change", "hfsc", kinds=("legacy",), by_default=("legacy",), make=transitions.shares)
killed("a tap is plugged in", kinds=with_untagged, make=transitions.a_tap_is_plugged)
killed("a namespace is plugged in", kinds=with_untagged, make=transitions.a_pair_is_plugged)
killed("a guest's NIC moves", kinds=with_untagged, by_default=("",), make=transitions.a_nic_of_a_guest_moves)
killed("limits and copies of guests", "htb", "mirred", kinds=every_kind, make=transitions.limits_and_copies)
killed("a network moves with its guests", kinds=with_untagged, make=transitions.a_network_moves_with_its_guests)
killed("a repair", make=transitions.a_repair)
killed("leases and source routes", by_default=("",), make=transitions.leases)
killed("a Linux bridge becomes one of Open vSwitch", "ovs", by_default=("",), make=lambda _: transitions.conversion("legacy", "ovs", with_tags=False))
for of, to in (("legacy", "vlan-aware"), ("vlan-aware", "ovs"), ("ovs", "legacy")):
    killed(f"{of} becomes {to}", "vlan", "vlan_filtering", "ovs", make=lambda _, of=of, to=to: transitions.conversion(of, to))
for daemon, meanwhile, make, by_default in (("ovs-vswitchd", "a network moves with its guests", transitions.a_network_moves_with_its_guests, ("",)),
                                            ("ovsdb-server", "tags change", transitions.tags, ("",)),
                                            ("ovs-vswitchd", "tags change", transitions.tags, ()),
                                            ("ovsdb-server", "a network moves with its guests", transitions.a_network_moves_with_its_guests, ())):
    killed(f"{daemon} dies while {meanwhile}", "ovs", by_default=by_default, make=lambda _, make=make: make("ovs"), rounds=OvsCrashes, daemon=daemon)


@case()
def what_the_kernel_is_not_asked_in_a_change_it_is_asked_again(host):
    """It has no memory for one of the messages, be it a step or a question: what that was about is not forgotten."""
    rounds = Rounds(host, "messages that are not taken", transitions.untagged_and_committed(host.kind))
    for step in rounds.recorded("old", "new"):
        if step.call == "sendmsg":
            strace = Strace(host, "-e", "trace=sendmsg", "-e", f"inject=sendmsg:error=ENOBUFS:when={step.number}")
            rounds.go("new")
            strace.close()
            host.closing.remove(strace)
            found = rounds.settled(f"{step.words} was not taken")
            assert found == "new", f"{step.words} was not taken: it is {found}"
            agree(host, patience=10)
            rounds.fresh("old")


@case()
def no_client_runs_without_its_settings(host):
    """/run has no room for them: it comes when there is some."""
    leases = transitions.leases(host.kind)
    leases.prepare(host)
    for ask in leases.given:
        ask.run(host)
    strace = Strace(host, "-P", host.netd.run / "dhcp/eno2-4.conf", "-e", "trace=write", "-e", "inject=write:error=ENOSPC:when=1")
    assert leases.there.run(host), "netd died"   # done when the lease is there
    assert any("INJECTED" in line for line in strace.lines()), "it had room"
    assert "eno2-4.conf can't be written" in host.netd.log.read_text(), host.netd.told()
    agree(host, patience=10)


@case()
def no_client_runs_of_which_nobody_knows(host):
    """netd dies when a DHCP client of its is there, and not written down yet."""
    leases = transitions.leases(host.kind)
    leases.prepare(host)
    for ask in leases.given:
        ask.run(host)
    strace = Strace(host, "-P", host.netd.run / "dhcp/eno2-4.pid", "-e", "trace=write", "-e", "inject=write:signal=KILL")
    assert not leases.there.run(host), "netd did not die"
    assert strace.lines(), "it died of something else"
    again(host)
    leases.there.run(host)
    client = wait_until(lambda: host.netd.dhcp_clients().get("eno2-4"), 30, "the network has no client")
    sessions = set()
    for pid in run("pgrep", "-x", "dhcpcd").split():
        with contextlib.suppress(ProcessLookupError):   # a helper of its, which has ended
            sessions.add(os.getsid(int(pid)))
    assert sessions == {client}, f"of {sessions} one is known: {client}"


@case()
def a_device_goes_also_where_no_thread_is_to_be_had(host):
    """The kernel answers whoever deletes one late, so that is left to a thread; without one netd waits for it itself."""
    networks = {"web": {"nic": "eno1"}, "db": {"nic": "eno2"}}
    host.client.setup(networks)
    strace = Strace(host, "-e", "trace=clone,clone3", "-e", "inject=clone,clone3:error=EAGAIN")
    assert transitions.setup(transitions.removed(networks, {})).run(host), "netd died"
    assert any("INJECTED" in line for line in strace.lines()), "it had a thread"
    agree(host, patience=10)
