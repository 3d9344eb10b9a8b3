"""What root does behind netd's back on a walk (integration/walk): devices of its own, which must stay as they are, and things done to
netd's, which netd must put right."""

import time

from agree import changes
from host import Failed, run
from walk_looks import picture, since
from walk_values import nics
from walk_wishes import base_of


class Root:
    def __init__(self, walk):
        self.walk, self.host, self.random = walk, walk.host, walk.random
        self.own = {}   # device: (the network whose bridge it was put into, or nothing; words that `ip` tells of it)

    def ip(self, *words):
        self.walk.note("ip " + " ".join(map(str, words)))
        return run("ip", "-n", self.host.space.name, *words)

    def do_one(self):
        if self.own and self.random.random() < 0.6:
            return self.take_away(self.random.choice([*self.own]))
        deeds = [self.add_port, self.harm, self.harm, self.harm] + ([self.add_vlan] if self.walk.abilities["vlan"] else [])
        self.random.choice(deeds)(self.random.randint(1, 200))

    def all(self):
        """Its devices, and the bridges that netd leaves to it while they have ports of its own."""
        return {*self.own, *(network for network, _ in self.own.values() if network)}

    def take_away(self, name):
        network, _ = self.own.pop(name)
        self.ip("link", "delete", name)
        if network and network not in self.all() and not self.is_bridge(network) and self.host.space.link(network):
            self.ip("link", "delete", network)

    def is_bridge(self, network):
        """Whether it has a bridge of its own, of its name."""
        one = self.walk.running()["networks"].get(network, {})
        return one.get("switch") == "legacy" and one["bridged"]

    def places(self, network):
        """Where a port on it may be: it goes along with its network; that had to leave it, it has kept the bridge."""
        one = self.walk.running()["networks"].get(network, {})
        if not one.get("bridged") or one["switch"] == "legacy":
            return {network}
        return {network, f"{'ovs' if one['switch'] == 'ovs' else 'vb'}-{base_of(one) or network}"}

    def place(self, link):
        if link.get("master") not in (None, "ovs-system") or not self.host.ovs.folder.exists():
            return link.get("master")
        try:
            return self.host.ovs.vsctl("port-to-br", link["ifname"]).strip()
        except Failed:
            return None

    def add_vlan(self, number):
        """On a NIC or bond, with addresses and routes of both families."""
        running = self.walk.running()
        base = self.random.choice([*running["bondings"], *(nic for nic in nics if not any(nic in bond["nics"] for bond in running["bondings"].values()))])
        name, words = f"fv{number}", (f"192.168.{number}.2/24", f"2001:db8:aaaa:{number:x}::2/64", f"198.18.{number}.0/24", f"2001:db8:bbbb:{number:x}::/64")
        self.ip("link", "add", "link", base, "name", name, "type", "vlan", "id", 500 + number)
        self.own[name] = (None, words)
        for device in (base, name):
            self.ip("link", "set", device, "up")
        self.ip("addr", "add", words[0], "dev", name)
        self.ip("-6", "addr", "add", words[1], "dev", name, "nodad")
        self.ip("route", "add", words[2], "via", f"192.168.{number}.9")
        self.ip("-6", "route", "add", words[3], "via", f"2001:db8:aaaa:{number:x}::9")

    def add_port(self, number):
        """To a bridge."""
        bridges = [name for name in self.walk.running()["networks"] if self.is_bridge(name)]
        if bridges:
            name, bridge = f"fp{number}", self.random.choice(bridges)
            self.ip("link", "add", name, "type", "veth", "peer", "name", f"fq{number}", "netns", self.host.wire.name)
            self.ip("link", "set", name, "master", bridge, "up")
            self.own[name] = (bridge, ())

    def harm(self, number):
        told = self.host.client.call("Host.getNetworkCapabilities")["networks"]
        if not told:
            return
        device = told[self.random.choice([*told])]["iface"]
        before, kind = picture(self.host), self.host.space.link(device).get("linkinfo", {}).get("info_kind")
        added = {"addr": f"192.168.{number}.77/24", "route": f"198.19.{number}.0/24"}
        what = self.random.choice([*added, "down", "mtu"] + (["delete"] if kind in ("bridge", "vlan") and device not in self.all() else []))
        words = {"down": ("link", "set", device, "down"), "mtu": ("link", "set", device, "mtu", 1300), "delete": ("link", "delete", device)}
        try:
            self.ip(*(words[what] if what in words else (what, "add", added[what], "dev", device)))
        except Failed as refused:   # by the kernel
            return self.walk.note(str(refused))
        time.sleep(0.3)   # netd is to hear of it first
        if what in added and changes(before, picture(self.host)):   # it is root's to keep, and here to take away
            run("ip", "-n", self.host.space.name, what, "delete", added[what], "dev", device, check=False)
        self.walk.find(f"repair after {what} of {device}", since(before, self.host))

    def complaints(self):
        """What became of its own; what is gone is looked for no more."""
        lines = []
        for name, (network, words) in list(self.own.items()):
            link = self.host.space.link(name)
            places = self.places(network) if network else {None}
            there = [run("ip", "-n", self.host.space.name, family, what, "show", "dev", name, check=False) for family in ("-4", "-6") for what in ("addr", "route")] if words else []
            missing = [word for word in words if not any(word in text for text in there)]
            if not link or self.place(link) not in places or missing:
                lines.append(f"{name} {'is in ' + str(self.place(link)) if link else 'is gone'}; it should be in {' or '.join(map(str, places))}; without {missing}")
                self.own[name] = link and (network if self.place(link) else None, words)
        self.own = {name: one for name, one in self.own.items() if one}
        return lines
