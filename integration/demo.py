"""The story that scripts/demo tells, inside of namespaces: demo.py PART... where a part is a switch kind, `legacy`,
`vlan-aware`, `ovs` or `ovs-kernel`. Each thing shown is a line in the file NETD_DEMO_RESULTS: part, ok or failed, text."""

import contextlib
import copy
import json
import os
import re
import sys
import time

from agree import changes, photograph
from client import RpcError
from frames import Tap, Wire, shout
from host import Host, OpenVSwitch, Space, checkout, reachable, run, wait_until

build = os.environ.get("NETD_BUILD", str(checkout / "build/release"))
colour = os.environ.get("NETD_DEMO_COLOUR") == "1"
example = json.loads((checkout / "examples/ovirt-host.json").read_text())
# Who is on the wire: the tag of the switch port that it is plugged into, and its address.
neighbours = {"router": (None, "192.0.2.1"), "viewer": (50, "10.50.0.1"), "host-b": (300, "10.30.0.1"), "nas": (400, "10.40.0.1"),
              "web-b": (100, "10.0.0.101"), "db-b": (200, "10.0.0.201"), "db-c": (201, "10.0.0.202")}


def say(text, shade=""):
    print(f"\033[{shade}m{text}\033[0m" if colour and shade else text, flush=True)


class Results:
    def __init__(self, part):
        self.part, self.failed = part, 0
        self.path = os.environ.get("NETD_DEMO_RESULTS", "/dev/null")

    def note(self, verdict, text):
        with open(self.path, "a") as file:
            file.write(f"{self.part}\t{verdict}\t{text}\n")

    def expect(self, text, is_so, otherwise=""):
        self.failed += not is_so
        self.note("ok" if is_so else "failed", text)
        say(f"  ok      {text}" if is_so else f"  FAILED  {text}" + (f": {otherwise}" if otherwise else ""), "" if is_so else "31;1")


class Switch:
    """The switch in the rack, with its neighbours: a namespace with a filtering bridge or an Open vSwitch of its own."""

    def __init__(self, host, with_ovs):
        self.host, self.space = host, host.wire
        nics = [link["ifname"] for link in self.space.ip("link") if link["ifname"].startswith("eno")]
        if with_ovs:
            self.ovs = OpenVSwitch(self.space, host.folder / "rack")
            host.later(self.ovs)
            self.ovs.start()
            self.ovs.vsctl("add-br", "rack", "--", "set", "bridge", "rack", "datapath_type=netdev",
                           *(word for nic in nics for word in ("--", "add-port", "rack", nic)))
        else:
            self.ovs = None
            self.space.links("link add rack mtu 9216 type bridge vlan_filtering 1 forward_delay 0", "link set rack up",
                             *(f"link set {nic} master rack" for nic in nics))
            tags = sorted({tag for tag, _ in neighbours.values() if tag})
            self.tag(*(f"vlan add vid {tag} dev {nic}" for nic in nics for tag in tags))
        for name, (tag, address) in neighbours.items():
            self.plug(name, tag, address)

    def tag(self, *lines):
        run("bridge", "-n", self.space.name, "-batch", "-", text="\n".join(lines) + "\n")

    def plug(self, name, tag, address):
        neighbour = self.host.add_space(name)
        self.space.links(f"link add to-{name} mtu 9000 type veth peer name eth0 netns {name}", f"link set to-{name} up")
        neighbour.links("link set eth0 mtu 9000 up", f"addr add {address}/24 dev eth0")
        if self.ovs:
            self.ovs.vsctl("add-port", "rack", f"to-{name}", *([f"tag={tag}"] if tag else []))
            return
        self.space.links(f"link set to-{name} master rack")
        if tag:
            self.tag(f"vlan del vid 1 dev to-{name}", f"vlan add vid {tag} pvid untagged dev to-{name}")


class Story:
    def __init__(self, part, host):
        self.part, self.host, self.results = part, host, Results(part)
        self.kind = part.removesuffix("-kernel")
        self.expect = self.results.expect
        self.definitions = copy.deepcopy(example)
        for each in (*self.definitions["networks"].values(), *self.definitions["bondings"].values()):
            each["switch"] = self.kind

    def without_bond(self):
        """For a kernel that can't bond: the same networks on a NIC."""
        self.definitions["bondings"] = {}
        for network in self.definitions["networks"].values():
            if network.pop("bonding", None):
                network["nic"] = "eno3"

    def tell(self):
        self.client = self.host.netd.client()
        self.define()
        self.traffic_of_host()
        self.plug_guests()
        self.traffic_of_guests()
        self.change_live()
        self.fail()
        self.leave_unconfirmed()
        self.show()
        self.clear()

    def setup(self, networks, confirm=True, **options):
        return self.client.setup({name: network if "remove" in network else {"switch": self.kind, **network} for name, network in networks.items()},
                                 confirm=confirm, **options)

    def define(self):
        definitions = self.definitions
        begun = time.monotonic()
        answer = self.client.setup(definitions["networks"], definitions["bondings"], **definitions["options"])
        took = time.monotonic() - begun
        self.expect(f"{len(definitions['networks'])} networks of examples/ovirt-host.json made, confirmed, committed in {took:.2f} s",
                    answer["changed"] and not self.client.call("Host.getStatus")["netConfigDirty"])
        again = self.client.setup(definitions["networks"], definitions["bondings"], **definitions["options"])
        self.expect("the same request again changes nothing", not again["changed"])
        capabilities = self.client.call("Host.getNetworkCapabilities")
        missing = set(definitions["networks"]) - set(capabilities["networks"])
        drift = self.client.call("Host.getDrift")
        self.expect("the host has every network as it was defined", not missing and not any(drift.values()),
                    f"missing {missing}, drift {json.dumps(drift)[:300]}")

    def traffic_of_host(self):
        space = self.host.space
        peers = [(space, address) for address in ("192.0.2.1", "10.50.0.1", "10.30.0.1", "10.40.0.1")]
        bases = {network[key] for network in self.definitions["networks"].values() for key in ("nic", "bonding") if network.get(key)}
        # netd commits what is made; when a link carries is the other end's affair, and a bond looks only every so often.
        wait_until(lambda: all(space.link(base)["operstate"] == "UP" for base in bases), what=f"no carrier on one of {sorted(bases)}")
        reached = reachable(*peers)
        self.expect("the host reaches its router, viewer, migration peer and storage", all(reached), str(reached))
        big = reachable((space, "10.30.0.1"), (space, "10.40.0.1"), size=8972)
        self.expect("migration and storage carry frames of 9000 bytes", all(big), str(big))
        table = space.ip("route", "show", "default")
        self.expect("the default route is that of ovirtmgmt", [route["gateway"] for route in table] == ["192.0.2.1"], str(table))

    def plug_guests(self):
        self.guests = {}
        for name, network, address in (("web1", "web", "10.0.0.1"), ("web2", "web", "10.0.0.2"), ("db1", "db", "10.0.0.3")):
            guest = self.host.add_space(name)
            nic = self.client.call("VM.hotplugNic", {"vmId": name, "nic": {"network": network, "kind": "netns"}})["nic"]
            guest.links(f"addr add {address}/24 dev eth0", "link set eth0 up")
            self.guests[name] = (guest, nic)
        nic = self.client.call("VM.hotplugNic", {"vmId": "vm3", "nic": {"network": "web", "kind": "tap"}})["nic"]
        self.tap = self.host.later(Tap("host", nic["port"]))
        self.tap_mac = nic["macAddr"]
        seen = {nic["vmId"] for nic in self.client.call("VM.getNics")["nics"]}
        self.expect("4 guests plugged: web1, web2 and a tap into web, db1 into db", seen == {*self.guests, "vm3"}, str(seen))

    def traffic_of_guests(self):
        web1, web2, db1 = (self.guests[name][0] for name in ("web1", "web2", "db1"))
        yes = [(web1, "10.0.0.2"), (web1, "10.0.0.101"), (db1, "10.0.0.201")]
        no = [(web1, "10.0.0.3"), (web1, "10.0.0.201"), (db1, "10.0.0.101"), (db1, "10.0.0.2")]
        reached = reachable(*yes, *no)
        self.expect("guests of one network reach each other and their neighbours outside", all(reached[:3]), str(reached[:3]))
        self.expect("guests of two networks do not, though their addresses are of one subnet", not any(reached[3:]), str(reached[3:]))
        ends = {name: self.host.later(Wire(*place)) for name, place in
                {"web1": ("web1", "eth0"), "db1": ("db1", "eth0"), "eno1": ("wire", "eno1"), "eno2": ("wire", "eno2"),
                 "eno3": ("wire", "eno3"), "eno4": ("wire", "eno4")}.items()}
        heard = shout(self.tap, self.tap_mac, list(ends.values()), expected=[ends["web1"]])
        told = {name: heard[end] for name, end in ends.items() if end in heard}
        uplink = {name: tags for name, tags in told.items() if name in ("eno3", "eno4")}
        self.expect("a frame of the tap comes to web1 untagged, to the wire once with tag 100, to nobody else",
                    told.get("web1") == [()] and list(uplink.values()) == [[(100,)]] and len(told) == 2, str(told))
        self.ends = ends

    def change_live(self):
        web1, db1, space = self.guests["web1"][0], self.guests["db1"][0], self.host.space
        networks = copy.deepcopy(self.definitions["networks"])
        bystander = space.start("ping", "-n", "-i", "0.05", "-w", "120", "192.0.2.1", stdout=-1, text=True)
        watched = [link for link in ("eno1", "eno2", "eno3", "bond0") if space.link(link)]
        index = {name: space.link(name)["ifindex"] for name in watched}
        self.setup({"web": dict(networks["web"], mtu=9000)})
        web1.links("link set eth0 mtu 9000")
        self.host.spaces["web-b"].links("link set eth0 mtu 9000")
        self.expect("web carries 9000 bytes now, guests too", all(reachable((web1, "10.0.0.101"), size=8972)))
        self.setup({"db": dict(networks["db"], vlan=201)})
        new, old = reachable((db1, "10.0.0.202"), (db1, "10.0.0.201"))
        self.expect("db moved from VLAN 200 to 201 with its guest plugged in", new and not old, f"new {new}, old {old}")
        same = all(space.link(name)["ifindex"] == index[name] for name in watched)
        bystander.send_signal(2)
        answered = {int(number) for number in re.findall(r"icmp_seq=(\d+) ttl", bystander.communicate()[0])}
        lost = set(range(1, max(answered, default=1))) - answered   # the last one may still have been on its way
        self.expect(f"meanwhile ovirtmgmt lost none of {len(answered)} pings, and no link was made anew", same and not lost, f"lost {sorted(lost)}")

    def fail(self):
        space, networks = self.host.space, copy.deepcopy(self.definitions["networks"])
        before, running = photograph(space), self.client.call("Host.getRunningConfig")
        # The next hop is on no network, which only the kernel finds out, when all else is done.
        wrong = dict(networks["storage"], vlan=401, mtu=1500, ipv6autoconf=True, routes=[{"to": "2001:db8:9::/48", "via": "2001:db8:8::1"}])
        why = ""
        try:
            self.setup({"storage": wrong, "lab": dict(networks["web"], vlan=102)})
        except RpcError as error:
            why = f"{error.code}: {error.message}"
        moved = changes(before, photograph(space))
        self.expect("a change that the kernel refuses half-way is taken back whole", why and not moved and self.client.call("Host.getRunningConfig") == running,
                    "; ".join(moved) if why else "it was not refused")
        say(f"          netd: {why}"[:150], "2")

    def leave_unconfirmed(self):
        space, networks = self.host.space, copy.deepcopy(self.definitions["networks"])
        before, begun, code = photograph(space), time.monotonic(), None
        try:
            self.setup({"ovirtmgmt": dict(networks["ovirtmgmt"], ipaddr="192.0.2.77", mtu=1400)}, confirm=False, connectivityTimeout=2)
        except RpcError as error:
            code = error.code
        took, moved = time.monotonic() - begun, changes(before, photograph(space))
        self.expect(f"a change that cuts the engine off is taken back after {took:.1f} s unasked (code {code})",
                    code == 10 and not moved and all(reachable((space, "192.0.2.1"))), f"code {code}; {'; '.join(moved)}")

    def show(self):
        status, tree = self.host.netd.netctl("status", check=False), self.host.netd.netctl("topology")
        for line in (*status.strip().splitlines(), "", *tree.strip().splitlines()):
            say("    " + line, "2")
        self.expect("netctl shows status and topology", "web1" in tree or "guests" in tree or "web" in tree)

    def clear(self):
        for nic in self.client.call("VM.getNics")["nics"]:
            self.client.call("VM.hotunplugNic", {"vmId": nic["vmId"], "nic": {"macAddr": nic["macAddr"]}})
        self.client.setup({name: {"remove": True} for name in self.definitions["networks"]},
                          {name: {"remove": True} for name in self.definitions["bondings"]})
        left = [link["ifname"] for link in self.host.space.ip("link") if not link["ifname"].startswith(("eno", "lo", "ovs-system", "ovs-netdev"))]
        addresses = [one["local"] for link in self.host.space.ip("addr") for one in link["addr_info"] if one["scope"] == "global"]
        self.expect("all removed again: nothing is left on the host", not left and not addresses, f"{left} {addresses}")


def abilities(host):
    return host.netd.client().call("Host.getStatus")["backends"]["kernel"]


def tell(part):
    with_kernel_datapath = part == "ovs-kernel"
    say(f"\n{part}" + (" (userspace datapath)" if part == "ovs" else ""), "1")
    results = Results(part)
    try:
        with Host(build) as host:
            if part.startswith("ovs"):
                host.start_ovs("kernel" if with_kernel_datapath else "userspace")
            host.netd.start().ready()
            can = abilities(host)
            story = Story(part, host)
            if not can["bond"]:
                say("  this kernel has no bonding: web and db are on eno3 instead of bond0", "2")
                story.without_bond()
            Switch(host, with_ovs=not can["vlan_filtering"])
            try:
                story.tell()
            except Exception:
                say("  netd said: " + host.netd.told()[-1500:].replace("\n", "\n    "), "2")
                raise
            return story.results.failed
    except Exception as error:   # told as the failure that it is, and the next part has its chance
        results.expect("the part went to its end", False, f"{type(error).__name__}: {error}")
        return 1


if __name__ == "__main__":
    if sys.argv[1:] == ["--abilities"]:
        with Host(build, nics=()) as host:
            host.netd.start().ready()
            print(json.dumps(abilities(host)))
        sys.exit(0)
    sys.exit(min(1, sum([tell(part) for part in sys.argv[1:]])))
