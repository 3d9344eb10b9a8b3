"""What is wrong is refused with the right code and a path, changes nothing, and holds up nobody else."""

import json
import os
import pathlib
import subprocess
import sys

from agree import photograph
from client import Client, RpcError, says_no
from guests import expect
from host import run, wait_until
from runner import case

mgmt = {"nic": "eno1", "ipaddr": "192.0.2.10", "prefix": 24}

# (what is wrong, networks, bondings, options, code, pointer)
wrong = [
    ("an unknown attribute", {"web": {"nic": "eno2", "speed": 10}}, {}, {}, 21, "/networks/web/speed"),
    ("an unknown option", {}, {}, {"connectivity": 1}, 21, "/options/connectivity"),
    ("a number where a name is due", {"web": {"nic": ["eno2"]}}, {}, {}, 23, "/networks/web/nic"),
    ("a list where a bool is due", {"web": {"nic": "eno2", "bridged": []}}, {}, {}, 21, "/networks/web/bridged"),
    ("a network that is no object", {"web": "eno2"}, {}, {}, 21, "/networks/web"),
    ("an MTU that is too large", {"web": {"nic": "eno2", "mtu": 70000}}, {}, {}, 21, "/networks/web/mtu"),
    ("an MTU that is too small", {"web": {"nic": "eno2", "mtu": 67}}, {}, {}, 21, "/networks/web/mtu"),
    ("a VLAN out of range", {"web": {"nic": "eno2", "vlan": 4095}}, {}, {}, 26, "/networks/web/vlan"),
    ("a VLAN below zero", {"web": {"nic": "eno2", "vlan": -1}}, {}, {}, 26, "/networks/web/vlan"),
    ("half a VLAN", {"web": {"nic": "eno2", "vlan": 1.5}}, {}, {}, 26, "/networks/web/vlan"),
    ("a VLAN without a base", {"web": {"vlan": 5}}, {}, {}, 26, "/networks/web/vlan"),
    ("a VLAN without a base or a bridge", {"web": {"vlan": 5, "bridged": False}}, {}, {}, 26, "/networks/web/vlan"),
    ("no bridge and no base", {"web": {"bridged": False}}, {}, {}, 21, "/networks/web/bridged"),
    ("a NIC that is not there", {"web": {"nic": "eno9"}}, {}, {}, 23, "/networks/web/nic"),
    ("a NIC and a bond", {"web": {"nic": "eno2", "bonding": "bond0"}}, {}, {}, 21, "/networks/web/bonding"),
    ("a bond that is not there", {"web": {"bonding": "bond7"}}, {}, {}, 25, "/networks/web/bonding"),
    ("a second untagged network", {"web": {"nic": "eno1"}}, {}, {}, 24, "/networks/web/nic"),
    ("a switch kind of another network on the NIC", {"web": {"nic": "eno1", "vlan": 5, "switch": "vlan-aware"}}, {}, {}, 21, "/networks/web/switch"),
    ("an unknown switch kind", {"web": {"nic": "eno2", "switch": "hub"}}, {}, {}, 21, "/networks/web/switch"),
    ("two switch kinds in one request", {"a": {"switch": "legacy"}, "b": {"switch": "vlan-aware"}}, {}, {}, 21, "/networks/b/switch"),
    ("a name that the kernel expands", {"net%d": {}}, {}, {}, 27, "/networks/net%d"),
    ("a name that the kernel keeps", {"all": {}}, {}, {}, 27, "/networks/all"),
    ("a name with a slash", {"a/b": {}}, {}, {}, 27, "/networks/a~1b"),
    ("a name with a dot", {"a.b": {}}, {}, {}, 27, "/networks/a.b"),
    ("a name with white space", {"a b": {}}, {}, {}, 27, "/networks/a b"),
    ("a name that is too long", {"abcdefghijklmnop": {}}, {}, {}, 27, "/networks/abcdefghijklmnop"),
    ("a name like an option", {"-web": {}}, {}, {}, 27, "/networks/-web"),
    ("no name", {"": {}}, {}, {}, 27, "/networks/"),
    ("a name that a NIC has", {"eno3": {"nic": "eno2"}}, {}, {}, 27, "/networks/eno3"),
    ("an address without a prefix", {"web": {"nic": "eno2", "ipaddr": "10.0.0.1"}}, {}, {}, 21, "/networks/web/ipaddr"),
    ("a prefix without an address", {"web": {"nic": "eno2", "prefix": 24}}, {}, {}, 21, "/networks/web/prefix"),
    ("an address that is none", {"web": {"nic": "eno2", "ipaddr": "10.0.0.256", "prefix": 24}}, {}, {}, 22, "/networks/web/ipaddr"),
    ("a prefix that is too long", {"web": {"nic": "eno2", "ipaddr": "10.0.0.1", "prefix": 33}}, {}, {}, 22, "/networks/web/prefix"),
    ("a netmask with a hole", {"web": {"nic": "eno2", "ipaddr": "10.0.0.1", "netmask": "255.0.255.0"}}, {}, {}, 22, "/networks/web/netmask"),
    ("a gateway elsewhere", {"web": {"nic": "eno2", "ipaddr": "10.0.0.1", "prefix": 24, "gateway": "10.0.1.1"}}, {}, {}, 22, "/networks/web/gateway"),
    ("a gateway alone", {"web": {"nic": "eno2", "gateway": "10.0.1.1"}}, {}, {}, 22, "/networks/web/gateway"),
    ("an IPv6 address in the place of IPv4", {"web": {"nic": "eno2", "ipaddr": "2001:db8::1", "prefix": 24}}, {}, {}, 22, "/networks/web/ipaddr"),
    ("dhcp and an address", {"web": {"nic": "eno2", "bootproto": "dhcp", "ipaddr": "10.0.0.1", "prefix": 24}}, {}, {}, 22, "/networks/web/bootproto"),
    ("dhcpv6 and an address", {"web": {"nic": "eno2", "dhcpv6": True, "ipv6addr": "2001:db8::1/64"}}, {}, {}, 22, "/networks/web/ipv6addr"),
    ("nameservers without the default route", {"web": {"nic": "eno2", "nameservers": ["192.0.2.53"]}}, {}, {}, 21, "/networks/web/nameservers"),
    ("two default routes", {"a": {"nic": "eno2", "defaultRoute": True}, "b": {"nic": "eno3", "defaultRoute": True}}, {}, {}, 21, "/networks/a/defaultRoute"),
    ("an unknown bridge option", {"web": {"nic": "eno2", "custom": {"bridge_opts": "colour=red"}}}, {}, {}, 21, "/networks/web/custom/bridge_opts"),
    ("STP without a bridge", {"web": {"nic": "eno2", "bridged": False, "stp": True}}, {}, {}, 21, "/networks/web/stp"),
    ("removing what is not there", {"web": {"remove": True}}, {}, {}, 27, "/networks/web"),
    ("removing and more", {"ovirtmgmt": {"remove": True, "mtu": 1500}}, {}, {}, 21, "/networks/ovirtmgmt/mtu"),
    ("removing a bond that is not there", {}, {"bond0": {"remove": True}}, {}, 25, "/bondings/bond0"),
    ("a timeout of nothing", {}, {}, {"connectivityTimeout": 0}, 21, "/options/connectivityTimeout"),
]
wrong_with_vlans = [
    ("a VLAN twice", {"a": {"nic": "eno2", "vlan": 5}, "b": {"nic": "eno2", "vlan": "5"}}, {}, {}, 21, "/networks/a/vlan"),
]
wrong_bonds = [
    ("a bond of another name", {}, {"team0": {"nics": ["eno2"]}}, {}, 25, "/bondings/team0"),
    ("a bond without NICs", {}, {"bond0": {"nics": []}}, {}, 21, "/bondings/bond0/nics"),
    ("a bond of a NIC that is not there", {}, {"bond0": {"nics": ["eno2", "eno9"]}}, {}, 23, "/bondings/bond0/nics"),
    ("a bond of a NIC in use", {}, {"bond0": {"nics": ["eno1", "eno2"]}}, {}, 24, "/bondings/bond0/nics"),
    ("two bonds of a NIC", {}, {"bond0": {"nics": ["eno3", "eno2"]}, "bond1": {"nics": ["eno2"]}}, {}, 24, "/bondings/bond0/nics"),
    ("an unknown bond option", {}, {"bond0": {"nics": ["eno2"], "options": "mode=1 colour=red"}}, {}, 25, "/bondings/bond0/options"),
    ("an unknown bond mode", {}, {"bond0": {"nics": ["eno2"], "options": "mode=9"}}, {}, 25, "/bondings/bond0/options"),
    ("an option of another mode", {}, {"bond0": {"nics": ["eno2"], "options": "mode=balance-rr lacp_rate=1"}}, {}, 25, "/bondings/bond0/options"),
]


def assert_refused(host, list_of_wrong):
    host.client.setup({"ovirtmgmt": mgmt})
    before, running = photograph(host.space), host.client.call("Host.getRunningConfig")
    complaints = []
    for what, networks, bondings, options, code, path in list_of_wrong:
        try:
            answer = host.client.setup(networks, bondings, confirm=None, **options)
            complaints.append(f"{what}: not refused: {answer}")
            host.client.setup({name: {"remove": True} for name in networks}, {name: {"remove": True} for name in bondings}, confirm=None)
        except RpcError as error:
            paths = [one["path"] for one in error.data or []]
            if error.code != code or path not in paths:
                complaints.append(f"{what}: wanted {code} at {path}, got {error.code} at {paths}: {error.message}")
    assert not complaints, "\n".join(complaints)
    assert photograph(host.space) == before
    assert host.client.call("Host.getRunningConfig") == running


@case()
def wrong_networks(host):
    assert_refused(host, wrong)


@case("vlan")
def wrong_vlans(host):
    assert_refused(host, wrong_with_vlans)


@case("bond")
def wrong_bond_definitions(host):
    assert_refused(host, wrong_bonds)


# (method, parameters, code)
wrong_parameters = [
    ("Host.confirmConnectivity", {"transactionId": 7}, -32602), ("Host.confirmConnectivity", {"transaction": "mine"}, -32602), ("Host.setSafeNetworkConfig", {"force": True}, -32602),
    ("Host.getRunningConfig", {"which": 1}, -32602), ("Host.getRunningConfig", {"which": "both"}, 21), ("Host.getTopology", {"veiw": "whole"}, -32602), ("Host.getLldp", {"filter": {"devices": "eno1"}}, -32602),
    ("VM.getNics", {"vmid": "a"}, -32602), ("Host.ping2", {"more": 1}, -32602), ("Host.planNetworks", {"networks": {}, "option": {}}, -32602), ("Host.getLldp", {"filter": {"devices": ["x"] * 8193}}, 21),
    ("VM.hotplugNic", {"vmId": "a", "nic": "lan"}, 49), ("VM.hotplugNic", {"vmId": "a", "network": "lan"}, 49), ("VM.hotplugNic", {"vmId": 5, "nic": {}}, 49), ("VM.hotunplugNic", {"vmId": "a", "mac": "x"}, 50),
    ("VM.updateDevice", {"vmId": "a", "deviceType": "disk"}, 56),
    *(("VM.hotplugNic", {"vmId": "a", "nic": {"kind": "tap", "filterParameters": [{"name": name, "value": "10.0.0.2"}]}}, 49) for name in (5, None, [], {}, "ip")),
]


@case()
def wrong_parameters_of_every_method(host):
    before = photograph(host.space)
    for method, params, code in wrong_parameters:
        try:
            answer = host.client.call(method, params)
        except RpcError as error:
            assert error.code == code, (method, params, error)
        else:
            raise AssertionError(f"{method} {params} is not refused: {answer}")
    assert photograph(host.space) == before


@case()
def every_complaint_at_once(host):
    try:
        host.client.setup({"a": {"nic": "eno9"}, "b": {"nic": "eno2", "vlan": 9999}, "c": {"nic": "eno3", "mtu": "much"}})
    except RpcError as error:
        assert {one["path"] for one in error.data} == {"/networks/a/nic", "/networks/b/vlan", "/networks/c/mtu"}, error.data
    else:
        raise AssertionError("not refused")


def request(method="Host.ping2", params="{}", number="7"):
    return f'{{"jsonrpc":"2.0","id":{number},"method":"{method}","params":{params}}}'.encode()


# (what is wrong, the frames, the code, whether the id can be told)
malformed = [
    ("not JSON", [b"hello"], -32700, None),
    ("nothing", [b""], -32700, None),
    ("not UTF-8", [request().replace(b"ping2", b"ping\xff")], -32700, 7),
    ("a thousand levels", [request(params='{"networks":' + "[" * 1000 + "]" * 1000 + "}")], -32700, 7),
    ("33 levels", [request(params='{"a":' * 32 + "1" + "}" * 32)], -32700, 7),
    ("a key given twice", [request(params='{"networks":{},"networks":{}}')], -32700, 7),
    ("a network given twice", [request("Host.setupNetworks", '{"networks":{"a":{},"a":{}}}')], -32700, 7),
    ("an unknown method", [request("Host.reboot")], -32601, 7),
    ("a batch", [b"[" + request() + b"]"], -32600, None),
    ("no version", [b'{"id":7,"method":"Host.ping2"}'], -32600, 7),
    ("no id", [b'{"jsonrpc":"2.0","method":"Host.ping2"}'], -32600, None),
    ("params that are a list", [request(params="[]")], -32602, 7),
    ("two frames", [request(), b"more"], -32600, 7),
    ("an infinite number", [request(params='{"a":1e999}')], -32700, 7),
    ("two texts", [request() + request()], -32700, 7),
]


@case()
def malformed_messages(host):
    complaints = []
    for what, frames, code, number in malformed:
        with Client(host.netd.control, 30) as client:
            client.send_raw(*frames)
            answer = client.receive_raw()
            if answer.get("error", {}).get("code") != code or answer.get("id") != number:
                complaints.append(f"{what}: wanted {code} for {number}, got {json.dumps(answer)[:200]}")
            if not client.call("Host.ping2"):
                complaints.append(f"{what}: the connection is gone")
    assert not complaints, "\n".join(complaints)
    assert host.client.call("Host.ping2")


@case()
def too_large_a_message_costs_nobody_else_an_answer(host):
    with Client(host.netd.control, 3) as client:
        client.send_raw(request("Host.setupNetworks", '{"networks":{"a":{"nic":"' + "x" * (5 << 20) + '"}}}'))
        for _ in range(5):
            assert host.client.call("Host.ping2")
    assert host.client.call("Host.getRunningConfig")["networks"] == {}


@case()
def reads_are_answered_while_a_change_waits(host):
    number = host.client.send("Host.setupNetworks", {"networks": {"ovirtmgmt": mgmt}, "options": {"connectivityTimeout": 120}})
    with host.netd.client() as other:
        wait_until(lambda: other.call("Host.getStatus")["transaction"], what="it never waited")
        queued = other.send("Host.setupNetworks", {"networks": {"lan": {}}, "options": {"connectivityCheck": False}})
        with host.netd.client() as engine:
            while not engine.call("Host.confirmConnectivity")["confirmed"]:
                pass
        assert host.client.receive(number)["outcome"] == "committed"
        assert other.receive(queued)["outcome"] == "committed"


@case()
def a_dry_run_and_a_plan_do_nothing(host):
    before = photograph(host.space)
    plan = host.client.call("Host.planNetworks", {"networks": {"ovirtmgmt": mgmt}})
    dry = host.client.setup({"ovirtmgmt": mgmt}, confirm=None, dryRun=True)
    assert plan["steps"] and plan == dry, (plan, dry)
    assert all(step["do"] and step["because"] for step in plan["steps"]), plan
    assert photograph(host.space) == before and host.client.call("Host.getRunningConfig")["networks"] == {}


@case()
def what_is_no_namespace_is_refused_and_holds_nobody_up(host):
    os.mkfifo(host.folder / "pipe")
    for path in (host.folder / "pipe", "/dev/zero", "/etc/passwd", "/proc/self/ns/mnt"):
        says_no(lambda: host.client.call("VM.hotplugNic", {"vmId": str(path), "nic": {"kind": "netns", "network": ""}}), 49)
    host.client.setup({"lan": {}})


@case(start=False)
def a_netd_in_a_namespace_leaves_the_hosts_libvirt_alone(host):
    at = host.netd.words.index("--libvirt")
    del host.netd.words[at:at + 2]
    host.netd.start().ready()
    with host.netd.client() as client:
        assert client.call("Host.getStatus")["backends"]["libvirt"]["where"] == ""


@case(start=False)
def a_netd_in_a_namespace_takes_no_open_vswitch_that_is_not_in_there(host):
    """The host's may have rows of the host's netd."""
    at = host.netd.words.index("--ovs")
    del host.netd.words[at:at + 2]
    usual = pathlib.Path("/run/openvswitch/db.sock")
    usual.parent.mkdir(exist_ok=True)
    run("mount", "-t", "tmpfs", "openvswitch", usual.parent)   # of this lane alone
    for space, where in ((None, ""), (host.space, f"unix:/var{usual}")):
        usual.unlink(missing_ok=True)
        listens = f"import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind('{usual}'); s.listen(); print('there', flush=True); sys.stdin.read()"
        command = [sys.executable, "-c", listens]
        with subprocess.Popen(space.command(*command) if space else command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as listener:
            assert listener.stdout.readline()
            host.netd.start().ready()
            with host.netd.client() as client:
                assert client.call("Host.getStatus")["backends"]["ovs"]["where"] == where
                if not where:
                    expect(32, "told to use no Open vSwitch", lambda: client.setup({"lan": {"switch": "ovs"}}))
            host.netd.stop()
            listener.stdin.close()
    run("umount", usual.parent)


@case(start=False)
def the_usual_file_of_settings_may_be_absent_but_not_unreadable(host):
    """What it says, as which services are open, would be forgotten without a word."""
    said = lambda make: run("unshare", "--mount", "sh", "-c", f"mount -t tmpfs etc /etc && mkdir /etc/netd && {make} && exec {host.netd.words[0]} --version 2>&1", check=False)
    assert "/etc/netd/netd.json: can't be read" in said("ln -s netd.json /etc/netd/netd.json"), said("ln -s netd.json /etc/netd/netd.json")   # round and round
    assert said("true").startswith("netd "), said("true")
