"""Guests that were defined with libvirt's own words: networks by name, ports that libvirt makes, and netd that knows them."""

from guest_runner import case, subnets
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
    # With libvirtd away, and taken back when it is there again; what others defined stays.
    host.client.setup({"extra": {"remove": True}})
    wait_until(lambda: "extra" not in offered(host), 20, "a network that is gone is still offered")
    assert "theirs" in offered(host)
    host.libvirt.virsh("net-undefine", "theirs")


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
    wait_until(lambda: "incoming" not in host.nics("c")[0], 20, "it is not seen to have come")
    machine.bring_up("52:54:00:00:0a:03", "10.3.0.3/24")
    assert machine.pings("10.3.0.254")
    assert host.downloads(machine, "sdn", "10.3.0.3")
    machine.kill()
    wait_until(lambda: host.space.link(port) is None and not host.nics("c"), 30, "the port is still there")
