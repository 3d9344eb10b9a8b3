"""What others have on devices: it keeps those of netd's from going, and is as it was on the way back."""

from agree import agree, changes, photograph
from client import says_no
from host import wait_until
from runner import case


def refused(host, code, what, networks, bondings=None):
    """By the door, so planning says the same, and nothing is touched."""
    before = photograph(host.space)
    for ask in (lambda: host.client.call("Host.planNetworks", {"networks": networks, "bondings": bondings or {}}), lambda: host.client.setup(networks, bondings, confirm=None)):
        error = says_no(ask, code)
        assert what in error.message and not error.message.startswith("rolled back"), error
    differences = changes(before, photograph(host.space))
    assert not differences, "\n".join(differences)


def macvlan(host, lower, address):
    host.space.links(f"link add link {lower} name mv0 type macvlan mode bridge", "link set mv0 up", f"addr add {address} dev mv0", "route add 10.98.0.0/24 via 10.99.0.2 dev mv0")


@case()
def a_bridge_with_somebodys_macvlan_stays(host):
    host.client.setup({"web": {"nic": "eno1"}}, confirm=None)
    macvlan(host, "web", "10.99.0.1/24")
    refused(host, 24, "'mv0', which netd did not make, is on web", {"web": {"remove": True}})
    host.client.setup({"web": {"nic": "eno2", "mtu": 1400}}, confirm=None)
    agree(host, foreign=["mv0"])
    host.space.links("link delete mv0")
    host.client.setup({"web": {"remove": True}}, confirm=None)
    agree(host)


@case()
def a_nic_with_somebodys_macvlan_is_no_port(host):
    macvlan(host, "eno2", "10.99.0.1/24")
    refused(host, 24, "'eno2' carries 'mv0'", {"web": {"nic": "eno2", "mtu": 9000}})
    host.client.setup({"web": {"nic": "eno2", "bridged": False, "ipaddr": "10.0.0.1", "prefix": 24}}, confirm=None)
    refused(host, 24, "'eno2' carries 'mv0'", {"web": {"nic": "eno2"}})
    host.client.setup({"web": {"remove": True}}, confirm=None)
    agree(host, foreign=["mv0"])


@case("ovs")
def a_nic_with_somebodys_macvlan_is_one_of_open_vswitchs_userspace(host):
    macvlan(host, "eno2", "10.99.0.1/24")
    web = {"web": {"nic": "eno2", "switch": "ovs"}}
    if host.abilities["ovs_kernel"]:
        return refused(host, 24, "'eno2' carries 'mv0'", web)
    host.client.setup(web, confirm=None)
    host.client.setup({"web": {"nic": "eno2", "switch": "ovs", "mtu": 1400}}, confirm=None)
    agree(host, foreign=["mv0"], patience=10)


@case()
def a_bridge_with_somebodys_vxlan_stays(host):
    host.client.setup({"web": {"nic": "eno1"}}, confirm=None)
    host.space.links("link add vx0 type vxlan id 5 dev web dstport 4789")
    refused(host, 24, "'vx0'", {"web": {"remove": True}})


@case("bond")
def a_bond_with_somebodys_macvlan_stays(host):
    host.client.setup({}, {"bond0": {"nics": ["eno1", "eno2"], "options": "mode=active-backup miimon=100"}}, confirm=None)
    macvlan(host, "bond0", "10.99.0.1/24")
    refused(host, 31, "'mv0'", {}, {"bond0": {"remove": True}})
    refused(host, 24, "'mv0'", {"web": {"bonding": "bond0"}})


@case("vlan")
def a_vlan_device_with_somebodys_vlan_stays(host):
    host.client.setup({"web": {"nic": "eno1", "vlan": 100}}, confirm=None)
    host.space.links("link add link eno1.100 name q5 type vlan proto 802.1ad id 5", "link set q5 up", "addr add 10.5.0.1/24 dev q5", "link add link web name web.7 type vlan id 7")
    refused(host, 24, "'q5'", {"web": {"nic": "eno1", "vlan": 101}})
    host.space.links("link delete q5", "link add link eno1.100 name q5 type vlan id 5")
    refused(host, 24, "'q5'", {"web": {"nic": "eno1", "vlan": 101}})
    host.space.links("link delete q5")
    host.client.setup({"web": {"nic": "eno1", "vlan": 101}}, confirm=None)
    refused(host, 24, "'web.7'", {"web": {"remove": True}})
    refused(host, 24, "'web.7'", {"web": {"nic": "eno1", "vlan": 101, "switch": "vlan-aware"}})
    agree(host, foreign=["web.7"])


@case("vlan")
def the_mtu_of_somebodys_vlan_comes_back(host):
    host.space.links("link set eno1 mtu 9000 up", "link add link eno1 name stor type vlan id 300", "link set stor mtu 9000 up", "addr add 10.30.0.1/24 dev stor",
                     "addr add 2001:db8:30::1/64 dev stor nodad", "route add 10.31.0.0/24 via 10.30.0.2 dev stor")
    before = photograph(host.space)
    for mtu in (1500, 1000):
        says_no(lambda: host.client.setup({"m": {"nic": "eno1", "ipaddr": "10.0.0.1", "prefix": 24, "mtu": mtu}}, confirm=False, connectivityTimeout=1), 10)
        wait_until(lambda: not changes(before, photograph(host.space)), 10, lambda: changes(before, photograph(host.space)))


@case("vlan")
def a_renamed_bridge_is_left_to_somebodys_vlan(host):
    host.client.setup({"in": {"nic": "eno1", "ipaddr": "10.0.0.1", "prefix": 24}}, confirm=None)
    host.space.links("link add link in name v9 type vlan id 9", "link set v9 up", "addr add 10.9.9.9/24 dev v9", "link set in down", "link set in name inn", "link set inn up")
    wait_until(lambda: host.space.link("in") and host.space.link("eno1").get("master") == "in", 20)
    agree(host, foreign=["v9", "inn"])
    told = {link: [one["local"] for shown in host.space.ip("-4", "addr", "show", "dev", link) for one in shown.get("addr_info", [])] for link in ("in", "inn", "v9")}
    assert told == {"in": ["10.0.0.1"], "inn": [], "v9": ["10.9.9.9"]}, told
