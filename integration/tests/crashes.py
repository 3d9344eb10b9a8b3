"""Killed at whichever step, the host comes back by itself to what was, or to what was asked for; and the table of it.

Each case is a transition of integration/transitions.py. netd is killed at a step of it, on the way there and on the way back; then either it is
started again, or the watchdog is left alone with it. By default at a few steps of each way, always the same ones, and only of the transitions that
have most in them; NETD_CRASHES=1 takes every step of all, 3 every third, and leaves the table in build/crashes."""

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


def killed(name, *needs, kinds=("",), make, rounds=Crashes, always=True, **how):
    """The case for a transition."""
    if not (always or every):
        return

    def act(host):
        rounds(host, name, make(host.kind), **how).all()
    act.__name__, act.__module__ = name.replace(" ", "_"), "crashes"
    case(*needs, kinds=kinds)(act)


killed("untagged networks and what is committed", make=transitions.untagged_and_committed)
killed("tags, gateways and routes", kinds=some("vlan-aware", "ovs"), make=transitions.tags)
killed("bridge options, roles and sysctls", make=transitions.options_roles_and_settings, always=False)
killed("a NIC becomes a bond", "bond", kinds=some("legacy"), make=transitions.a_nic_becomes_a_bond, always=False)
killed("a bond gets another mode and ports", "bond", kinds=some("ovs"), make=transitions.a_bond_changes)
killed("shares come and go", "hfsc", kinds=some("vlan-aware"), make=transitions.shares_come, always=False)
killed("shares change", "hfsc", kinds=("legacy",), make=transitions.shares)
killed("a tap is plugged in", kinds=untagged("", "vlan-aware"), make=transitions.a_tap_is_plugged, always=False)
killed("a namespace is plugged in", kinds=untagged("ovs"), make=transitions.a_pair_is_plugged, always=False)
killed("a guest's NIC moves", kinds=untagged(""), make=transitions.a_nic_of_a_guest_moves)
killed("limits and copies of guests", "htb", "mirred", kinds=some("legacy"), make=transitions.limits_and_copies, always=False)
killed("a network moves with its guests", kinds=untagged("ovs"), make=transitions.a_network_moves_with_its_guests, always=False)
killed("a repair", make=transitions.a_repair, always=False)
killed("leases and source routes", make=transitions.leases)
killed("a Linux bridge becomes one of Open vSwitch", "ovs", make=lambda _: transitions.conversion("legacy", "ovs", with_tags=False))
for of, to in (("legacy", "vlan-aware"), ("vlan-aware", "ovs"), ("ovs", "legacy")):
    killed(f"{of} becomes {to}", *of_all, make=lambda _, of=of, to=to: transitions.conversion(of, to), always=False)
for daemon, meanwhile, make, always in (("ovs-vswitchd", "a network moves with its guests", transitions.a_network_moves_with_its_guests, True),
                                        ("ovsdb-server", "tags change", transitions.tags, True),
                                        ("ovs-vswitchd", "tags change", transitions.tags, False),
                                        ("ovsdb-server", "a network moves with its guests", transitions.a_network_moves_with_its_guests, False)):
    killed(f"{daemon} dies while {meanwhile}", "ovs", make=lambda _, make=make: make("ovs"), rounds=OvsCrashes, always=always, daemon=daemon)
