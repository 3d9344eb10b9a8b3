"""A machine that runs goes from one libvirt to another, on two hosts that each have a netd, with its NIC and all that is sent to it."""

import contextlib
import json
import re
import subprocess

import host as hosts
from agree import agree
from client import RpcError, says_no
from guest_runner import case
from host import wait_until
from hypervisor import Libvirt

mac = "52:54:00:00:0b:01"


class Elsewhere(hosts.Host):
    """Another host, whose eno1 is on the same wire; its netd has the same network."""

    def __init__(self, here):
        super().__init__(here.netd.build, nics=("eno1",))
        self.libvirt = self.later(Libvirt(self.space, self.folder / "libvirt", number=2))
        self.netd.words += ["--libvirt", self.libvirt.uri]
        self.libvirt.start()
        self.netd.start().ready()
        self.client = self.netd.client()
        self.client.setup({"web": {"nic": "eno1", "switch": "legacy"}})
        wait_until(lambda: self.client.call("Host.getStatus")["backends"]["libvirt"]["connected"], 60, "netd does not find libvirt")
        here.wire.links("link add across type bridge", f"link add cable type veth peer name cable netns {self.wire.name}",
                        "link set eno1 master across", "link set cable master across up", "link set across up")
        self.wire.links("link add across type bridge", "link set eno1 master across", "link set cable master across up", "link set across up")
        here.later(self)

    def add_space(self, name):
        return super().add_space(f"far-{name}")

    def add_nic(self, nic, number):
        super().add_nic(nic, number + 0x20)

    def nics(self):
        return self.client.call("VM.getNics")["nics"]

    def prepare(self, network="web"):
        return self.client.call("VM.hotplugNic", {"vmId": "m", "nic": {"network": network, "macAddr": mac, "incoming": True}})["nic"]

    def gone(self, here):
        here.closing.remove(self)
        here.wire.links("link set eno1 nomaster", "link del cable", "link del across")   # before the cable goes with its other end
        self.close()


def migration(here, there, *how):
    return ["virsh", "-q", "-c", here.libvirt.uri, "migrate", "--live", *how, "m", there.libvirt.uri, "--migrateuri", f"unix://{there.folder}/moving"]


@contextlib.contextmanager
def two_hosts(here):
    there = Elsewhere(here)
    answer = here.client.call("VM.hotplugNic", {"vmId": "m", "nic": {"network": "web", "macAddr": mac, "incoming": True}})
    machine = here.libvirt.machine("m", devices=answer["xml"]).ready()
    try:
        machine.bring_up(mac, "10.1.0.50/24")
        assert machine.pings("10.1.0.254")
        yield there, machine, answer["nic"]["port"]
    finally:
        machine.kill()
        there.libvirt.virsh("destroy", "m", check=False)
        wait_until(lambda: not here.nics("m"), 30, "its NIC stays")
        there.gone(here)


def is_reached(here):
    return here.peer("web").run("ping", "-q", "-c", "1", "-W", "1", "10.1.0.50", check=False).find(" 0% packet loss") > 0


@case
def a_machine_goes_to_another_host_with_its_nic(here):
    with two_hosts(here) as (there, machine, port):
        nic = there.prepare()
        assert nic["incoming"] and nic["port"] == port, nic
        # All stands before the machine is there.
        link = there.space.link(port)
        assert link["master"] == "web" and "UP" in link["flags"], link
        agree(there)
        pings = here.peer("web").start("ping", "-i", "0.1", "-w", "60", "10.1.0.50", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        subprocess.run(migration(here, there), check=True, timeout=500, stdin=subprocess.DEVNULL)
        wait_until(lambda: "incoming" not in there.nics()[0], 20, "it is not seen to have come")
        wait_until(lambda: not here.nics("m") and here.space.link(port) is None, 20, "its NIC stays where it was")
        wait_until(lambda: is_reached(here), 10, "it is not reached on the other host")
        pings.send_signal(2)
        told = pings.communicate()[0]
        sent, got = (int(word) for word in told[told.rindex("---"):].split("\n")[1].replace(" packets transmitted, ", " ").split()[:2])
        stood_still = int(re.search(r"Total downtime: +(\d+)", there.libvirt.virsh("domjobinfo", "--completed", "m"))[1])   # between both, in ms
        assert sent > 5 and sent - got <= 30 + stood_still / 100, (told[-300:], stood_still)
        assert there.space.link(port)["master"] == "web"
        agree(there)
        # There it ends, and nothing of it stays.
        there.libvirt.virsh("destroy", "m")
        wait_until(lambda: not there.nics() and there.space.link(port) is None, 20, "its NIC stays on the other host")


@case
def who_is_not_awaited_stays(here):
    with two_hosts(here) as (there, machine, port):
        done = subprocess.run(migration(here, there), capture_output=True, text=True, timeout=500, stdin=subprocess.DEVNULL)
        assert done.returncode != 0, "it went to a host that has no port for it"
        assert is_reached(here) and here.space.link(port) and there.space.link(port) is None
        assert [nic["port"] for nic in here.nics("m")] == [port]


@case
def a_migration_that_is_broken_off_changes_nothing(here):
    with two_hosts(here) as (there, machine, port):
        there.prepare()
        machine.tell("dd if=/dev/urandom of=/filled bs=1M count=12")   # what is zero is sent in no time
        moving = subprocess.Popen(migration(here, there, "--bandwidth", "1"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        def is_refused():
            try:
                for isolated in (True, False):
                    here.update(machine, mac, port_isolated=isolated)
            except RpcError as error:
                assert error.code == 51, error
                return True
            return False
        wait_until(is_refused, 20, "it migrates, and its NIC is changed")
        wait_until(lambda: "incoming" not in there.nics()[0], 60, "it is not seen to come")
        says_no(lambda: there.client.call("VM.hotplugNic", {"vmId": "m", "nic": {"network": "web"}}), 51)
        says_no(lambda: there.client.call("VM.updateDevice", {"vmId": "m", "macAddr": mac, "port_isolated": True}), 51)
        here.libvirt.virsh("domjobabort", "m")
        assert moving.wait(300) != 0
        wait_until(lambda: not there.libvirt.domains(), 20, "it is on the other host, too")
        wait_until(lambda: is_reached(here), 10, "it is not reached any more")
        wait_until(lambda: not is_refused(), 20, "its NIC still can't be changed")
        wait_until(lambda: not there.nics() and there.space.link(port) is None, 30, lambda: json.dumps(there.nics()))
