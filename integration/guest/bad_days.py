"""netd, libvirtd, QEMU or a tap go away in the middle of it: nothing is left behind, and nobody is forgotten."""

import os
import signal
import time

from adopting import interface
from client import RpcError, says_no
from guest_runner import case
from host import checkout, run, wait_until
from killing import Strace
from plugging import plugged


def again(host):
    host.netd.start().ready()
    host.client = host.netd.client()
    host.wait_for_libvirt()


@case
def netd_finds_its_guests_again(host):
    mac, _ = plugged(host, host.a, "web")
    known = host.nics()
    for end in (host.netd.stop, host.netd.kill):
        end()
        again(host)
        assert host.nics() == known
        assert host.a.pings("10.1.0.254")
    host.unplug(host.a, mac)


@case
def a_domain_that_ends_while_netd_is_away_leaves_no_port(host):
    domain = host.libvirt.machine("c")
    for how in ("with netd", "without netd"):
        mac = host.plug(domain, "sdn")["nic"]["macAddr"]
        port = [nic["port"] for nic in host.nics() if nic["macAddr"] == mac][0]
        if how == "without netd":
            host.netd.kill()
        domain.kill()
        wait_until(lambda: "c" not in host.libvirt.domains(), 30, "libvirt still has the domain")
        if how == "without netd":
            again(host)
        wait_until(lambda: host.space.link(port) is None and not host.nics("c"), 30, f"{how}: the port is still there")
        assert port not in [row["name"] for row in host.ovs.rows("Port")], how
        if how == "with netd":
            domain = host.libvirt.machine("c")


@case
def libvirtd_dies_and_comes_back(host):
    mac, _ = plugged(host, host.a, "web")
    host.libvirt.signal(signal.SIGKILL)
    host.wait_for_libvirt(False)
    assert host.status()["trouble"], host.status()
    host.refuses(49, "VM.hotplugNic", {"vmId": "b", "nic": {"network": "web"}}, "libvirt")
    host.refuses(50, "VM.hotunplugNic", {"vmId": "a", "nic": {"macAddr": mac}}, "libvirt")
    host.client.setup({"web": {"nic": "eno1", "switch": "legacy", "mtu": 1400}})
    assert host.a.pings("10.1.0.254"), "libvirtd's death cost the guest its network"
    host.client.setup({"web": {"nic": "eno1", "switch": "legacy"}})
    host.libvirt.start()
    host.wait_for_libvirt()
    assert [nic["macAddr"] for nic in host.nics()] == [mac]
    host.unplug(host.a, mac)


@case
def libvirtd_hangs_during_a_plug(host):
    mac = host.plug(host.a, "web")["nic"]["macAddr"]
    port = host.nics("a")[0]["port"]
    before = {link["ifname"] for link in host.space.ip("link")}
    host.libvirt.signal(signal.SIGSTOP)
    try:
        news = host.netd.subscribe("security.restored")
        number = host.client.send("VM.hotplugNic", {"vmId": "b", "nic": {"network": "web"}})
        wait_until(lambda: before != {link["ifname"] for link in host.space.ip("link")}, 10, "no port is made")
        # Others' ports do not wait for libvirt to have their filters back.
        host.space.run("nft", "flush", "ruleset")
        wait_until(lambda: port in host.space.run("nft", "list", "ruleset"), 3, "a guest stays unfiltered while libvirt is waited for")
        event = news.next()
        assert port in event[1]["ports"], event
        assert not host.client.socket.poll(0), "it may have been after the answer"
        says_no(lambda: host.client.receive(number), 49)
        assert before == {link["ifname"] for link in host.space.ip("link")}, "a port is left"
        host.client.call("Host.ping2")
    finally:
        host.libvirt.signal(signal.SIGCONT)
    host.wait_for_libvirt()
    # Whatever libvirtd still did of it is undone.
    wait_until(lambda: not host.libvirt.machine_interfaces("b"), 60, "a NIC is left in the guest")
    host.unplug(host.a, mac)


@case
def netd_is_killed_in_the_middle_of_a_plug(host):
    params = '{"vmId": "b", "nic": {"network": "sdn", "macAddr": "52:54:00:aa:00:01"}}'
    for call, number in (("rename", 1), ("sendmsg", 1), ("sendmsg", 2), ("sendmsg", 4), ("unlink", 1)):
        host.netd.stop()
        again(host)
        tracer = host.space.start("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"inject={call}:signal=KILL:when={number}", "-p", str(host.netd.process.pid))
        wait_until(lambda: "TracerPid:\t0" not in open(f"/proc/{host.netd.process.pid}/status").read(), 10, "strace does not attach")
        run("timeout", "20", "/usr/bin/python3", "-c",
            f"import sys; sys.path.insert(0, {str(checkout / 'integration')!r}); from client import Client; Client({host.netd.control!r}, 8).call('VM.hotplugNic', {params})", check=False)
        wait_until(lambda: host.netd.process.poll() is not None, 30, f"netd has lived through {call} {number}")
        host.netd.kill()
        tracer.wait(120)
        again(host)
        mac = "52:54:00:aa:00:01"
        known = [nic["macAddr"] for nic in host.nics()]
        if known:
            host.unplug(host.b, mac)
        wait_until(lambda: not host.libvirt.machine_interfaces("b"), 60, f"{call} {number}: a NIC is left in the guest")
        assert not host.nics(), (call, number)


@case
def a_guest_that_never_lets_go_keeps_its_nic(host):
    mac = host.plug(host.b, "web")["nic"]["macAddr"]
    host.b.bring_up(mac, "10.1.0.2/24")
    host.libvirt.virsh("suspend", "b")
    host.refuses(50, "VM.hotunplugNic", {"vmId": "b", "nic": {"macAddr": mac}}, "does not let go")
    assert [nic["macAddr"] for nic in host.nics()] == [mac]
    # It lets go as soon as it runs, since it has been asked.
    host.libvirt.virsh("resume", "b")
    wait_until(lambda: not host.nics(), 60, "the port of a NIC that is gone is still there")


@case
def guests_keep_their_nics_when_the_definitions_are_lost(host):
    mac, _ = plugged(host, host.a, "web", filter="strict", filterParameters=["10.1.0.1"], port_isolated=False)
    other = host.plug(host.b, "sdn2", mtu=1400)["nic"]["macAddr"]
    host.client.call("Host.setSafeNetworkConfig")
    known = host.nics()
    peers = [nic for nic in host.client.call("VM.getNics")["nics"] if nic["kind"] == "netns"]
    running = host.netd.run / "running"
    for lose in (running.unlink, lambda: running.write_text(running.read_text().replace("web", "wex"))):
        host.netd.kill()
        lose()
        again(host)
        wait_until(lambda: host.nics() == known, 30, lambda: f"known are {host.nics()}")
        assert host.a.pings("10.1.0.254")
        for peer in peers:  # of these nobody but who asked for them knows
            host.client.call("VM.hotplugNic", {"vmId": peer["vmId"], "nic": {key: peer[key] for key in ("kind", "network", "macAddr")}})
    host.unplug(host.a, mac)
    host.unplug(host.b, other)


@case
def a_tap_that_somebody_deleted_is_the_guests_again(host):
    mac, _ = plugged(host, host.a, "web")
    port = host.nics()[0]["port"]
    index = host.space.link(port)["ifindex"]
    host.space.links(f"link delete {port}")
    wait_until(lambda: (host.space.link(port) or {}).get("ifindex", index) != index and "NO-CARRIER" not in host.space.link(port)["flags"], 60, "the guest does not have the new one")
    host.a.bring_up(mac, "10.1.0.1/24")
    assert host.a.pings("10.1.0.254")
    host.unplug(host.a, mac)


@case
def libvirtd_comes_back_and_nothing_of_the_old_connection_is_kept(host):
    def sockets():
        return sum(os.readlink(f"/proc/{host.netd.process.pid}/fd/{one}").startswith("socket:") for one in os.listdir(f"/proc/{host.netd.process.pid}/fd"))

    counted = []
    for _ in range(3):
        host.libvirt.signal(signal.SIGKILL)
        host.wait_for_libvirt(False)
        host.libvirt.start()
        host.wait_for_libvirt()
        counted.append(sockets())
    assert counted[2] <= counted[0], counted


@case
def who_waits_for_a_guest_keeps_nobody_else_waiting(host):
    mac = host.plug(host.b, "web")["nic"]["macAddr"]
    host.b.bring_up(mac, "10.1.0.2/24")
    host.libvirt.virsh("suspend", "b")
    other, asked = host.netd.client(), []
    for _ in range(2):
        asked += [host.client.send("VM.hotunplugNic", {"vmId": host.b.uuid.upper(), "nic": {"macAddr": mac}}) for _ in range(40)]
        # Asked on the same connection, so that all of them have come.
        wait_until(lambda: host.client.call("Host.getStatus")["queue"] == 0, 20, "they have all the places")
    other.call("VM.hotplugNic", {"vmId": "else", "nic": {"network": "web", "kind": "tap", "macAddr": "52:54:00:00:0b:01"}})
    other.call("VM.hotunplugNic", {"vmId": "else", "nic": {"macAddr": "52:54:00:00:0b:01"}})
    host.client, waiting = other, host.client
    host.refuses(49, "VM.hotplugNic", {"vmId": "b", "nic": {"network": "web", "macAddr": mac}}, "let go")
    host.refuses(56, "VM.updateDevice", {"vmId": "b", "macAddr": mac, "network": "db"}, "let go")
    host.client = waiting
    host.libvirt.virsh("resume", "b")
    assert all(waiting.receive(one)["changed"] for one in asked)
    assert not host.nics()


@case
def a_qemu_that_stands_still_keeps_libvirt_from_no_other_guest(host):
    mac, _ = plugged(host, host.a, "web")
    os.kill(host.a.process(), signal.SIGSTOP)
    try:
        host.update(host.a, mac, network="db")  # it shall say where it is now, and can't
        other = host.plug(host.b, "web")["nic"]["macAddr"]
        host.b.bring_up(other, "10.1.0.2/24")
        assert host.unplug(host.b, other)["changed"]
    finally:
        os.kill(host.a.process(), signal.SIGCONT)
    host.unplug(host.a, mac)


@case
def that_a_qemu_stands_still_is_told_within_seconds(host):
    def seconds_until_told():
        os.kill(host.a.process(), signal.SIGSTOP)
        try:
            begun = time.monotonic()
            host.refuses(49, "VM.hotplugNic", {"vmId": "a", "nic": {"network": "web"}}, "domain a")
            return time.monotonic() - begun
        finally:
            os.kill(host.a.process(), signal.SIGCONT)
            wait_until(lambda: host.libvirt.virsh("domcontrol", "a").strip() == "ok" and not host.libvirt.machine_interfaces("a"), 60, "a NIC is left in the guest")

    # Libvirt is given 14.5 s. Once more, where the machine stood still.
    assert any(seconds_until_told() < 10 for _ in range(3))


@case
def a_plug_that_is_taken_back_waits_for_no_other_nic_with_its_mac(host):
    mac, running = "52:54:00:00:0a:12", host.netd.run / "running"
    strace = Strace(host, "-P", running, "-P", running.with_name(".running.new"), "-e", "trace=openat", "-e", "inject=openat:error=ENOSPC:delay_enter=5s")
    number = host.client.send("VM.hotplugNic", {"vmId": "b", "nic": {"network": "web", "macAddr": mac}})
    wait_until(lambda: host.libvirt.machine_interfaces("b"), 30, "it is not plugged in")
    host.libvirt.virsh("attach-interface", "b", "network", "db", "--model", "virtio", "--mac", mac, "--live")
    error = says_no(lambda: host.client.receive(number), 49)   # and not 29, that the way back is blocked
    assert "No space left" in error.message, error
    strace.close()
    wait_until(lambda: [nic["network"] for nic in host.nics("b")] == ["db"], 60, lambda: f"known are {host.nics('b')}")
    host.libvirt.virsh("detach-interface", "b", "bridge", "--mac", mac, "--live")
    wait_until(lambda: not host.nics("b"), 60, "it is still known")


@case
def a_plug_into_a_qemu_that_stands_still_keeps_libvirt_from_no_other_guest(host):
    os.kill(host.a.process(), signal.SIGSTOP)
    try:
        for _ in range(2):
            host.refuses(49, "VM.hotplugNic", {"vmId": "a", "nic": {"network": "web"}}, "domain a")
        other = host.plug(host.b, "web")["nic"]["macAddr"]
        host.b.bring_up(other, "10.1.0.2/24")
        machine = host.libvirt.machine("c", devices=interface("52:54:00:00:0a:0f", ("network", "web")))
        wait_until(lambda: host.nics("c"), 60, "a guest that has come is not known")
        machine.kill()
        wait_until(lambda: not host.nics("c"), 60, "it is still known")
        assert host.unplug(host.b, other)["changed"]
    finally:
        os.kill(host.a.process(), signal.SIGCONT)

    def plugged_again():
        try:
            return host.plug(host.a, "web")["nic"]["macAddr"]
        except RpcError as error:
            assert error.code == 49 and "domain a" in error.message, error

    host.unplug(host.a, wait_until(plugged_again, 60, "it goes on, and can't be changed"))
    # Whatever QEMU still did of the first is undone.
    wait_until(lambda: not host.libvirt.machine_interfaces("a"), 60, "a NIC is left in the guest")
