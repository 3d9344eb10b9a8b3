"""Guests that were defined with libvirt's own words: networks by name, ports that libvirt makes, and netd that knows them."""

import os
import re
import time

from client import RpcError
from guest_runner import case, networks, subnets
from host import wait_until


def offered(host):
    return set(host.libvirt.virsh("net-list", "--all", "--name").split())


@case
def networks_are_offered_by_name(host):
    wait_until(lambda: offered(host) == {"web", "db", "sdn", "sdn2"}, 20, lambda: f"offered: {offered(host)}")
    host.libvirt.virsh("net-define", "/dev/stdin", text="<network><name>theirs</name><forward mode='bridge'/><bridge name='elsewhere'/></network>")
    host.client.setup({"extra": {"nic": "eno4", "switch": "legacy"}})
    wait_until(lambda: "extra" in offered(host), 20, "a new network is not offered")
    told = host.libvirt.virsh("net-dumpxml", "extra")
    assert "<bridge name='extra'/>" in told and "mode='bridge'" in told, told
    told = host.libvirt.virsh("net-dumpxml", "sdn2")
    assert "openvswitch" in told and "<tag id='20'/>" in told and "ovs-eno3" in told, told
    # Withdrawn by others, it is offered again.
    host.libvirt.virsh("net-destroy", "extra")
    host.libvirt.virsh("net-destroy", "sdn2")
    host.libvirt.virsh("net-undefine", "sdn2")
    wait_until(lambda: {"extra", "sdn2"} <= set(host.libvirt.virsh("net-list", "--name").split()), 30, "what somebody withdrew is not offered again")
    # Who edits it and starts it anew has it back as it was.
    host.libvirt.virsh("net-define", "/dev/stdin", text=host.libvirt.virsh("net-dumpxml", "extra").replace("<bridge name='extra'/>", "<bridge name='db'/>"))
    host.libvirt.virsh("net-destroy", "extra")
    host.libvirt.virsh("net-start", "extra")
    wait_until(lambda: "<bridge name='extra'/>" in host.libvirt.virsh("net-dumpxml", "extra", check=False), 30, "a network leads elsewhere")
    # With libvirtd away, and taken back when it is there again; what others defined stays.
    host.client.setup({"extra": {"remove": True}})
    wait_until(lambda: "extra" not in offered(host), 20, "a network that is gone is still offered")
    assert "theirs" in offered(host)
    host.libvirt.virsh("net-undefine", "theirs")


@case
def a_network_is_offered_when_nobody_else_has_its_name_any_more(host):
    host.libvirt.virsh("net-define", "/dev/stdin", text="<network><name>extra</name><forward mode='bridge'/><bridge name='elsewhere'/></network>")
    host.client.setup({"extra": {"nic": "eno4"}})
    wait_until(lambda: "somebody else has defined one of this name" in (host.status().get("trouble") or ""), 20, lambda: f"{host.status()}")
    host.libvirt.virsh("net-undefine", "extra")
    wait_until(lambda: "extra" in host.libvirt.virsh("net-list", "--name").split() and not host.status().get("trouble"), 60, lambda: f"{offered(host)}, {host.status()}")
    host.client.setup({"extra": {"remove": True}})
    wait_until(lambda: "extra" not in offered(host), 20, "a network that is gone is still offered")


@case
def a_network_that_goes_before_any_was_offered_is_nobodys_work(host):
    """A netd that is started while a change waits offers nothing before it has ended."""
    def worked():
        after_name = open(f"/proc/{host.netd.process.pid}/stat").read().rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")
    host.client.send("Host.setupNetworks", {"networks": {"db": {"nic": "eno2", "mtu": 1400}}, "options": {"connectivityCheck": True, "connectivityTimeout": 300}})
    other = host.netd.client()
    wait_until(lambda: other.call("Host.getStatus")["transaction"], 20, "the change does not wait")
    host.netd.kill()
    host.netd.start().ready()
    host.client = host.netd.client()
    host.wait_for_libvirt()
    assert host.client.call("Host.getStatus")["transaction"], "the change does not wait any more"
    host.libvirt.virsh("net-create", "/dev/stdin", text="<network><name>theirs</name><forward mode='bridge'/><bridge name='elsewhere'/></network>")
    host.libvirt.virsh("net-destroy", "theirs")
    time.sleep(7)   # within five seconds it would be offered again
    before = worked()
    time.sleep(5)
    assert worked() - before < 2.5, f"{worked() - before} s of 5"
    assert host.client.call("Host.rollback")["rolledBack"]
    wait_until(lambda: {"web", "db", "sdn", "sdn2"} <= set(host.libvirt.virsh("net-list", "--name").split()), 30, lambda: f"offered: {offered(host)}")


@case
def a_port_that_libvirt_made_is_known_and_goes_with_its_nic(host):
    for network in ("web", "sdn2"):
        mac = "52:54:00:00:0a:01"
        host.libvirt.virsh("attach-interface", "b", "network", network, "--model", "virtio", "--mac", mac, "--live")
        found = wait_until(lambda: host.nics("b"), 20, f"{network}: it is not known")
        assert [(nic["macAddr"], nic["network"], nic["adopted"], nic["port"]) for nic in found] == [(mac, network, found[0]["port"], found[0]["port"])], found
        assert found[0]["port"].startswith("vnet"), found
        if network == "sdn2":   # Open vSwitch's userspace datapath lets the host's stack hear it, which is closed to it
            wait_until(lambda: host.space.link(found[0]["port"])["group"] == str(0x6E744E80), 10, lambda: host.space.link(found[0]["port"]))
        host.b.bring_up(mac, f"{subnets[network]}.2/24")
        assert host.b.pings(f"{subnets[network]}.254"), network
        assert f"guest:b" in str(host.client.call("Host.getTopology")), "the topology does not know it"
        host.refuses(56, "VM.updateDevice", {"vmId": "b", "macAddr": mac, "network": "db"}, "virsh")
        host.refuses(49, "VM.hotplugNic", {"vmId": "a", "nic": {"network": "db", "macAddr": mac}}, "in use")
        if network == "web":
            host.libvirt.virsh("detach-interface", "b", "bridge", "--mac", mac, "--live")
        else:
            assert host.unplug(host.b, mac)["changed"]
        wait_until(lambda: not host.nics("b"), 30, f"{network}: it is still known")
        wait_until(lambda: host.space.link(found[0]["port"]) is None, 30, "its port is still there")


@case
def a_nic_of_a_domain_defined_by_bridge_is_known_at_its_start(host):
    device = "<interface type='bridge'><mac address='52:54:00:00:0a:02'/><source bridge='web'/><model type='virtio'/></interface>"
    machine = host.libvirt.machine("c", devices=device)
    found = wait_until(lambda: host.nics("c"), 20, "it is not known")
    assert (found[0]["network"], found[0]["macAddr"]) == ("web", "52:54:00:00:0a:02"), found
    machine.kill()
    wait_until(lambda: not host.nics("c"), 30, "it is still known")


@case
def a_domain_brings_a_nic_that_was_prepared(host):
    answer = host.client.call("VM.hotplugNic", {"vmId": "c", "nic": {"network": "sdn", "macAddr": "52:54:00:00:0a:03", "incoming": True}})
    port = answer["nic"]["port"]
    assert answer["nic"]["incoming"] and host.space.link(port)
    machine = host.libvirt.machine("c", devices=answer["xml"]).ready()
    wait_until(lambda: any("incoming" not in nic for nic in host.nics("c")), 20, "it is not seen to have come")
    machine.bring_up("52:54:00:00:0a:03", "10.3.0.3/24")
    assert machine.pings("10.3.0.254")
    assert host.downloads(machine, "sdn", "10.3.0.3")
    machine.kill()
    wait_until(lambda: host.space.link(port) is None and not host.nics("c"), 30, "the port is still there")


def interface(mac, source, more=""):
    return f"<interface type='{source[0]}'><mac address='{mac}'/><source {source[0]}='{source[1]}'/>{more}<model type='virtio'/></interface>"


def change_device(host, domain, old, new):
    """As `virsh edit` of the one device would: all of it, with something else in it."""
    told = host.libvirt.virsh("dumpxml", domain)
    device = re.search("<interface.*?</interface>", told, re.DOTALL)[0]
    assert old in device, device
    host.libvirt.virsh("update-device", domain, "/dev/stdin", "--live", text=device.replace(old, new))


@case
def a_nic_that_virsh_moves_is_followed(host):
    macs = {"52:54:00:00:0a:04": "web", "52:54:00:00:0a:05": "sdn2"}
    tag = "<virtualport type='openvswitch'/><vlan><tag id='20'/></vlan>"
    on_web, on_sdn = interface("52:54:00:00:0a:04", ("bridge", "web")), interface("52:54:00:00:0a:05", ("bridge", "ovs-eno3"), tag)
    machines = [host.libvirt.machine("c", devices=on_web), host.libvirt.machine("d", devices=on_sdn)]

    def known():
        return {nic["macAddr"]: nic["network"] for nic in host.nics()}

    wait_until(lambda: known() == macs, 30, lambda: f"known are {known()}")
    change_device(host, "c", "<source bridge='web'/>", "<source bridge='db'/>")
    wait_until(lambda: known()["52:54:00:00:0a:04"] == "db", 30, "it is still known on web")
    host.client.setup({"sdn30": {"nic": "eno3", "switch": "ovs", "vlan": 30}})
    change_device(host, "d", "<tag id='20'/>", "<tag id='30'/>")
    wait_until(lambda: known()["52:54:00:00:0a:05"] == "sdn30", 30, "it is still known on sdn2")
    port = host.nics("d")[0]["port"]
    assert [row["tag"] for row in host.ovs.rows("Port") if row["name"] == port] == [30]
    # The tag of the network changes under it, and libvirt goes on telling the old one.
    host.client.setup({"sdn30": {"nic": "eno3", "switch": "ovs", "vlan": 40}})
    assert known()["52:54:00:00:0a:05"] == "sdn30"
    assert [row["tag"] for row in host.ovs.rows("Port") if row["name"] == port] == [40]
    host.libvirt.virsh("domif-setlink", "c", host.nics("c")[0]["port"], "down")
    wait_until(lambda: host.nics("c")[0]["linkActive"] is False, 60, "the cable is still in")
    for machine in machines:
        machine.kill()
    wait_until(lambda: not known(), 30, "they are still known")
    host.client.setup({"sdn30": {"remove": True}})


@case
def a_trunk_of_libvirts_is_on_the_network_of_its_first_tag_that_is_ones(host):
    tags = "<virtualport type='openvswitch'/><vlan trunk='yes'><tag id='77'/><tag id='20'/></vlan>"
    machine = host.libvirt.machine("c", devices=interface("52:54:00:00:0a:10", ("bridge", "ovs-eno3"), tags))
    nic = wait_until(lambda: host.nics("c"), 30, "it is not known")[0]
    assert nic["network"] == "sdn2", nic
    assert [(row["tag"], row["trunks"]) for row in host.ovs.rows("Port") if row["name"] == nic["port"]] == [(20, [])]
    machine.kill()
    wait_until(lambda: not host.nics("c"), 30, "it is still known")


@case
def what_an_adopted_port_can_not_have_is_refused(host):
    macs = ("52:54:00:00:0a:06", "52:54:00:00:0a:07")
    machine = host.libvirt.machine("c", devices=interface(macs[0], ("network", "sdn")) + interface(macs[1], ("network", "web")))
    wait_until(lambda: len(host.nics("c")) == 2, 30, "they are not known")
    for changes in ({"vlan": 7}, {"trunk": "5,6"}, {"network": ""}, {"network": None}, {"linkActive": False}):
        host.refuses(56, "VM.updateDevice", {"vmId": "c", "macAddr": macs[0], **changes}, "virsh")
    error = host.refuses(21, "Host.setupNetworks", {"networks": {name: {**one, "switch": "legacy"} for name, one in networks.items() if name.startswith("sdn")}, "options": {"connectivityCheck": False}}, "'c'")
    assert "libvirt" in error.message, error.message
    host.client.setup({"web": {"nic": "eno1", "mtu": 1400}})
    port = [nic["port"] for nic in host.nics("c") if nic["network"] == "web"][0]
    assert host.space.link(port)["mtu"] == 1400
    host.client.setup({"web": {"nic": "eno1"}})
    assert host.space.link(port)["mtu"] == 1500
    machine.kill()
    wait_until(lambda: not host.nics("c"), 30, "they are still known")


@case
def a_guest_that_starts_while_a_change_waits_is_filtered(host):
    mac = "52:54:00:00:0a:08"
    waits = host.client.send("Host.setupNetworks", {"networks": {"db": {"nic": "eno2", "mtu": 1400}}, "options": {"connectivityCheck": True, "connectivityTimeout": 120}})
    other = host.netd.client()
    wait_until(lambda: other.call("Host.getStatus")["transaction"], 20, "the change does not wait")
    machine = host.libvirt.machine("c", devices=interface(mac, ("network", "web")))
    wait_until(lambda: "vnet" in host.space.run("nft", "list", "map", "bridge", "netd", "ports"), 30, "nothing filters it")
    assert other.call("Host.getStatus")["transaction"], "the change does not wait any more"
    other.call("Host.rollback")
    try:
        host.client.receive(waits)
    except RpcError as error:
        assert error.code == 10, error
    wait_until(lambda: host.nics("c"), 30, "it is not known when the change has ended")
    machine.kill()
    wait_until(lambda: not host.nics("c"), 30, "it is still known")


@case
def a_nic_that_virsh_moves_while_a_change_waits_is_not_brought_back(host):
    mac = "52:54:00:00:0a:0e"
    host.client.setup({"sdn30": {"nic": "eno3", "switch": "ovs", "vlan": 30}})
    machine = host.libvirt.machine("d", devices=interface(mac, ("bridge", "ovs-eno3"), "<virtualport type='openvswitch'/><vlan><tag id='20'/></vlan>"))
    wait_until(lambda: [nic["network"] for nic in host.nics("d")] == ["sdn2"], 30, "it is not known")
    port = host.nics("d")[0]["port"]
    tag = lambda: [row["tag"] for row in host.ovs.rows("Port") if row["name"] == port]
    waits = host.client.send("Host.setupNetworks", {"networks": {"db": {"nic": "eno2", "mtu": 1400}}, "options": {"connectivityCheck": True, "connectivityTimeout": 120}})
    other = host.netd.client()
    wait_until(lambda: other.call("Host.getStatus")["transaction"], 20, "the change does not wait")
    change_device(host, "d", "<tag id='20'/>", "<tag id='30'/>")
    # What somebody else disturbs then is mended, and it with it if it were drift.
    host.ovs.vsctl("set", "bridge", "ovs-eno3", "rstp_enable=true")
    wait_until(lambda: not any(row["rstp_enable"] for row in host.ovs.rows("Bridge")) and not any(other.call("Host.getDrift").values()), 30, lambda: other.call("Host.getDrift"))
    assert tag() == [30] and other.call("Host.getStatus")["transaction"], tag()
    other.call("Host.rollback")
    try:
        host.client.receive(waits)
    except RpcError as error:
        assert error.code == 10, error
    wait_until(lambda: [nic["network"] for nic in host.nics("d")] == ["sdn30"], 30, "it is not followed when the change has ended")
    assert tag() == [30]
    machine.kill()
    wait_until(lambda: not host.nics("d"), 30, "it is still known")
    host.client.setup({"sdn30": {"remove": True}})


@case
def a_port_that_is_on_no_bridge_any_more_is_in_nobodys_way(host):
    macs = ("52:54:00:00:0a:09", "52:54:00:00:0a:0a")
    host.netd.stop()
    first = host.libvirt.machine("c", devices=interface(macs[0], ("network", "web")))
    port = wait_until(lambda: host.libvirt.machine_interfaces("c"), 30, "libvirt has no NIC")[0][1]
    host.space.links(f"link set {port} nomaster")
    host.netd.start().ready()
    host.client = host.netd.client()
    host.wait_for_libvirt()
    second = host.libvirt.machine("d", devices=interface(macs[1], ("network", "db")))
    wait_until(lambda: host.nics("d"), 30, "one that is elsewhere keeps the other from being known")
    for machine in (first, second):
        machine.kill()
    wait_until(lambda: not host.nics(), 30, "they are still known")


@case
def a_domain_is_known_by_its_uuid_before_it_is_there(host):
    mac, uuid = "52:54:00:00:0a:0b", "ABCDEF00-0000-4000-8000-00000000000C"
    answer = host.client.call("VM.hotplugNic", {"vmId": uuid, "nic": {"network": "web", "macAddr": mac, "incoming": True}})
    port = answer["nic"]["port"]
    machine = host.libvirt.machine("c", devices=answer["xml"], uuid=uuid.lower())
    wait_until(lambda: any("incoming" not in nic for nic in host.nics("c")), 20, "it is not seen to have come")
    assert [nic["port"] for nic in host.nics("c")] == [nic["port"] for nic in host.nics(uuid.lower())] == [port]
    again = host.client.call("VM.hotplugNic", {"vmId": uuid.lower(), "nic": {"network": "web", "macAddr": mac, "incoming": True}})
    assert again["changed"] is False and "incoming" not in again["nic"] and again["nic"]["port"] == port, again
    assert host.update(machine, mac, network="db")["nic"]["port"] == port
    assert host.libvirt.machine_interfaces("c") == [(mac, port)]
    machine.kill()
    wait_until(lambda: host.space.link(port) is None and not host.nics("c"), 30, "the port is still there")


@case
def a_tap_is_known_by_the_words_that_it_was_asked_for_with(host):
    mac, uuid = "52:54:00:00:0a:0c", host.b.uuid.upper()
    port = host.client.call("VM.hotplugNic", {"vmId": uuid, "nic": {"network": "web", "macAddr": mac, "kind": "tap"}})["nic"]["port"]
    for words in (uuid, uuid.lower(), "b"):
        assert [nic["port"] for nic in host.client.call("VM.getNics", {"vmId": words})["nics"]] == [port], words
    assert host.client.call("VM.updateDevice", {"vmId": "b", "macAddr": mac, "network": "db"})["nic"]["port"] == port
    assert host.client.call("VM.hotunplugNic", {"vmId": uuid.lower(), "nic": {"macAddr": mac}})["changed"]
    assert host.space.link(port) is None


@case
def of_nics_with_one_mac_the_known_one_stays(host):
    mac = host.plug(host.b, "web")["nic"]["macAddr"]
    known = host.nics("b")
    host.b.bring_up(mac, "10.1.0.2/24")
    host.libvirt.virsh("attach-interface", "b", "network", "db", "--model", "virtio", "--mac", mac, "--live")
    wait_until(lambda: len(host.libvirt.machine_interfaces("b")) == 2, 30, "libvirt has one NIC")
    time.sleep(3)   # a domain has its turn
    assert host.nics("b") == known and host.space.link(known[0]["port"]), host.nics("b")
    assert host.b.pings("10.1.0.254")
    # It goes, and the other one is known in its place.
    host.unplug(host.b, mac)
    wait_until(lambda: [(nic["network"], "adopted" in nic) for nic in host.nics("b")] == [("db", True)], 30, lambda: f"known are {host.nics('b')}")
    host.libvirt.virsh("detach-interface", "b", "bridge", "--mac", mac, "--live")
    wait_until(lambda: not host.nics("b"), 60, "it is still known")
