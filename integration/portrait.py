"""All of a host that netd may change: the photograph, and beside it traffic control, filters and rules, sysctls, groups, nameservers,
DHCP clients, what Open vSwitch copies and filters, and (while netd runs) the definitions."""

import json
import os
import pathlib
import re

from agree import many, photograph
from frames import inside
from readers import Database

sysctls = {"ipv4": ("forwarding", "arp_ignore", "arp_announce"), "ipv6": ("disable_ipv6", "forwarding", "accept_ra", "autoconf", "accept_ra_defrtr")}


def portrait(host, with_definitions=False):
    links = [link for link in host.space.look()[0]["link"]]
    ovs = host.ovs if (host.ovs.folder / "db.sock").exists() else None
    found = photograph(host.space, ovs)
    # Devices of Open vSwitch's own that nobody uses, and the host's ends of guests' NICs, have another MAC each time.
    found["links"] = [one if not one[0].startswith(("ovs-", "nic-")) else (*one[:3], None, *one[4:]) for one in found["links"]]
    found["places"] = sorted((link["ifname"], str(link.get("group")), link.get("linkinfo", {}).get("info_slave_data", {}).get("isolated"),
                              link.get("promiscuity", 0) > 0 and link.get("linkinfo", {}).get("info_kind") in ("bridge", "vlan"))
                             for link in links if not link["ifname"].startswith("ovs-"))
    found["traffic"] = traffic(host)
    found["rules of packets"] = packet_rules(host)
    found["settings"] = settings(host)
    found["nameservers"] = nameservers(host)
    found["clients"] = sorted(key for key, pid in host.netd.dhcp_clients().items() if os.path.exists(f"/proc/{pid}"))
    if ovs:
        found["ports"], found["flows"] = ports(ovs), flows(ovs)
    if with_definitions:
        found["definitions"] = definitions(host)
    return found


def traffic(host):
    """Without counters, and without the queues in classes, whose numbers are the kernel's."""
    lines, shaped = [], set()
    for line in host.space.traffic("qdisc").splitlines():
        words = line.split()
        if words[2] == "6e64:" or words[1] == "clsact":
            shaped.add(words[4])
            lines.append(("qdisc", " ".join(words)))
    for device in sorted(shaped):
        for what, *more in (("class",), ("filter",), ("filter", "ingress"), ("filter", "egress")):
            told = host.space.traffic(what, device, *more).splitlines()
            lines += [(device, " ".join(more), re.sub(r" leaf \w+:|index \d+|handle 0x\w+| id \d+(?= name netd)", "", line).strip()) for line in told if "fq_codel" not in line]
    return sorted(lines)


def packet_rules(host):
    """netd's tables, without counters; elements in the order of their words."""
    lines = []
    for line in host.space.run("nft", "-s", "list", "ruleset", check=False).splitlines():
        line = re.sub(r" expires \S+", "", line.strip())
        lines.append((" ".join(sorted(line.replace(",", " ").split())) if "elements" in line or " : " in line else line,))
    return sorted(lines)


def settings(host):
    found = []
    with inside(host.space.name):
        for family, keys in sysctls.items():
            for device in pathlib.Path(f"/proc/sys/net/{family}/conf").iterdir():
                if not device.name.startswith("ovs-") and device.name not in ("all", "default", "lo"):
                    found += [(family, device.name, key, (device / key).read_text().strip()) for key in keys if (device / key).exists()]
    return sorted(found)


def nameservers(host):
    file = host.netd.folder / "resolv.conf"
    return [(file.read_text(),)] if file.exists() else []


def ports(ovs):
    rows = [("interface", row["name"], row["type"], str(row["mtu_request"]), str(row["ofport"] not in ([], -1)), str(row["error"]), str(row["ingress_policing_rate"]),
             str(sorted(map(str, row["external_ids"].items() if isinstance(row["external_ids"], dict) else row["external_ids"])))) for row in ovs.rows("Interface")
            if not row["name"].startswith("ovs-")]
    names = {row["_uuid"]: row["name"] for row in ovs.rows("Port")}
    rows += [("mirror", row["name"], str(row["select_all"]), str(row["select_vlan"]), names.get(row["output_port"] or "", "")) for row in ovs.rows("Mirror")]
    rows += [("qos", row["type"], str(row["external_ids"])) for row in ovs.rows("QoS")]
    return sorted(rows)


def flows(ovs):
    """By the port's name: its number may be another one, and each bridge counts its own."""
    bridges, rows, interfaces = Database(ovs.socket).rows("Bridge", "Port", "Interface")
    holders = {one: row["_uuid"] for row in rows for one in many(row["interfaces"])}
    numbers = {(holders.get(row["_uuid"]), row["ofport"]): row["name"] for row in interfaces if isinstance(row["ofport"], int)}
    found = []
    for bridge in bridges:
        names = {number: name for (holder, number), name in numbers.items() if holder in many(bridge["ports"])}
        for cookie, port, flow in ovs.flows(bridge["name"]):
            name = names.get(port, f"nobody's port {port}")
            found.append((bridge["name"], name, re.sub(rf"cookie=0x[0-9a-f]+|in_port={port}\b|duration=\S+|\breg0=\S+", "", flow).strip(" ,")))
    return sorted(found)


def definitions(host):
    client = host.client
    told = [client.call("Host.getRunningConfig"), client.call("Host.getRunningConfig", {"which": "committed"}), client.call("VM.getNics")]
    return [(json.dumps(one, sort_keys=True),) for one in told]
