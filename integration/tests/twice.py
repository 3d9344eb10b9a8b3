"""The same request again writes nothing: not a netlink message that changes anything, not an OVSDB transaction, no flap."""

from agree import agree
from host import wait_until
from monitor import Monitor
from runner import case


def assert_silent(host, networks, bondings=None, **options):
    host.client.setup(networks, bondings, **options)
    agree(host)
    monitor = Monitor(host)
    monitor.settle(2)   # an IPv6 address becomes ready in its own time
    journal = host.netd.state.stat().st_mtime_ns
    for confirm in (True, None):
        answer = host.client.setup(networks, bondings, confirm=confirm, **options)
        assert answer["changed"] is False, answer
        written = monitor.written(0.5)
        assert not written, written
    assert host.netd.state.stat().st_mtime_ns == journal, "the state folder was written to"


@case()
def without_tags(host):
    assert_silent(host, {"ovirtmgmt": {"nic": "eno1", "ipaddr": "192.0.2.10", "prefix": 24, "gateway": "192.0.2.1", "defaultRoute": True},
                         "storage": {"nic": "eno2", "bridged": False, "ipaddr": "10.40.0.10", "prefix": 24, "gateway": "10.40.0.1", "mtu": 9000,
                                     "ipv6addr": "2001:db8:40::10/64", "routes": [{"to": "10.41.0.0/16", "via": "10.40.0.2"}]},
                         "lan": {"custom": {"bridge_opts": "ageing_time=20000 multicast_snooping=0"}}})


@case(kinds=("legacy", "vlan-aware", "ovs"))
def with_tags(host):
    kind = {"switch": host.kind}
    assert_silent(host, {"ovirtmgmt": {"nic": "eno1", "ipaddr": "192.0.2.10", "prefix": 24, "gateway": "192.0.2.1", "defaultRoute": True, **kind},
                         "web": {"nic": "eno1", "vlan": 100, "mtu": 9000, **kind},
                         "storage": {"nic": "eno2", "vlan": 400, "bridged": False, "ipaddr": "10.40.0.10", "prefix": 24, "gateway": "10.40.0.1", **kind}})


@case("bond", kinds=("legacy", "vlan-aware", "ovs"))
def on_a_bond(host):
    bond = {"bond0": {"nics": ["eno4", "eno3"], "options": "miimon=100 mode=active-backup", "switch": host.kind}}
    assert_silent(host, {"web": {"bonding": "bond0", "vlan": 100, "mtu": 9000, "switch": host.kind}, "db": {"bonding": "bond0", "vlan": 200, "switch": host.kind}}, bond)


@case("bond")
def lacp(host):
    assert_silent(host, {"web": {"bonding": "bond0"}}, {"bond0": {"nics": ["eno1", "eno2"], "options": "mode=4 lacp_rate=fast xmit_hash_policy=layer2+3"}})


@case(words=("--drift", "report"))
def a_device_that_somebody_deleted_comes_back_by_the_same_request(host):
    networks = {"ovirtmgmt": {"nic": "eno1", "ipaddr": "192.0.2.10", "prefix": 24, "gateway": "192.0.2.1", "defaultRoute": True}}
    host.client.setup(networks)
    host.space.links("link delete ovirtmgmt")
    wait_until(lambda: "ovirtmgmt" not in host.client.call("Host.getNetworkCapabilities")["networks"])
    assert host.client.call("Host.getDrift")["networks"]["ovirtmgmt"]
    assert host.client.setup(networks)["changed"]
    agree(host)


@case()
def plugging_twice_changes_nothing(host):
    host.client.setup({"lan": {}})
    host.add_space("web1")
    nic = {"network": "lan", "kind": "netns", "macAddr": "02:00:00:00:00:01"}
    host.client.call("VM.hotplugNic", {"vmId": "web1", "nic": nic})
    monitor = Monitor(host)
    monitor.settle(quiet=2.0)   # a bridge has something to say of its ports some time after they came
    again = host.client.call("VM.hotplugNic", {"vmId": "web1", "nic": nic})
    assert again["changed"] is False and not (written := monitor.written(0.5)), (again, written)
