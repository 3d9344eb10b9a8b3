"""A switch on the wire is the root of the spanning tree: it sets the pace for the host's bridge, whose own timers netlink does not tell then."""

from agree import agree
from client import says_no
from guests import define
from host import wait_until
from runner import case

timers = "forward_delay=1000 max_age=1900 hello_time=300"


def bridge_of(host):
    return "vb-eno1" if host.kind == "vlan-aware" else "web"


def now(host):
    return host.space.link(bridge_of(host))["linkinfo"]["info_data"]


def with_a_root(host, timers="forward_delay 400 max_age 600 hello_time 100"):
    host.wire.links(f"link add sw type bridge stp_state 1 priority 0 {timers}", "link set eno1 master sw", "link set sw up")


def is_led(host):
    wait_until(lambda: now(host)["root_port"], 20, "the switch is not the root")


def ages_quickly(host):
    """With a forward delay of 200."""
    wait_until(lambda: now(host)["topology_change"] and now(host)["ageing_time"] == 400, 30, "the topology does not change")


def nobody_confirms(host, networks):
    says_no(lambda: host.client.setup({name: {"switch": host.kind or "legacy", **network} for name, network in networks.items()}, confirm=False, connectivityTimeout=3), 10)
    assert not host.client.call("Host.getStatus")["trouble"]
    agree(host)


@case()
@case(kinds=("vlan-aware",))
def timers_of_another_root_are_not_the_bridges_own(host):
    with_a_root(host)
    define(host, {"web": {"nic": "eno1", "stp": True, "custom": {"bridge_opts": timers}}})
    is_led(host)
    wait_until(lambda: now(host)["forward_delay"] == 400, 20, "it goes by its own timers")
    agree(host)
    define(host, {"web": {"nic": "eno1", "stp": True, "custom": {"bridge_opts": timers.replace("1000", "1200")}, "mtu": 1400}})
    agree(host)
    host.wire.links("link set eno1 nomaster", "link delete sw")
    wait_until(lambda: not now(host)["root_port"], 30, "it is no root again")
    assert now(host)["forward_delay"] == 1200, now(host)
    agree(host)


@case()
@case(kinds=("vlan-aware",))
def stp_beside_another_root_is_switched_off_and_taken_back(host):
    with_a_root(host, "")
    define(host, {"web": {"nic": "eno1"}})
    nobody_confirms(host, {"web": {"nic": "eno1", "stp": True}})
    define(host, {"web": {"nic": "eno1", "stp": True}})
    is_led(host)
    nobody_confirms(host, {"web": {"nic": "eno1"}})
    nobody_confirms(host, {"web": {"nic": "eno1", "stp": True, "custom": {"bridge_opts": timers}}})
    define(host, {"web": {"nic": "eno1"}})
    agree(host)
    define(host, {"lan": {"nic": "eno2"}})
    agree(host)


@case()
@case(kinds=("vlan-aware",))
def a_short_ageing_time_while_the_topology_changes_is_the_trees(host):
    define(host, {"web": {"nic": "eno1", "stp": True, "custom": {"bridge_opts": "forward_delay=200 ageing_time=10000"}}})
    ages_quickly(host)
    host.space.links(f"link set {bridge_of(host)} mtu 1400")   # so that it is looked at
    wait_until(lambda: host.space.link(bridge_of(host))["mtu"] == 1500, 10, "it is not repaired")
    told = now(host)
    assert told["ageing_time"] == (400 if told["topology_change"] else 10000), told
    agree(host)
    number = host.client.send("Host.setupNetworks", {"networks": {"web": {"remove": True}}, "options": {"connectivityTimeout": 1}})
    says_no(lambda: host.client.receive(number), 10)
    wait_until(lambda: now(host)["ageing_time"] in (400, 10000), 10, lambda: now(host))
    assert now(host)["topology_change"] or now(host)["ageing_time"] == 10000, now(host)
    agree(host)


@case()
@case(kinds=("vlan-aware",))
def the_short_ageing_time_goes_with_stp(host):
    define(host, {"web": {"nic": "eno1", "stp": True, "custom": {"bridge_opts": "forward_delay=200"}}})
    ages_quickly(host)
    define(host, {"web": {"nic": "eno1"}})
    assert now(host)["ageing_time"] == 30000, now(host)
    agree(host)
