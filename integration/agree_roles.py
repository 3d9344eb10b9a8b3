"""Of agree: the device of each network is in the link group that says its roles, and no other device is in one."""

from agree_filters import switch_of

ROLES = ("management", "vm", "migration", "display", "storage", "gluster")
NETWORK = 0x6E744E00


def look_at_roles(view):
    wanted = {}
    for name, network in view.networks.items():
        device = view.told["networks"].get(name, {}).get("iface")
        is_shown = network["switch"] != "vlan-aware" or view.links.get(device, {}).get("linkinfo", {}).get("info_kind") == "vlan" or not (network.get("nic") or network.get("bonding"))
        if is_shown and device in view.links:
            wanted[device] = sum(1 << ROLES.index(role) for role in network.get("roles", []))
    # A NIC that the host's stack hears beside its networks answers nothing that is for an address elsewhere.
    bases = {}
    for network in view.networks.values():
        if (base := view.base_of(network)) in view.links:
            bases.setdefault(base, []).append(network)
    wanted.update({base: 0 for base, riders in bases.items() if riders[0]["switch"] == "ovs" or riders[0]["switch"] == "legacy" and all(one.get("vlan") is not None for one in riders)})
    wanted.update({nic["port"]: 0 for nic in view.guests if switch_of(view, nic) == "ovs" and not nic["port"].startswith("vnet") and nic["port"] in view.links})
    group = lambda link: int(link["group"]) if str(link.get("group", "")).isdigit() else 0
    found = {name: group(link) & 0xFF for name, link in view.links.items() if group(link) & 0xFFFFFF00 == NETWORK}
    view.same("roles by link group", wanted, found)
