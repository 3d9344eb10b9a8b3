"""Killed at whichever step, the host comes back by itself to what was, or to what was asked for; and the table of it.

Each case is a transition of integration/transitions.py. netd is killed at a step of it, on the way there and on the way back; then either it is
started again, or the watchdog is left alone with it. By default at a few steps of each way, always the same ones; NETD_CRASHES=1 takes every step,
3 every third, and leaves the table in build/crashes."""

import transitions
from crash_rounds import Crashes, OvsCrashes, every
from runner import case

every_kind = ("legacy", "vlan-aware", "ovs")
of_all = ("vlan", "vlan_filtering", "ovs")


def some(*kinds):
    """A run of all steps takes all kinds."""
    return every_kind if every else kinds


def untagged(*kinds):
    """Likewise, and one without tags, which needs little of a kernel."""
    return ("", *every_kind) if every else kinds


def killed(name, *needs, kinds=("",), make, rounds=Crashes, **how):
    """The case for a transition."""
    def act(host):
        rounds(host, name, make(host.kind), **how).all()
    act.__name__, act.__module__ = name.replace(" ", "_"), "crashes"
    case(*needs, kinds=kinds)(act)


killed("untagged networks and what is committed", make=transitions.untagged_and_committed, thorough=True)
killed("tags, gateways and routes", kinds=some("vlan-aware", "ovs"), make=transitions.tags)
killed("bridge options, roles and sysctls", make=transitions.options_roles_and_settings)
killed("a NIC becomes a bond", "bond", kinds=some("legacy"), make=transitions.a_nic_becomes_a_bond)
killed("a bond gets another mode and ports", "bond", kinds=some("ovs"), make=transitions.a_bond_changes)
killed("shares come and go", "hfsc", kinds=some("vlan-aware"), make=transitions.shares_come)
killed("shares change", "hfsc", kinds=("legacy",), make=transitions.shares)
killed("a tap is plugged in", kinds=untagged("", "vlan-aware"), make=transitions.a_tap_is_plugged)
killed("a namespace is plugged in", kinds=untagged("", "ovs"), make=transitions.a_pair_is_plugged)
killed("a guest's NIC moves", kinds=untagged("", "ovs"), make=transitions.a_nic_of_a_guest_moves)
killed("limits and copies of guests", "htb", "mirred", kinds=some("legacy"), make=transitions.limits_and_copies)
killed("a network moves with its guests", kinds=untagged("", "ovs"), make=transitions.a_network_moves_with_its_guests)
killed("a repair", make=transitions.a_repair)
killed("leases and source routes", make=transitions.leases)
killed("a Linux bridge becomes one of Open vSwitch", "ovs", make=lambda _: transitions.conversion("legacy", "ovs", with_tags=False))
for of, to in (("legacy", "vlan-aware"), ("vlan-aware", "ovs"), *((("ovs", "legacy"),) if every else ())):
    killed(f"{of} becomes {to}", *of_all, make=lambda _, of=of, to=to: transitions.conversion(of, to))
killed("ovs-vswitchd dies while a network moves with its guests", "ovs", make=lambda _: transitions.a_network_moves_with_its_guests("ovs"), rounds=OvsCrashes, daemon="ovs-vswitchd")
killed("ovsdb-server dies while tags change", "ovs", make=lambda _: transitions.tags("ovs"), rounds=OvsCrashes, daemon="ovsdb-server")
if every:
    killed("ovs-vswitchd dies while tags change", "ovs", make=lambda _: transitions.tags("ovs"), rounds=OvsCrashes, daemon="ovs-vswitchd")
    killed("ovsdb-server dies while a network moves with its guests", "ovs", make=lambda _: transitions.a_network_moves_with_its_guests("ovs"), rounds=OvsCrashes, daemon="ovsdb-server")
