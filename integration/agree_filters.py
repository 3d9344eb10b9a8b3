"""Of agree: each guest's port has the filter that its NIC is defined with, and nobody else's has one."""

import json

COOKIE = 0x6E657464


def look_at_filters(view):
    switches = {nic["port"]: switch_of(view, nic) for nic in view.guests}
    look_at_table(view, [nic for nic in view.guests if switches[nic["port"]] in ("legacy", "vlan-aware")])
    look_at_flows(view, [nic for nic in view.guests if switches[nic["port"]] == "ovs"])


def switch_of(view, nic):
    """The kind of the switch that it is plugged into, or "". One on no network is where it mirrors one on Open vSwitch, unless its cable is drawn."""
    of = lambda name: view.networks.get(name, {}).get("switch", "")
    return of(nic["network"]) or next((of(name) for name in nic.get("portMirroring", []) if of(name) == "ovs" and nic["linkActive"]), "")


def look_at_table(view, nics):
    """On Linux bridges: the chain that the port's frames go into, and its MAC."""
    wanted = {nic["port"]: (nic["filter"] + ("_trunk" if nic.get("trunk") else ""), nic["macAddr"]) for nic in nics}
    text = view.host.space.run("nft", "-j", "list", "table", "bridge", "netd", check=False)
    found = {one[kind]["name"]: one[kind].get("elem", []) for one in json.loads(text or '{"nftables": []}')["nftables"] for kind in ("set", "map") if kind in one}
    macs = {port: mac for port, mac in (one["concat"] for one in found.get("macs", []))}
    real = {port: (verdict["goto"]["target"], macs.get(port)) for port, verdict in found.get("ports", [])}
    ports = {nic["port"] for nic in view.guests}
    view.same("filters", wanted, {port: filter for port, filter in real.items() if port in wanted})
    look_at_gates(view, set(found.get("gates", [])))
    admitted = ports & set(found.get("admitted", []))
    view.check(not admitted, f"guests' ports that pass without their filter: {admitted}")
    for name, elements in found.items():
        if name in ("gates", "admitted", "blocked_unknown"):   # no guest's port's
            continue
        of = {str(one[0] if isinstance(one, list) else one.get("concat", [one.get("elem", {}).get("val")])[0] if isinstance(one, dict) else one) for one in elements}
        view.check(of <= ports, f"filters of nobody's ports in {name}: {of - ports}")


def look_at_gates(view, found):
    """Each bridge of netd's has one, where somebody may plug ports in without a word to netd."""
    backends = view.host.client.call("Host.getStatus")["backends"]
    wanted = set()
    for name, network in view.networks.items():
        if network["bridged"] and network["switch"] != "ovs":
            has_base = network["switch"] == "vlan-aware" and view.base_of(network)
            wanted.add(view.switch_of(network) if has_base else view.told["networks"].get(name, {}).get("iface"))
    if not backends["kernel"]["gates"] or not backends["libvirt"]["where"]:
        wanted = set()
    view.same("bridges with a gate", wanted, found)


def look_at_flows(view, nics):
    """On Open vSwitch: flows by the port's number, of which those that pass know its MAC, and which end in a drop."""
    numbers, real = {}, {}
    if any(network["switch"] == "ovs" for network in view.networks.values()):
        # An interface that ovs-vswitchd has not taken up yet has an empty set for its number.
        numbers = {row["name"]: row["ofport"] for row in view.host.ovs.rows("Interface") if isinstance(row["ofport"], int)}
        for bridge in view.bridges:
            for cookie, port, flow in view.host.ovs.flows(bridge):
                if cookie >> 32 == COOKIE:
                    real.setdefault((bridge, port), []).append(flow)
    wanted = {(view.bridge_of_port(nic["port"]), numbers.get(nic["port"])): nic for nic in nics}
    view.same("ports with flows", set(wanted), set(real))
    for key in set(wanted) & set(real):
        nic, flows = wanted[key], real[key]
        passing = [flow for flow in flows if flow.endswith("NORMAL")]
        view.check(passing and (nic["filter"] == "trusted" or all(f"dl_src={nic['macAddr']}" in flow for flow in passing)), f"{nic['port']}: passes: {passing}")
        view.check((nic["filter"] == "strict") == any("arp_spa=" in flow for flow in passing), f"{nic['port']} is not {nic['filter']}: {passing}")
