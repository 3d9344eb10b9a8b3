"""Shares of NICs and limits toward guests: what was defined, what netd tells, and what `tc` finds. A part of agree.py."""


def look_at_shaping(view):
    """Shares of NICs and limits toward guests: who has a qdisc of netd's, and with which classes."""
    shared = {}
    for network in view.networks.values():
        if network.get("hostQos"):
            shared.setdefault(view.base_of(network), {})[network.get("vlan", -1)] = network["hostQos"]
    limited = {nic["port"] for nic in view.guests if nic.get("specParams", {}).get("inbound")}
    if not shared and not limited and not view.host.__dict__.get("shaped"):
        return   # starting tc is dear
    view.host.shaped = True
    # Frames wait in a bond's ports, so that these have its shares, too.
    divided = {device: networks for base, networks in shared.items() for device in (base, *view.bonds.get(base, {}).get("nics", ())) if device == base or device in view.links}
    found = {words[4]: words[1] for words in map(str.split, view.host.space.traffic("qdisc").splitlines()) if words[2] == "6e64:"}
    view.same("qdiscs of netd's", {device: "hfsc" for device in divided} | {port: "htb" for port in limited}, found)
    for base in (*view.told["nics"], *view.told["bondings"]):
        told = (view.told["nics"].get(base) or view.told["bondings"][base]).get("qos", [])
        view.same(f"{base}: told shares", shared.get(base, {}), {one["vlan"]: one["hostQos"] for one in told})
    for base, networks in divided.items():
        # fq_codel tells its flows as classes, too.
        lines = [line.split() for line in view.host.space.traffic("class", base).splitlines() if line.startswith("class hfsc")]
        classes = {int(words[2].split(":")[1] or "0", 16) for words in lines} - {0, 0xFFFF}
        view.same(f"{base}: classes", {0x1000} | {vlan + 1 for vlan in networks if vlan >= 0}, classes)
