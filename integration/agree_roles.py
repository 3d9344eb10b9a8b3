"""Of agree: the device of each network is in the link group that says its roles, and no other device is in one. What comes in by it
is not forwarded: a rule for each family that the host has there."""

ROLES = ("management", "vm", "migration", "display", "storage", "gluster")
NETWORK = 0x6E744E00


def look_at_roles(view):
    wanted = {}
    for name, network in view.networks.items():
        device = view.told["networks"].get(name, {}).get("iface")
        is_shown = network["switch"] != "vlan-aware" or view.links.get(device, {}).get("linkinfo", {}).get("info_kind") == "vlan" or not (network.get("nic") or network.get("bonding"))
        if is_shown and device in view.links:
            wanted[device] = sum(1 << ROLES.index(role) for role in network.get("roles", []))
    # Where the host's stack hears a port of a bond or a switch beside those, it takes nothing, and from guests' ports never.
    closed = {view.base_of(network) for network in view.networks.values() if network["switch"] != "legacy"} | \
        {view.southbound(network) for network in view.networks.values() if network["switch"] == "legacy" and network["bridged"]} | \
        {port for bond in view.bonds.values() for port in bond["nics"]} | \
        {nic["port"] for nic in view.guests if "adopted" not in nic or view.networks.get(nic["network"], {}).get("switch") == "ovs"}
    wanted.update({device: 0x80 for device in closed & set(view.links)})
    group = lambda link: int(link["group"]) if str(link.get("group", "")).isdigit() else 0
    found = {name: group(link) & 0xFF for name, link in view.links.items() if group(link) & 0xFFFFFF00 == NETWORK}
    # NICs are islands, with a network and when one has left them.
    found = {name: bits for name, bits in found.items() if name in wanted or bits}
    view.same("roles by link group", wanted, found)
    look_at_refusals(view)


def look_at_refusals(view):
    has = {4: lambda one: one["bootproto"] == "dhcp", 6: lambda one: one.get("dhcpv6") or one.get("ipv6autoconf")}
    for told, version in zip(view.families, (4, 6)):
        wanted = sorted(view.told["networks"][name]["iface"] for name, network in view.networks.items() if name in view.told["networks"]
                        and (has[version](network) or any((":" in one) == (version == 6) for one in view.wanted_addresses(network))))
        found = sorted(rule["iif"] for rule in told["rule"] if rule["priority"] == 3199 and rule.get("action") == "blackhole")
        view.same(f"devices by which nothing is forwarded, IPv{version}", wanted, found)
