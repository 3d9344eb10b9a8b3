"""What a walk holds against what (integration/walk): the host against itself before, and against a fresh one that came to the same
definitions at once. Both by their pictures, which are portraits with all that `ip` tells of each device."""

import re
import shutil
import time

from agree import changes, own_devices
from host import Host, Space
from portrait import portrait
from walk_values import nics
from walk_wishes import base_of

# What comes and goes by itself, or is another one each time.
moving = {"gc_timer", "hello_timer", "tcn_timer", "topology_change_timer", "topology_change", "topology_change_detected", "root_port", "root_path_cost", "root_id", "bridge_id",
          "hold_timer", "message_age_timer", "forward_delay_timer", "state", "designated_bridge", "designated_root", "designated_port", "designated_cost", "id", "no", "cost",
          "config_pending", "topology_change_ack", "mii_status", "link_failure_count", "queue_id", "ad_info", "active_slave", "ad_aggregator_id", "ad_actor_oper_port_state",
          "ad_actor_oper_port_state_str", "ad_partner_oper_port_state", "ad_partner_oper_port_state_str", "fdb_n_learned", "perm_hwaddr"}
kept = ("mtu", "master", "link", "group", "txqlen", "address", "ifalias", "inet6_addr_gen_mode")
counted = ("promiscuity", "allmulti")   # by the kernel, which asks a bond's new ports as often as it likes
flags = {"UP", "NOARP", "MULTICAST"}
# What a NIC that nobody uses any more may have of its past, and a bond's port of its bond.
left_behind = ("mtu", "up", "group", "address", "promiscuity", "allmulti", "arp_ignore", "arp_announce")


def picture(host):
    found = portrait(host)
    del found["links"], found["places"]   # all of it is among the devices
    return {**found, "devices": devices(host)}


def devices(host):
    """(device, what, value). While STP sees the topology change, the kernel lets a bridge forget sooner."""
    rows = []
    for link in host.space.look()[0]["link"]:
        name, info = link["ifname"], link.get("linkinfo", {})
        if name in own_devices:
            continue
        kind, is_up = info.get("info_kind"), "UP" in link["flags"]
        rows += [(name, "kind", str(kind)), (name, "up", str(is_up)), (name, "flags", str(sorted(flags & set(link["flags"]))))]
        rows += [(name, key, str(link[key])) for key in kept if key in link and not is_of_ovs(name, key, kind, is_up) and not (key == "address" and info.get("info_slave_kind") == "bond")]
        rows += [(name, key, str(bool(link[key]))) for key in counted if key in link]
        own, as_port = info.get("info_data") or {}, info.get("info_slave_data") or {}
        rows += [(name, key, str(value)) for key, value in own.items() if (key not in moving or key == "id") and not (key == "ageing_time" and own.get("stp_state"))]
        rows += [(name, f"as a port: {key}", str(value)) for key, value in as_port.items() if key not in moving]
    return rows


def is_of_ovs(name, key, kind, is_up):
    """The port of a bridge's own name, which nobody uses, has whatever MTU the others have, and another MAC each time."""
    return key == "mtu" and kind in ("tun", "openvswitch") and not is_up or key == "address" and name.startswith("ovs-")


def settled(look, patience):
    """What it has to say; nothing at all, if that comes within so many seconds."""
    deadline = time.monotonic() + patience
    while (found := look()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def since(before, host, patience=5):
    """What is not as it was."""
    return settled(lambda: changes(before, picture(host)), patience)


def comparable(host):
    """The picture by names: without what is random by nature, the kernel's to choose, or left behind on NICs."""
    found, links = picture(host), host.space.look()[0]["link"]
    running = host.client.call("Host.getRunningConfig")
    used = {one.get("nic") for one in running["networks"].values()}
    strange = [link["ifname"] for link in links if link["ifname"] in nics and link["ifname"] not in used]
    for what in ("devices", "settings"):
        found[what] = [row for row in found[what] if not is_left_behind(row, strange)]
    names = {**macs(links), **tables(host)}
    return {what: [translated(str(row), names) for row in rows] for what, rows in found.items()}


def is_left_behind(row, strange):
    device, what = row[:2] if row[0] not in ("ipv4", "ipv6") else row[1:3]
    return device in strange and (what in left_behind or what == "flags")


def macs(links):
    """{MAC: a word}. A bond has its first port's, and which that was is its past; made up ones are in no order."""
    found = {}
    for link in sorted(links, key=lambda link: (link.get("linkinfo", {}).get("info_kind") != "bond", link["ifname"])):
        mac = link.get("address") or ""
        if link.get("linkinfo", {}).get("info_kind") == "bond" or not mac.startswith("52:54:00:00:00:"):
            found.setdefault(mac, f"<MAC of {link['ifname']}>")
    return {mac: word for mac, word in found.items() if mac.count(":") == 5}


def tables(host):
    """{a table as it is worded: a word}, by the gateways in it; its number is netd's to choose."""
    gateways = {}
    for told in host.space.look()[:2]:
        for route in told["route"]:
            if route["dst"] == "default" and str(route.get("table", "main")) != "main":
                gateways.setdefault(str(route["table"]), []).append(str(route.get("gateway")))
    return {f"{quote}{number}{quote}": f"<table of {' '.join(there)}>" for number, there in gateways.items() for quote in "'\""}


def translated(text, names):
    return re.sub("|".join(map(re.escape, names)), lambda found: names[found[0]], text) if names else text


class Beside(Host):
    """A fresh host with the same NICs, in namespaces of other names."""

    def __init__(self, host):
        self.model = host
        super().__init__(host.netd.build, nics)
        if host.ovs.folder.exists():
            self.start_ovs(host.ovs.datapath)

    def add_space(self, name):
        self.spaces[name] = Space(f"{name}2")
        return self.spaces[name]

    def start(self):
        self.netd.start().ready()
        self.client = self.netd.client()

    def set_up(self, running):
        self.start()
        for networks, bonds in in_calls(running["networks"], running["bondings"]):
            self.client.setup(networks, bonds, confirm=None)

    def boot(self):
        """With the files that the other has; with its links gone, as they are after a boot."""
        shutil.copytree(self.model.netd.state, self.netd.state)
        self.start()

    def differences(self, running):
        """Of what it runs and what it is: - is what only the one that walked has, + what only the fresh one has."""
        told = self.client.call("Host.getRunningConfig")
        lines = [f"{part} {name}: - {running[part].get(name)} + {told[part].get(name)}" for part in running for name in {**running[part], **told[part]}
                 if running[part].get(name) != told[part].get(name)]
        return lines + settled(lambda: changes(comparable(self.model), comparable(self)), 5)


def in_calls(networks, bonds):
    """A call is about one kind of switch. Bonds whose networks are of another kind than they come before all networks."""
    kinds = sorted({one["switch"] for one in (*networks.values(), *bonds.values())})
    of = lambda things, kind: {name: one for name, one in things.items() if one["switch"] == kind}
    if any(bonds.get(one.get("bonding"), one)["switch"] != one["switch"] for one in networks.values()):
        return [*(({}, of(bonds, kind)) for kind in kinds), *((of(networks, kind), {}) for kind in kinds)]
    return [(of(networks, kind), of(bonds, kind)) for kind in kinds]


def applied(request, before):
    """The definitions as they are asked to be."""
    return {part: {name: one for name, one in {**before[part], **request[part]}.items() if not one.get("remove")} for part in before}


def concerned(request, before, after):
    """The devices that a request has to do with, of definitions before and after: the others must not notice."""
    found, bonds = set(), [*before["bondings"].items(), *after["bondings"].items()]
    for name in request["networks"]:
        old, new = before["networks"].get(name, {}), after["networks"].get(name, {})
        is_moved = (old.get("switch"), base_of(old)) != (new.get("switch"), base_of(new))
        for one in filter(None, (old, new)):
            base = base_of(one) or name
            is_last = not all(any(base_of(other) == base for other in state["networks"].values()) for state in (before, after))
            found |= {name, f"{base}.{one.get('vlan')}"} | (around(base) if is_moved or is_last or one.get("vlan") is None else set())
    for name in request["bondings"]:
        ports = {port for bond, one in bonds if bond == name for port in one.get("nics", ())}
        for base in {name, *ports}:
            lying = [(network, one) for state in (before, after) for network, one in state["networks"].items() if base_of(one) == base]
            found |= around(base) | {device for network, one in lying for device in (network, f"{base}.{one.get('vlan')}")}
    return found | {port for bond, one in bonds if bond in found for port in one.get("nics", ())}


def around(base):
    return {base, f"vb-{base}", f"ovs-{base}"}


def indeed(request, before, running):
    """Of what was asked, what does not run; and who was not asked about, and changed."""
    found = []
    for part, asked in request.items():
        for name, one in asked.items():
            found += [f"{name}: {line}" for line in of_one(one, running[part].get(name))]
        found += [f"{name} was not asked about: {one}, and now {running[part].get(name)}" for name, one in before[part].items()
                  if name not in asked and bare(one) != bare(running[part].get(name, {}))]
    return found


def of_one(asked, runs):
    if asked.get("remove"):
        return ["was removed, and runs"] if runs else []
    if not runs:
        return ["does not run"]
    return [f"{key}: asked {value!r}, runs {runs.get(key)!r}" for key, value in asked.items()
            if key != "options" and not isinstance(value, (dict, list)) and runs.get(key, value if value in (False, None) else None) != value]


def bare(network):
    """Without what another takes from it, that is to have the default route."""
    return {key: one for key, one in network.items() if key not in ("defaultRoute", "nameservers", "search")}
