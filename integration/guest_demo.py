"""The story that `scripts/demo --guests` tells: two virtual machines get VirtIO NICs, talk, move and are taken apart."""

import sys
import time

from client import RpcError
from demo import Results, build, say
from guest_runner import GuestHost, subnets
from host import wait_until


class Story:
    def __init__(self, host):
        self.host, self.results = host, Results("guests")
        self.expect = self.results.expect

    def tell(self):
        for chapter in (self.plug, self.move, self.cable, self.adopt, self.fail, self.crash):
            chapter()
        return self.results.failed

    def talk(self, one, other, what):
        self.expect(what, one.pings(other))

    def plug(self):
        say("\nTwo virtual machines get a NIC each, on a Linux bridge", "1")
        self.a = self.host.plug(self.host.a, "web")
        self.b = self.host.plug(self.host.b, "web")
        say(f"  {self.a['xml']}")
        self.name = self.host.a.bring_up(self.a["nic"]["macAddr"], "10.1.0.1/24")
        self.host.b.bring_up(self.b["nic"]["macAddr"], "10.1.0.2/24")
        self.talk(self.host.a, "10.1.0.2", "a running guest gets a VirtIO NIC and reaches the other guest")
        self.expect("a million bytes come over TCP", self.host.downloads(self.host.a, "web", "10.1.0.1"))
        again = self.host.plug(self.host.a, "web", macAddr=self.a["nic"]["macAddr"])
        self.expect("the same plug again changes nothing", again["changed"] is False)

    def move(self):
        say("\nA NIC moves from Linux bridge to Open vSwitch, to another tag, and back; the guest keeps its device", "1")
        mac, port = self.a["nic"]["macAddr"], self.a["nic"]["port"]
        index = self.host.space.link(port)["ifindex"]
        for network in ("sdn", "sdn2", "web"):
            begun = time.monotonic()
            self.host.update(self.host.a, mac, network=network)
            took = (time.monotonic() - begun) * 1000
            self.host.a.tell(f"ip addr flush dev {self.name}; ip addr add {subnets[network]}.1/24 dev {self.name}")
            reached = self.host.a.pings(f"{subnets[network]}.254")
            self.expect(f"moved to {network} live, and reached", reached and self.host.space.link(port)["ifindex"] == index)
            say(f"          {took:.0f} ms")
        self.talk(self.host.b, "10.1.0.1", "back in its first network the other guest finds it")

    def cable(self):
        say("\nIts cable is drawn and put back", "1")
        mac = self.a["nic"]["macAddr"]
        self.host.update(self.host.a, mac, linkActive=False)
        carrier = f"cat /sys/class/net/{self.name}/carrier"
        self.expect("the guest sees its cable drawn", wait_until(lambda: self.host.a.tell(carrier) == "0", 10))
        self.host.update(self.host.a, mac, linkActive=True)
        self.talk(self.host.a, "10.1.0.2", "and put back")

    def adopt(self):
        say("\nOthers use libvirt's own words", "1")
        offered = self.host.libvirt.virsh("net-list", "--name").split()
        self.expect(f"virsh net-list shows the networks by name: {', '.join(offered)}", set(offered) == set(subnets))
        self.host.libvirt.virsh("attach-interface", "b", "network", "sdn2", "--model", "virtio", "--mac", "52:54:00:00:0b:01", "--live")
        wait_until(lambda: len(self.host.nics("b")) == 2, 20)
        self.host.b.bring_up("52:54:00:00:0b:01", "10.4.0.2/24")
        self.talk(self.host.b, "10.4.0.254", "a NIC that virsh plugged in is known, tagged, and carries")
        say(self.host.netd.netctl("topology"))
        self.host.unplug(self.host.b, "52:54:00:00:0b:01")

    def fail(self):
        say("\nWhat can't be done leaves nothing behind", "1")
        before = self.host.what_is_there()
        for what, nic in (("a MAC that is in use is refused", {"network": "web", "macAddr": self.a["nic"]["macAddr"]}), ("a network that is not there is refused", {"network": "nowhere"})):
            try:
                self.host.plug(self.host.b, **nic)
                self.expect(what, False)
            except RpcError as error:
                self.expect(what, error.code == 49)
                say(f"          {error.code}: {error.message}")
        self.expect("no tap, port or row is left of it", before == self.host.what_is_there())

    def crash(self):
        say("\nGuests end as they please", "1")
        self.expect("unplugged when the guest has let go", self.host.unplug(self.host.a, self.a["nic"]["macAddr"])["changed"])
        self.host.b.kill()
        gone = wait_until(lambda: not self.host.nics() and self.host.space.link(self.b["nic"]["port"]) is None, 30)
        self.expect("the ports of a guest that crashed are gone by themselves", gone)


def main():
    say("demo: two virtual machines are booted, without KVM", "1")
    with GuestHost(build) as host:
        try:
            host.prepare()
            return Story(host).tell()
        except Exception as error:
            Results("guests").expect("the story is told to its end", False, f"{error}\n{host.netd.told()}")
            return 1


if __name__ == "__main__":
    sys.exit(min(1, main()))
