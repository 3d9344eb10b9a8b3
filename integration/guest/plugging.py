"""VirtIO NICs of real virtual machines: in, out, elsewhere, and what must not be left of any of it."""

from host import wait_until
from guest_runner import case, subnets


def plugged(host, machine, network, **nic):
    """(its MAC, what the guest calls it) of a NIC that has address .1 of the network."""
    answer = host.plug(machine, network, **nic)
    mac = answer["nic"]["macAddr"]
    return mac, machine.bring_up(mac, f"{subnets[network]}.1/24")


@case
def a_nic_comes_carries_and_goes(host):
    for network in ("web", "sdn"):
        answer = host.plug(host.a, network)
        nic = answer["nic"]
        assert answer["changed"] and f"<target dev='{nic['port']}' managed='no'/>" in answer["xml"], answer
        mac = nic["macAddr"]
        host.a.bring_up(mac, f"{subnets[network]}.1/24")
        assert host.a.pings(f"{subnets[network]}.254"), network
        assert host.downloads(host.a, network, f"{subnets[network]}.1"), f"no TCP on {network}"
        again = host.plug(host.a, network, macAddr=mac)
        assert again["changed"] is False and again["nic"] == nic, again
        assert [one["port"] for one in host.nics(host.a.uuid)] == [nic["port"]]
        assert host.unplug(host.a, mac)["changed"]
        assert host.unplug(host.a, mac)["changed"] is False
        assert host.space.link(nic["port"]) is None
        assert host.a.nic(mac) is None


@case
def a_nic_moves_between_networks_and_kinds_of_switch_live(host):
    mac, name = plugged(host, host.a, "web")
    port = host.nics()[0]["port"]
    index = host.space.link(port)["ifindex"]
    for network in ("db", "sdn", "sdn2", "web"):
        host.update(host.a, mac, network=network)
        host.a.tell(f"ip addr flush dev {name}; ip addr add {subnets[network]}.1/24 dev {name}")
        assert host.a.pings(f"{subnets[network]}.254"), network
        assert host.downloads(host.a, network, f"{subnets[network]}.1"), f"no TCP on {network}"
        assert host.space.link(port)["ifindex"] == index and host.a.nic(mac) == name, "the device was made anew"
    host.unplug(host.a, mac)


@case
def the_cable_is_drawn_and_put_back(host):
    mac, name = plugged(host, host.a, "web")

    def carrier():
        return host.a.tell(f"cat /sys/class/net/{name}/carrier")

    assert carrier() == "1"
    host.update(host.a, mac, linkActive=False)
    wait_until(lambda: carrier() == "0", 10, "the guest still has carrier")
    assert not host.a.pings("10.1.0.254", patience=1)
    host.update(host.a, mac, linkActive=True)
    wait_until(lambda: carrier() == "1", 10, "the guest has no carrier")
    assert host.a.pings("10.1.0.254")
    answer = host.update(host.a, mac, network="")
    assert answer["nic"]["network"] == "" and "master" not in host.space.link(answer["nic"]["port"])
    wait_until(lambda: carrier() == "0", 10, "connected to nothing, and has carrier")
    host.update(host.a, mac, network="web")
    wait_until(lambda: carrier() == "1", 10, "the guest has no carrier")
    assert host.a.pings("10.1.0.254")
    host.unplug(host.a, mac)


@case
def an_update_keeps_what_is_left_out(host):
    mac, _ = plugged(host, host.a, "sdn", port_isolated=True, mtu=1400, alias="ua-mine")
    nic = host.update(host.a, mac, network="sdn2")["nic"]
    assert (nic["port_isolated"], nic["mtu"], nic["alias"]) == (True, 1400, "ua-mine"), nic
    nic = host.update(host.a, mac, mtu=None, port_isolated=False)["nic"]
    assert "mtu" not in nic and nic["port_isolated"] is False and nic["network"] == "sdn2", nic
    assert host.space.link(nic["port"])["mtu"] == 1500
    host.client.call("VM.hotunplugNic", {"vmId": "a", "nic": {"alias": "ua-mine"}})


@case
def several_queues(host):
    mac, _ = plugged(host, host.a, "web", queues=2)
    assert host.a.pings("10.1.0.254")
    assert "queues='2'" in host.libvirt.virsh("dumpxml", "a")
    host.unplug(host.a, mac)


@case
def what_is_wrong_is_refused_and_leaves_nothing(host):
    mac, _ = plugged(host, host.a, "web")
    plug = "VM.hotplugNic"
    host.refuses(49, plug, {"vmId": "nobody", "nic": {"network": "web"}}, "nobody")
    host.refuses(49, plug, {"vmId": "b", "nic": {"network": "web", "macAddr": mac}}, "in use")
    host.refuses(49, plug, {"vmId": "b", "nic": {"network": "nowhere"}}, "nowhere")
    host.refuses(49, plug, {"vmId": "b", "nic": {"network": "web", "alias": "net0"}}, "ua-")
    host.refuses(49, plug, {"vmId": "b", "nic": {"network": "web", "queues": 4, "nicModel": "rtl8139"}}, "virtio")
    host.refuses(49, plug, {"vmId": "b", "nic": {"network": "web", "adopted": "vnet9"}})
    host.refuses(56, "VM.updateDevice", {"vmId": "a", "macAddr": mac, "nicModel": "e1000e"}, "unplug")
    host.refuses(56, "VM.updateDevice", {"vmId": "a", "macAddr": mac, "network": "nowhere"}, "nowhere")
    assert host.a.pings("10.1.0.254")
    host.unplug(host.a, mac)


@case
def a_paused_guest_gets_a_nic_and_keeps_what_it_does_not_let_go(host):
    host.libvirt.virsh("suspend", "b")
    mac = host.plug(host.b, "web")["nic"]["macAddr"]
    host.libvirt.virsh("resume", "b")
    host.b.bring_up(mac, "10.1.0.2/24")
    assert host.b.pings("10.1.0.254")
    host.unplug(host.b, mac)
