"""What a walk asks for (integration/walk): random things done to the definitions that run, all of them on one kind of switch."""

import contextlib
import copy
import re

from client import RpcError
from walk_values import Values, addressing, nics, tags

names = tuple(f"n{number}" for number in range(10))
# How often each is done, beside the others.
deeds = {"add": 4, "remove": 2, "convert": 3}
deeds_on_one = {"address": 3, "mtu": 2, "tag": 2, "move": 4, "options": 2, "bridged": 2, "swap": 1, "default_route": 1, "share": 1, "rename": 1}
deeds_on_bonds = {"make_bond": 2, "ports": 3, "bond_options": 2, "remove_bond": 1, "nic_to_bond": 2, "bond_to_nic": 1}


def base_of(network):
    return network.get("nic") or network.get("bonding")


def changed(old, new):
    return {**{name: one for name, one in new.items() if old.get(name) != one}, **{name: {"remove": True} for name in old if name not in new}}


class Wishes:
    """All that one walk asks for."""

    def __init__(self, random, kinds, abilities):
        self.random, self.kinds, self.abilities, self.values = random, kinds, abilities, Values(random)

    def next(self, client):
        """(request, in words). One that netd would refuse is mostly thought over."""
        running = client.call("Host.getRunningConfig")
        for _ in range(30):
            wish = Wish(self, running["networks"], running["bondings"])
            words = [wish.do_one() for _ in range(self.random.choice((1, 1, 1, 2, 2, 3, 5)))]
            is_wrong = self.values.chance(0.08) and wish.spoil()
            request = wish.request(running["networks"], running["bondings"])
            if not any(request.values()):
                continue
            with contextlib.suppress(RpcError):
                if not is_wrong and self.values.chance(0.85):
                    client.call("Host.planNetworks", request)
                return request, ", ".join([*filter(None, words), *(["what is wrong"] if is_wrong else [])])
        return {"networks": {}, "bondings": {}}, "nothing"


class Wish:
    def __init__(self, wishes, networks, bonds):
        self.random, self.abilities, self.values = wishes.random, wishes.abilities, wishes.values
        self.networks, self.bonds, self.kind = copy.deepcopy(networks), copy.deepcopy(bonds), self.random.choice(wishes.kinds)

    def request(self, networks, bonds):
        """There is one default route: that of a network that just got it, if any did."""
        having = [name for name, one in self.networks.items() if one.get("defaultRoute")]
        for name in sorted(having, key=lambda name: self.networks[name] != networks.get(name))[:-1]:
            if self.networks[name] != networks.get(name):
                self.networks[name]["defaultRoute"] = False
                self.networks[name].pop("nameservers", None)
        return {"networks": changed(networks, self.networks), "bondings": changed(bonds, self.bonds)}

    def do_one(self):
        """In words what was done, or nothing where it goes with nothing that is there."""
        weights = {**deeds, **deeds_on_one, **(deeds_on_bonds if self.abilities["bond"] else {})}
        if len(self.networks) > 4:
            weights["add"] = 1
        if not self.abilities["hfsc"]:
            del weights["share"]
        deed = self.random.choices([*weights], [*weights.values()])[0]
        if deed in deeds_on_one:
            to = self.one([name for name, one in self.networks.items() if one["switch"] == self.kind])
            if to:
                getattr(self, deed)(to, self.networks[to])
        else:
            to = getattr(self, deed)()
        return to and f"{deed} {to}".replace("_", " ")

    def one(self, among):
        return self.random.choice(among) if among else None

    def spoil(self):
        if self.networks:
            self.networks[self.random.choice([*self.networks])].update(self.values.wrong())
        return bool(self.networks)

    def idle_nics(self):
        return [nic for nic in nics if not any(nic in bond["nics"] for bond in self.bonds.values())]

    def unused_nics(self):
        return [nic for nic in self.idle_nics() if not any(one.get("nic") == nic for one in self.networks.values())]

    def on(self, base):
        return [one for one in self.networks.values() if base and base_of(one) == base]

    def bases(self, but=None):
        """Those that a network of this kind may lie on."""
        return [base for base in [*self.idle_nics(), *self.bonds] if all(one["switch"] == self.kind or one is but for one in self.on(base))]

    def free_name(self):
        return self.random.choice([name for name in names if name not in self.networks] or names[-1:])

    def lay_on(self, network, base):
        network.pop("nic", None)
        network.pop("bonding", None)
        network["bonding" if base in self.bonds else "nic"] = base

    # Networks.

    def add(self):
        network, bases = {"switch": self.kind}, self.bases()
        if bases and not self.values.chance(0.06):
            base = self.random.choice(bases)
            self.lay_on(network, base)
            free = [tag for tag in tags if tag not in {one.get("vlan") for one in self.on(base)} and (tag is None or self.goes_with_tags())]
            if free and (tag := self.random.choice(free)):
                network["vlan"] = tag
            if self.values.chance(0.25):
                network["bridged"] = False
            if any(one.get("hostQos") for one in self.on(base)):
                network["hostQos"] = self.values.share()
        if self.values.chance(0.35):
            network["mtu"] = self.values.mtu()
        if self.values.chance(0.65):
            self.values.address(network)
        self.values.options(network)
        name = self.free_name()
        self.networks[name] = network
        return name

    def goes_with_tags(self):
        return self.kind == "ovs" or self.abilities["vlan"]

    def remove(self):
        name = self.one([*self.networks])
        self.networks.pop(name, None)
        return name

    def convert(self):
        others = sorted({base_of(one) for one in self.networks.values() if base_of(one) and one["switch"] != self.kind})
        if not others:
            return None
        base = self.random.choice(others)
        for network in self.on(base):
            network["switch"] = self.kind
            if self.kind == "ovs":
                network.pop("custom", None)
        if base in self.bonds:
            self.bonds[base]["switch"] = self.kind
        return f"{base} to {self.kind}"

    def address(self, _, network):
        for key in addressing:
            network.pop(key, None)
        if self.values.chance(0.75):
            self.values.address(network)

    def mtu(self, _, network):
        network["mtu"] = self.values.mtu()

    def tag(self, _, network):
        network.pop("vlan", None)
        if base_of(network) and self.goes_with_tags() and (tag := self.random.choice(tags)):
            network["vlan"] = tag

    def move(self, _, network):
        base = self.random.choice(self.bases(network) or nics[:1])
        has_shares = any(one.get("hostQos") for one in self.on(base) if one is not network)
        network.pop("hostQos", None)
        self.lay_on(network, base)
        if has_shares:
            network["hostQos"] = self.values.share()

    def options(self, _, network):
        for key in ("stp", "custom", "isolated", "roles"):
            network.pop(key, None)
        self.values.options(network)

    def bridged(self, _, network):
        network["bridged"] = not network.get("bridged", True)
        for key in ("stp", "custom", "isolated", "roles"):
            network.pop(key, None)

    def swap(self, _, network):
        """With another: where they lie."""
        other = self.random.choice([one for one in self.networks.values() if one["switch"] == self.kind])
        for key in ("nic", "bonding", "vlan"):
            mine, its = network.pop(key, None), other.pop(key, None)
            network.update({} if its is None else {key: its})
            other.update({} if mine is None else {key: mine})

    def default_route(self, _, network):
        if network.get("gateway"):
            network["defaultRoute"] = not network.get("defaultRoute")
            network.pop("nameservers", None)

    def share(self, _, network):
        """All on a base have one, or none."""
        is_given = not network.get("hostQos") or self.values.chance(0.5)
        for one in self.on(base_of(network)):
            one.pop("hostQos", None)
            one.update({"hostQos": self.values.share()} if is_given else {})

    def rename(self, name, _):
        self.networks[self.free_name()] = self.networks.pop(name)

    # Bonds.

    def some(self, among, least, most):
        return self.random.sample(among, min(len(among), self.random.randint(least, most)))

    def make_bond(self):
        name, ports = self.random.choice(("bond0", "bond1")), self.some(self.unused_nics(), 1, 2)
        if name in self.bonds or not ports:
            return None
        self.bonds[name] = self.values.bond(ports, self.kind)
        return name

    def ports(self):
        name = self.one([*self.bonds])
        if not name or not (ports := self.some([*self.unused_nics(), *self.bonds[name]["nics"]], 1, 3)):
            return None
        options = re.sub(r"primary=\w+", f"primary={ports[0]}", self.bonds[name]["options"])
        self.bonds[name].update(nics=sorted(ports), options=options)
        return name

    def bond_options(self):
        name = self.one([*self.bonds])
        if name:
            self.bonds[name]["options"] = self.values.bond_options(self.bonds[name]["nics"][0])
        return name

    def remove_bond(self):
        """Mostly with what lies on it, else netd has to refuse."""
        name = self.one([*self.bonds])
        if name and self.values.chance(0.7):
            self.networks = {key: one for key, one in self.networks.items() if one.get("bonding") != name}
        self.bonds.pop(name, None)
        return name

    def nic_to_bond(self):
        name, used = self.random.choice(("bond0", "bond1")), sorted({one["nic"] for one in self.networks.values() if one.get("nic") and one["switch"] == self.kind})
        if name in self.bonds or not used:
            return None
        nic = self.random.choice(used)
        self.bonds[name] = self.values.bond([nic, *self.some(self.unused_nics(), 0, 1)], self.kind)
        for network in self.on(nic):
            self.lay_on(network, name)
        return f"{nic} {name}"

    def bond_to_nic(self):
        name = self.one([*self.bonds])
        if not name or any(one["switch"] != self.kind for one in self.on(name)):
            return None
        nic = self.random.choice(self.bonds.pop(name)["nics"])
        for network in self.on(name):
            self.lay_on(network, nic)
        return f"{name} {nic}"
