"""Holds three against each other: what was defined, what netd reports, and what the kernel and Open vSwitch have."""

import ipaddress
import json
import os
import re
import time

from agree_filters import look_at_filters
from agree_roles import look_at_roles
from agree_shaping import look_at_shaping

# What the kernel or Open vSwitch makes by itself.
own_devices = {"lo", "ovs-system", "ovs-netdev"}


def agree(host, foreign=(), patience=0):
    """Every complaint at once. `foreign` are devices that somebody else made. What comes by itself, such as a lease, the kernel has
    a moment before netd tells it: `patience` is how long that moment may be, in seconds."""
    deadline, begun = time.monotonic() + (patience and max(3 * patience, 60)), time.monotonic()
    while complaints := complaints_of(host, set(foreign)):
        assert begun < deadline, "\n".join(complaints)
        time.sleep(0.02)
        begun = time.monotonic()


def complaints_of(host, foreign):
    view = View(host)
    for name, network in view.networks.items():
        view.look_at_network(name, network)
    for name, bond in view.bonds.items():
        view.look_at_bond(name, bond)
    view.look_at_bases()
    view.look_at_routes()
    view.look_at_clients()
    view.look_at_resolver()
    look_at_filters(view)
    look_at_shaping(view)
    look_at_roles(view)
    view.look_at_what_is_too_much(foreign)
    drift = host.client.call("Host.getDrift")
    view.check(not any(drift.values()), f"netd finds drift: {json.dumps(drift)}")
    return view.complaints


class View:
    def __init__(self, host):
        self.host, self.complaints = host, []
        running = host.client.call("Host.getRunningConfig")
        self.networks, self.bonds = running["networks"], running["bondings"]
        self.told = host.client.call("Host.getNetworkCapabilities")
        self.leases = Leases(host.netd.run / "dhcp")
        self.guests = host.client.call("VM.getNics")["nics"]
        space = host.space
        *self.families, vlans = space.look()
        self.links = {link["ifname"]: link for link in self.families[0]["link"]}
        self.addresses, self.made_by_routers = {}, {f"{one['local']}/{one['prefixlen']}" for link in self.families[1]["addr"] for one in link["addr_info"] if one.get("dynamic")}
        for family in self.families:
            for link in family["addr"]:
                self.addresses.setdefault(link["ifname"], set()).update(f"{one['local']}/{one['prefixlen']}" for one in link["addr_info"] if one["scope"] != "link" and not one.get("dynamic"))
        self.vlans = {one["ifname"]: one["vlans"] for one in vlans}
        if any(network["switch"] == "ovs" for network in self.networks.values()):
            interfaces = {row["name"]: row for row in host.ovs.rows("Interface")}
            self.ports = {row["name"]: dict(row, mtu=interfaces[row["name"]]["mtu_request"]) for row in host.ovs.rows("Port") if row["name"] in interfaces}
            self.bridges = {row["name"]: row for row in host.ovs.rows("Bridge")}
        else:
            self.ports, self.bridges = {}, {}

    def check(self, is_so, complaint):
        if not is_so:
            self.complaints.append(complaint)

    def same(self, what, wanted, found):
        self.check(wanted == found, f"{what}: wanted {wanted!r}, found {found!r}")

    def bridge_of_port(self, port):
        """The Open vSwitch bridge that the port is on."""
        return next((name for name, row in self.bridges.items() if self.ports.get(port, {}).get("_uuid") in many(row["ports"])), None)

    def kind(self, name):
        return self.links.get(name, {}).get("linkinfo", {}).get("info_kind")

    def base_of(self, network):
        return network.get("nic") or network.get("bonding")

    def southbound(self, network):
        """On Linux bridges the VLAN device, by its name or, where that would be too long, by what it is."""
        base, vlan = self.base_of(network), network.get("vlan")
        if vlan is None or network["switch"] != "legacy":
            return base
        if len(f"{base}.{vlan}") <= 15:
            return f"{base}.{vlan}"
        return next((name for name, one in self.links.items() if one.get("link") == base and self.kind(name) == "vlan" and one["linkinfo"]["info_data"]["id"] == vlan), None)

    def switch_of(self, network, device=""):
        """The filtering or Open vSwitch bridge of its NIC or bond; where its name would be too long, the one that the base is in."""
        base = self.base_of(network) or device
        name = {"vlan-aware": "vb-", "ovs": "ovs-"}[network["switch"]] + base
        if len(name) <= 15:
            return name
        if network["switch"] == "vlan-aware":
            return self.links.get(base, {}).get("master")
        return self.bridge_of_port(base)

    def wanted_addresses(self, network):
        wanted = [f"{network['ipaddr']}/{network['prefix']}"] if network.get("ipaddr") else []
        wanted += [network["ipv6addr"]] if network.get("ipv6addr") else []
        wanted += [lease["address"]] if (lease := self.leases.of(network)) else []
        wanted += self.leases.six_of(network)
        return {str(ipaddress.ip_interface(one)) for one in wanted + network.get("addresses", [])}

    def gateway(self, network, key="gateway"):
        lease = self.leases.of(network) if key == "gateway" else None
        return lease["gateway"] if lease else network.get(key)

    def look_at_network(self, name, network):
        told = self.told["networks"].get(name)
        if not told:
            return self.check(False, f"{name}: not in the capabilities")
        device, vlan, base = told["iface"], network.get("vlan"), self.base_of(network)
        link = self.links.get(device)
        if not link:
            return self.check(False, f"{name}: its device {device} is not in the kernel")
        self.same(f"{name}: bridged", network["bridged"], told["bridged"])
        self.same(f"{name}: switch", network["switch"], told["switch"])
        self.same(f"{name}: inSync", True, told["inSync"])
        self.same(f"{name}: vlanid", vlan, told.get("vlanid"))
        self.check("UP" in link["flags"], f"{name}: {device} is not up")
        wanted = self.wanted_addresses(network)
        on_host = network["switch"] != "vlan-aware" or not base or not network["bridged"] or wanted or network["bootproto"] == "dhcp" or network.get("dhcpv6") or network.get("ipv6autoconf")
        if on_host:
            self.same(f"{name}: mtu", network["mtu"], link["mtu"])
        self.same(f"{name}: told mtu", network["mtu"], told["mtu"])
        self.same(f"{name}: addresses of {device}", wanted, self.addresses.get(device, set()))
        self.same(f"{name}: told IPv4 addresses", {one for one in wanted if ":" not in one}, set(told["ipv4addrs"]))
        self.same(f"{name}: told IPv6 addresses", {one for one in wanted if ":" in one}, set(told["ipv6addrs"]) - self.made_by_routers)
        lease = self.leases.of(network)
        first = next((one for one in network.get("addresses", ()) if ":" not in one), "")
        self.same(f"{name}: told address", (lease["address"] if lease else network.get("ipaddr", first)).split("/")[0], told["addr"])
        self.same(f"{name}: told gateway", self.gateway(network) or "", told["gateway"])
        self.same(f"{name}: told default route", bool(network["defaultRoute"] and self.gateway(network)), told["ipv4defaultroute"])
        self.same(f"{name}: told to be by DHCP", network["bootproto"] == "dhcp", told["dhcpv4"])
        if base:
            self.same(f"{name}: southbound", self.southbound(network), told["southbound"])
        {"legacy": self.look_at_legacy, "vlan-aware": self.look_at_vlan_aware, "ovs": self.look_at_ovs}[network["switch"]](name, network, device, on_host)

    def look_at_legacy(self, name, network, device, _):
        vlan, base = network.get("vlan"), self.base_of(network)
        southbound = self.southbound(network)
        if network["bridged"]:
            self.same(f"{name}: kind of {device}", "bridge", self.kind(device))
            if base:
                self.same(f"{name}: bridge of {southbound}", device, self.links.get(southbound, {}).get("master"))
                self.same(f"{name}: MAC is that of its base", self.links[base]["address"], self.links[device]["address"])
                self.same(f"{name}: addresses of {southbound}", set(), self.addresses.get(southbound, set()))
        if vlan is not None:
            link = self.links.get(southbound, {})
            self.same(f"{name}: {southbound}", ("vlan", base, vlan, network["mtu"]),
                      (self.kind(southbound), link.get("link"), link.get("linkinfo", {}).get("info_data", {}).get("id"), link.get("mtu")))

    def tags(self, device):
        """{tag: flags} of a bridge port or of the bridge itself."""
        found = {}
        for one in self.vlans.get(device, []):
            for tag in range(one["vlan"], one.get("vlanEnd", one["vlan"]) + 1):
                found[tag] = set(one.get("flags", []))
        return found

    def look_at_vlan_aware(self, name, network, device, on_host):
        base, vlan = self.base_of(network), network.get("vlan")
        if not base:
            return self.look_at_legacy(name, network, device, on_host)
        bridge = self.switch_of(network)
        self.same(f"{name}: bridge of {base}", bridge, self.links[base].get("master"))
        self.same(f"{name}: {bridge} filters", 1, self.links.get(bridge, {}).get("linkinfo", {}).get("info_data", {}).get("vlan_filtering"))
        uplink = self.tags(base)
        if vlan is None:
            untagged = [tag for tag, flags in uplink.items() if {"PVID", "Egress Untagged"} <= flags]
            self.check(len(untagged) == 1, f"{name}: untagged on {base}: {uplink}")
            tag = untagged[0] if untagged else None
        else:
            tag = vlan
            self.same(f"{name}: tag {vlan} on {base}", set(), uplink.get(vlan))
        if on_host:
            info = self.links[device].get("linkinfo", {}).get("info_data", {})
            self.same(f"{name}: {device} is a VLAN of the bridge", ("vlan", bridge, tag), (self.kind(device), self.links[device].get("link"), info.get("id")))
        is_mirrored = any(name in nic.get("portMirroring", ()) for nic in self.guests)
        self.same(f"{name}: the bridge itself takes part in {tag}", bool(on_host) or is_mirrored, tag in self.tags(bridge))

    def look_at_ovs(self, name, network, device, _):
        base, vlan = self.base_of(network), network.get("vlan")
        bridge = self.switch_of(network, device)
        port = self.ports.get(device)
        if not port or bridge not in self.bridges:
            return self.check(False, f"{name}: Open vSwitch has port {device}: {bool(port)}, bridge {bridge}: {bridge in self.bridges}")
        self.same(f"{name}: tag of {device}", vlan or 0, port["tag"])
        self.same(f"{name}: mtu asked of OVS for {device}", network["mtu"], port["mtu"])
        self.check(port["_uuid"] in many(self.bridges[bridge]["ports"]), f"{name}: {device} is not on {bridge}")
        if base:
            uplink = self.ports.get(base)
            self.check(uplink and uplink["_uuid"] in many(self.bridges[bridge]["ports"]), f"{name}: {base} is not on {bridge}")
            self.check(uplink and (vlan or 0) in many(uplink["trunks"]), f"{name}: {base} does not carry {vlan or 0}: {uplink and uplink['trunks']}")

    def look_at_bond(self, name, bond):
        link, told = self.links.get(name), self.told["bondings"].get(name)
        if not link or not told:
            return self.check(False, f"{name}: in the kernel {bool(link)}, in the capabilities {bool(told)}")
        self.same(f"{name}: kind", "bond", self.kind(name))
        ports = sorted(port for port, one in self.links.items() if one.get("master") == name)
        self.same(f"{name}: ports", sorted(bond["nics"]), ports)
        self.same(f"{name}: told ports", sorted(bond["nics"]), sorted(told["slaves"]))
        options = dict(pair.split("=", 1) for pair in bond["options"].split())
        self.same(f"{name}: mode", options["mode"], link["linkinfo"]["info_data"]["mode"])
        if "miimon" in options:
            self.same(f"{name}: miimon", int(options["miimon"]), link["linkinfo"]["info_data"]["miimon"])
        for key, value in told["opts"].items():   # what is not at its default
            self.same(f"{name}: told {key}", options.get(key, "its default"), value)
        for port in bond["nics"]:
            self.same(f"{name}: mtu of {port}", link["mtu"], self.links[port]["mtu"])

    def look_at_bases(self):
        wanted = {}
        for network in self.networks.values():
            if base := self.base_of(network):
                wanted[base] = max(wanted.get(base, 0), network["mtu"])
        for base, mtu in wanted.items():
            if base not in self.links:
                self.check(False, f"{base}: not in the kernel")
                continue
            self.same(f"{base}: mtu is the largest on it", mtu, self.links[base]["mtu"])
            self.check("UP" in self.links[base]["flags"], f"{base} is not up")

    def look_at_routes(self):
        for told, family, key in zip(self.families, ("-4", "-6"), ("gateway", "ipv6gateway")):
            defaults = [route for route in told["route"] if route["dst"] == "default" and route.get("protocol") != "ra"]
            wanted = {self.gateway(network, key): self.told["networks"].get(name, {}).get("iface") for name, network in self.networks.items()
                      if network["defaultRoute"] and self.gateway(network, key)}
            found = {route.get("gateway"): route["dev"] for route in defaults if route.get("table", "main") == "main"}
            if wanted:
                self.same(f"default route {family}", wanted, found)
            rules = [rule for rule in told["rule"] if rule["priority"] == 3200]
            sources = {name: network for name, network in self.networks.items()
                       if self.gateway(network, key) and not network["defaultRoute"]}
            self.same(f"source rules {family}: two a network", 2 * len(sources), len(rules))
            tables = {rule["table"] for rule in rules}
            gateways = sorted(route["gateway"] for route in defaults if route.get("table", "main") in tables)
            self.same(f"gateways of source rules {family}", sorted(self.gateway(network, key) for network in sources.values()), gateways)

    def look_at_clients(self):
        """One for each network that asks, and none beside."""
        asking = {self.leases.key(network, family) or f"{self.told['networks'][name]['iface']}-{family}" for name, network in self.networks.items()
                  for family, asks in ((4, network["bootproto"] == "dhcp"), (6, network.get("dhcpv6"))) if asks and name in self.told["networks"]}
        running = {key for key, pid in self.host.netd.dhcp_clients().items() if os.path.exists(f"/proc/{pid}")}
        self.same("DHCP clients", asking, running)

    def look_at_resolver(self):
        """The nameservers of the network with the default route, in the file and in the report."""
        file = self.host.netd.folder / "resolv.conf"
        there = [line.split()[1] for line in file.read_text().splitlines() if line.startswith("nameserver ")] if file.exists() else []
        self.same("told nameservers", there, self.told["nameservers"])
        for name, network in self.networks.items():
            lease = self.leases.of(network) if network["defaultRoute"] else None
            if wanted := network.get("nameservers") or lease and lease["nameservers"]:
                self.same(f"nameservers of {name}", wanted, there)

    def look_at_what_is_too_much(self, foreign):
        wanted = {"lo", *self.told["nics"], *foreign, *self.bonds, *(nic["port"] for nic in self.guests), *self.bridges}
        for name, network in self.networks.items():
            base = self.base_of(network)
            wanted.add(self.told["networks"].get(name, {}).get("iface", name))
            if base and network["switch"] == "legacy" and network.get("vlan") is not None:
                wanted.add(self.southbound(network))
            if base and network["switch"] == "vlan-aware":
                wanted.add(self.switch_of(network))
        self.same("devices that are too much", set(), set(self.links) - wanted - own_devices)
        if self.networks and all(network["switch"] == "ovs" for network in self.networks.values()):
            bridges = {self.switch_of(network, self.told["networks"][name]["iface"]) for name, network in self.networks.items() if name in self.told["networks"]}
            self.same("Open vSwitch bridges", bridges, set(self.bridges))


class Leases:
    """What DHCP servers gave, as netd keeps it."""

    def __init__(self, folder):
        self.kept = {file.stem: dict(line.split("=", 1) for line in file.read_text().splitlines()) for file in folder.glob("*.lease")}

    def key(self, network, family=4):
        base, vlan = network.get("nic") or network.get("bonding"), network.get("vlan")
        return base and f"{base}{'' if vlan is None else f'.{vlan}'}-{family}"

    def six_of(self, network):
        kept = self.kept.get(self.key(network, 6), {}) if network.get("dhcpv6") else {}
        return [f"{value}/128" for key, value in kept.items() if re.fullmatch(r"new_dhcp6_ia_na\d+_ia_addr\d+", key)]

    def of(self, network):
        lease = self.kept.get(self.key(network)) if network["bootproto"] == "dhcp" else None
        return lease and {"address": f"{lease['new_ip_address']}/{lease['new_subnet_cidr']}", "gateway": lease.get("new_routers", "").split(" ")[0],
                          "nameservers": lease.get("new_domain_name_servers", "").split()}


def many(value):
    """OVSDB writes a set of one as the one."""
    return value if isinstance(value, list) else [value]


# What a device is made as, and not what happens to it.
settings = {"vlan": ("id", "protocol"), "bond": ("mode", "miimon", "xmit_hash_policy", "ad_lacp_rate", "primary", "updelay", "downdelay"),
            "bridge": ("vlan_filtering", "stp_state", "forward_delay", "ageing_time", "vlan_default_pvid", "mcast_snooping")}
moving = ("flags", "metrics", "expires")


def photograph(space, ovs=None):
    """All that the kernel, and Open vSwitch, have in a namespace; two of them are the same if nothing was changed."""
    links, addresses, routes, rules = [], [], [], []
    *families, vlans = space.look()
    for link in families[0]["link"]:
        if link["ifname"] in own_devices:
            continue
        info = link.get("linkinfo", {})
        # Open vSwitch gives the port of a bridge's own name, which nobody uses, whatever MTU the others have.
        mtu = link["mtu"] if "UP" in link["flags"] or info.get("info_kind") not in ("tun", "openvswitch") else None
        links.append((link["ifname"], mtu, link.get("master"), link.get("address"), "UP" in link["flags"], info.get("info_kind"), link.get("link"),
                      link.get("ifalias"), str([(key, info.get("info_data", {}).get(key)) for key in settings.get(info.get("info_kind"), ())])))
    for family, told in zip(("-4", "-6"), families):
        addresses += [(link["ifname"], *(str(one.get(key)) for key in ("local", "prefixlen", "address", "broadcast", "label", "metric", "noprefixroute", "secondary"))) for link in told["addr"] for one in link["addr_info"] if one["scope"] != "link"]
        routes += [(family, *sorted((key, str(value)) for key, value in route.items() if key not in moving)) for route in told["route"]
                   if route.get("table") != "local" and route.get("protocol") != "ra" and not str(route["dst"]).startswith(("fe80", "ff00", "multicast"))]
        rules += [(family, json.dumps(rule, sort_keys=True)) for rule in told["rule"]]
    vlans = [(one["ifname"], str(one["vlans"])) for one in vlans]
    rows = []
    if ovs:
        rows += [(row["name"], str(row["tag"]), str(row["trunks"]), str(sorted(map(str, many(row["external_ids"]))))) for row in ovs.rows("Port")]
        rows += [(row["name"], row["datapath_type"], str(row["stp_enable"])) for row in ovs.rows("Bridge")]
    return {"links": sorted(links, key=str), "addresses": sorted(addresses), "routes": sorted(routes), "rules": sorted(rules), "vlans": sorted(vlans), "ovs": sorted(rows)}


def changes(before, after):
    """What differs between two photographs, in lines."""
    return [f"{what}: {sign} {one}" for what in before for sign, left, right in (("-", before, after), ("+", after, before))
            for one in left[what] if one not in right[what]]
