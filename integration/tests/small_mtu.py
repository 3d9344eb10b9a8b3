"""MTUs too small for IPv6: below 1280 the kernel takes a link's part of it away, with every setting, and brings it anew with a larger one."""

from pathlib import Path

from agree import agree
from client import says_no
from frames import inside
from host import wait_until
from runner import case


def settings(host, device):
    """What the host's stack is told of IPv6 there; none: it has no part of it."""
    with inside(host.space.name):
        folder = Path("/proc/sys/net/ipv6/conf") / device
        return {key: int((folder / key).read_text()) for key in ("disable_ipv6", "accept_ra", "autoconf")} if folder.is_dir() else None


class Steps:
    """Each is looked at when it stands, and taken back before, once, when nobody confirms it."""

    def __init__(self, host):
        self.host = host

    def stands(self, bonds=None, /, **networks):
        self.host.client.setup(networks, bonds)
        self.holds()

    def both_ways(self, bonds=None, /, **networks):
        error = says_no(lambda: self.host.client.setup(networks, bonds, confirm=False, connectivityTimeout=1), 10)
        assert "confirmed" in error.message, error
        self.holds()
        self.stands(bonds, **networks)

    def holds(self):
        agree(self.host)
        trouble = lambda: self.host.client.call("Host.getStatus")["trouble"]
        wait_until(lambda: not trouble(), 20, trouble)   # an ovs-vswitchd that is late is told of


@case(kinds=("legacy", "ovs"))
def an_mtu_falls_below_what_ipv6_needs_and_rises_again(host):
    steps = Steps(host)
    web = lambda **more: {"web": {"nic": "eno1", "switch": host.kind, **more}}
    there = lambda: settings(host, "web")
    steps.both_ways(**web(mtu=1000))
    assert there() is None and settings(host, "eno1") is None
    steps.both_ways(**web())
    assert there()["disable_ipv6"] == settings(host, "eno1")["disable_ipv6"] == 1
    for more in ({"ipv6addr": "2001:db8:1::1/64", "ipv6gateway": "2001:db8:1::9"}, {"ipv6autoconf": True}, {"ipv6autoconf": True, "mtu": 1280}):
        steps.both_ways(**web(**more))
        is_led = "ipv6autoconf" in more
        assert there() == {"disable_ipv6": 0, "accept_ra": is_led, "autoconf": is_led}, there()
        steps.both_ways(**web(mtu=1279))
        assert there() is None
        steps.both_ways(**web(**more))
        steps.stands(**web(mtu=68))
    steps.stands(**web(mtu=1500), lan={"switch": host.kind, "mtu": 1000})
    steps.both_ways(web={"remove": True}, lan={"switch": host.kind, "ipv6addr": "2001:db8:2::1/64"})


@case("ovs")
def ovs_is_told_of_an_mtu_before_ipv6_is_set_up_on_it(host):
    """Whatever size somebody else gives a device of its own, ovs-vswitchd takes back to the one that it was told."""
    for number in range(40):
        more = {"ipv6autoconf": True} if number % 2 else {"ipv6addr": "2001:db8:1::1/64"}
        for how in ({"mtu": 1000}, more):
            host.client.setup({"web": {"nic": "eno1", "switch": "ovs", **how}}, confirm=None)
    Steps(host).holds()


@case(kinds=("", "ovs"))
def what_others_set_is_there_again_with_the_mtu(host):
    """Who lowers an MTU of netd's takes IPv6 away; the device has what was wanted when netd has put it right."""
    host.client.setup({"web": {"nic": "eno1", "switch": host.kind or "legacy", "ipv6addr": "2001:db8:1::1/64"}})
    host.space.links("link set web mtu 1000")
    is_back = lambda: (settings(host, "web") or {}).get("accept_ra") == 0 and host.space.link("web")["mtu"] == 1500
    wait_until(is_back, 20, lambda: f"{settings(host, 'web')} {host.space.link('web')}")
    agree(host, patience=10)


@case("vlan", "bond", kinds=("legacy", "vlan-aware", "ovs"))
def networks_with_tags_are_too_small_for_ipv6(host):
    steps = Steps(host)
    for at, bonds in (({"nic": "eno1"}, None), ({"bonding": "bond0"}, {"bond0": {"nics": ["eno2", "eno3"], "options": "mode=active-backup miimon=100", "switch": host.kind}})):
        tagged = lambda tag, mtu=1000, **more: {f"v{tag}": {"vlan": tag, "mtu": mtu, "switch": host.kind, **at, **more}}
        steps.both_ways(bonds, **tagged(40))
        steps.stands(**tagged(50))
        steps.both_ways(**tagged(40, 1100))
        steps.both_ways(**tagged(40, 1500, ipv6addr="2001:db8:1::1/64"))
        steps.both_ways(**tagged(40), **tagged(50, bridged=False))
        steps.both_ways(v40={"remove": True}, v50={"remove": True}, plain={"mtu": 1000, "switch": host.kind, **at})
        steps.both_ways(plain={"remove": True}, **tagged(40))
        steps.both_ways(v40={"remove": True})
        assert settings(host, at.get("nic", "bond0"))["disable_ipv6"] == 0


@case("vlan", "vlan_filtering", "ovs")
def a_small_network_becomes_one_of_another_kind(host):
    steps = Steps(host)
    tagged = lambda kind: {f"v{tag}": {"nic": "eno1", "vlan": tag, "mtu": 1000, "switch": kind} for tag in (40, 50)}
    steps.stands(**tagged("legacy"))
    for kind in ("vlan-aware", "ovs", "legacy", "ovs", "vlan-aware", "legacy"):
        steps.both_ways(**tagged(kind))


@case("vlan")
def what_others_have_is_there_again_after_a_small_network_is_taken_back(host):
    host.space.links("link set eno1 up", "addr add 2001:db8:5::5/64 dev eno1 nodad", "link add link eno1 name other.7 type vlan id 7", "link set other.7 up", "addr add 2001:db8:7::7/64 dev other.7 nodad")
    places = lambda: {one["local"] for device in ("eno1", "other.7") for one in host.space.ip("-6", "addr", "show", "dev", device)[0]["addr_info"] if one["scope"] == "global"}
    before = places(), settings(host, "eno1")
    says_no(lambda: host.client.setup({"v40": {"nic": "eno1", "vlan": 40, "mtu": 1000}}, confirm=False, connectivityTimeout=1), 10)
    assert (places(), settings(host, "eno1")) == before, (places(), settings(host, "eno1"), before)
    assert not host.client.call("Host.getStatus")["trouble"]


@case("vlan")
def others_addresses_of_ipv6_go_with_it(host):
    host.client.setup({"plain": {"nic": "eno1", "bridged": False, "ipv6addr": "2001:db8:1::1/64"}})
    host.space.links("addr add 2001:db8:9::9/64 dev eno1")
    host.client.setup({"plain": {"remove": True}, "web": {"nic": "eno1", "vlan": 40, "mtu": 1000}})
    assert settings(host, "eno1") is None
    agree(host)
