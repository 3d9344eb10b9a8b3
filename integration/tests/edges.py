"""Definitions at the edges of what is legal, and what somebody renames."""

from agree import agree
from client import says_no
from guests import Guest, define, same
from host import wait_until
from monitor import Monitor
from runner import case

static = {"nic": "eno1", "ipaddr": "10.1.0.10", "prefix": 24}


def refused(host, code, networks):
    error = says_no(lambda: host.client.setup(networks), code)
    assert "rolled back" not in error.message, error


@case()
def an_address_that_can_not_be_is_refused_before_anything_is_touched(host):
    define(host, {"web": static})
    for more in ({"addresses": ["10.1.0.11/24"], "gateway": "10.1.0.11"}, {"gateway": "10.1.0.0"}, {"gateway": "10.1.0.255"}, {"ipv6addr": "2001:db8::1/64", "addresses": ["2001:db8::1/65"]},
                 {"ipv6addr": "fe80::5/64"}, {"addresses": ["fe80::5/64"]}, {"ipv6addr": "2001:db8::5/64", "addresses": ["2001:db8::6/64"], "ipv6gateway": "2001:db8::6"},
                 {"routes": [{"to": "10.1.0.0/24", "via": "10.1.0.2"}]}, {"routes": [{"to": "0.0.0.0/0", "via": "10.1.0.2"}]},
                 {"routes": [{"to": "10.9.0.0/16", "via": "10.1.0.2"}, {"to": "10.9.0.1/16", "via": "10.1.0.3"}]}):
        refused(host, 22, {"web": {**static, **more}})
    agree(host)


@case()
def one_way_leads_by_one_network(host):
    way = lambda via: [{"to": "10.9.0.0/16", "via": via}]
    other = {"nic": "eno2", "ipaddr": "10.2.0.10", "prefix": 24, "routes": way("10.2.0.2")}
    refused(host, 22, {"web": {**static, "routes": way("10.1.0.2")}, "db": other})
    define(host, {"web": {**static, "routes": way("10.1.0.2")}})
    refused(host, 22, {"db": other})
    define(host, {"web": static, "db": other})
    agree(host)


@case()
def an_ipv4_address_of_the_link_is_one_as_every_other(host):
    define(host, {"web": {"nic": "eno1", "bridged": False, "ipaddr": "169.254.3.4", "prefix": 16}})
    agree(host)
    define(host, {"web": {**static, "bridged": False}})
    same(["10.1.0.10"], [one["local"] for one in host.space.ip("-4", "addr", "show", "dev", "eno1")[0]["addr_info"]])
    agree(host)


@case()
def a_network_with_guests_keeps_its_bridge(host):
    define(host, {"web": static})
    Guest(host, "a", "web")
    index = host.space.link("web")["ifindex"]
    refused(host, 21, {"web": {**static, "bridged": False}})
    same(index, host.space.link("web")["ifindex"])
    agree(host)


@case()
def the_host_keeps_its_mac_whoever_comes_and_goes(host):
    define(host, {"lan": {"ipaddr": "10.3.0.1", "prefix": 24}})
    macs = {host.space.link("lan")["address"]}
    guests = [Guest(host, f"g{number}", "lan") for number in range(4)]
    for guest in guests:
        macs.add(host.space.link("lan")["address"])
        guest.unplug()
        macs.add(host.space.link("lan")["address"])
    same(1, len(macs))


@case(kinds=("", "ovs"))
def nobody_gets_a_mac_of_the_hosts(host):
    define(host, {"web": static})
    for mac in (host.space.link("web")["address"], host.space.link("eno2")["address"], "00:00:00:00:00:00"):
        says_no(lambda: host.client.call("VM.hotplugNic", {"vmId": "a", "nic": {"network": "web", "kind": "tap", "macAddr": mac}}), 49)
    agree(host)


@case()
def what_is_renamed_does_not_stay(host):
    define(host, {"web": static})
    guest = Guest(host, "a", "web", "tap")
    ours = lambda: sorted(link["ifname"] for link in host.space.look()[0]["link"] if link.get("ifalias", "").startswith("netd:"))
    before = ours()
    for device in ("web", guest.nic["port"]):
        host.space.links(f"link set {device} down", f"link set {device} name other0", "link set other0 up")
        wait_until(lambda: host.space.link("other0") is None and ours() == before, 20, lambda: f"{device} was renamed, and there are {ours()}")
    agree(host, patience=10)


@case()
def the_first_address_of_a_subnet_goes_alone(host):
    one = {"nic": "eno1", "prefix": 24}
    host.client.setup({"web": {**one, "ipaddr": "192.0.2.10", "addresses": ["192.0.2.11/24", "192.0.2.12/24"]}})
    monitor = Monitor(host)
    monitor.settle()
    host.client.setup({"web": {**one, "ipaddr": "192.0.2.11", "addresses": ["192.0.2.12/24"]}})
    gone = monitor.written(0.3).count("gone address")
    assert gone == 1, f"{gone} addresses went"
    agree(host)
