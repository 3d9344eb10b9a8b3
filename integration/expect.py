"""The lines of a case's `after`: what must be there (integration/cases/README.md has them all)."""

import json

from frames import Wire, shout


class Wrong(Exception):
    pass


class Found:
    """What is there after a call, each looked at once, when somebody asks."""

    def __init__(self, host, answer, guests):
        self.host, self.answer, self.guests, self.seen = host, answer, guests, {}

    def once(self, what, look):
        if what not in self.seen:
            self.seen[what] = look()
        return self.seen[what]

    def space(self):
        return self.once("space", self.host.space.look)

    def told(self):
        return self.once("told", lambda: self.host.client.call("Host.getNetworkCapabilities"))

    def link(self, name):
        return {link["ifname"]: link for link in self.space()[0]["link"]}.get(name)

    def addresses(self, name):
        return {f"{one['local']}/{one['prefixlen']}" for family in self.space()[:2] for link in family["addr"] if link["ifname"] == name
                for one in link["addr_info"] if one["scope"] != "link"}

    def device(self, word):
        """@web is the device of network web."""
        return self.told()["networks"].get(word[1:], {}).get("iface", word) if word.startswith("@") else word


def check(found, text):
    """None, or what is wrong."""
    words = text.split()
    for length in (2, 1):
        if handler := handlers.get(" ".join(words[:length])):
            try:
                return handler(found, [found.device(word) for word in words[length:]])
            except Wrong as wrong:
                raise AssertionError(f"{text}: {wrong}") from None
    raise AssertionError(f"{text}: the cases' README has no such line")


def same(what, wanted, found):
    if wanted != found:
        raise Wrong(f"{what}: wanted {wanted!r}, found {found!r}")


def value(words):
    text = " ".join(words)
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def at(document, path):
    """A part of a document by its path; `absent` if it is not there. The last step of a list may be a number."""
    for step in filter(None, path.split("/")):
        step = step.replace("~1", "/")
        if isinstance(document, list) and step.isdigit() and int(step) < len(document):
            document = document[int(step)]
        elif isinstance(document, dict) and step in document:
            document = document[step]
        else:
            return "absent"
    return document


def link(found, words):
    name, words = words[0], words[1:]
    there = found.link(name)
    if not there:
        raise Wrong("it is not there")
    info = there.get("linkinfo", {})
    data = {**info.get("info_slave_data", {}), **info.get("info_data", {})}
    known = {"mtu": there["mtu"], "master": there.get("master", "none"), "mac": there["address"], "kind": info.get("info_kind", "none"),
             "on": there.get("link", "none"), "alias": there.get("ifalias", "none")}
    while words:
        if words[0] in ("up", "down"):
            same("up", words[0] == "up", "UP" in there["flags"])
            words = words[1:]
        else:
            key, wanted, words = words[0], words[1], words[2:]
            same(key, wanted, str(known[key] if key in known else data.get(key, "absent")))


def no_link(found, words):
    same("still there", [], [name for name in words if found.link(name)])


def addresses(found, words):
    same("addresses", set() if words[1:] == ["none"] else set(words[1:]), found.addresses(words[0]))


def routes_like(found, words):
    wanted = {"gateway" if key == "via" else key: one for key, one in zip(words[1::2], words[2::2])}
    everything = [route for family in found.space()[:2] for route in family["route"]]
    return [route for route in everything if route["dst"] == words[0] and all(str(route.get(key, "main" if key == "table" else "")) == one for key, one in wanted.items())]


def route(found, words):
    if len(routes_like(found, words)) != 1:
        raise Wrong(f"{len(routes_like(found, words))} such routes")


def no_route(found, words):
    same("such routes", [], routes_like(found, words))


def rules(found, words):
    told = [rule for family in found.space()[:2] for rule in family["rule"] if rule["priority"] == 3200]
    same("rules", int(words[0]), len(told))


def tags(found, words):
    """tags eno1 100 200 300:untagged; exactly these."""
    there = set()
    for port in found.space()[2]:
        for one in port["vlans"] if port["ifname"] == words[0] else ():
            end = ":untagged" if "Egress Untagged" in one.get("flags", []) else ""
            there |= {f"{tag}{end}" for tag in range(one["vlan"], one.get("vlanEnd", one["vlan"]) + 1)}
    same("tags", set(words[1:]) - {"none"}, there)


def ovs(found, words):
    table, name, column, *rest = words
    rows = {row["name"]: row for row in found.once(table, lambda: found.host.ovs.rows(table))}
    if rest == ["absent"] or column == "absent":
        return same("there", False, name in rows)
    same(column, value(rest), rows.get(name, {}).get(column, "absent"))


def told(found, words):
    same("told", value(words[1:]), at(found.told(), words[0]))


def asked(method, **params):
    def look(found, words):
        same(method, value(words[1:]), at(found.once(f"{method} {params}", lambda: found.host.client.call(method, params)), words[0]))
    return look


def answer(found, words):
    same("answer", value(words[1:]), at(found.answer, words[0]))


def statistics(found, words):
    """Each counter of these devices lies between the kernel's own before and after."""
    def kernel():
        return {link["ifname"]: link["stats64"] for link in found.host.space.ip("-s", "link", "show")}
    before, netd, after = kernel(), found.host.client.call("Host.getNetworkStatistics")["network"], kernel()
    names = {"rx": ("rx", "bytes"), "tx": ("tx", "bytes"), "rxPackets": ("rx", "packets"), "txPackets": ("tx", "packets"), "rxErrors": ("rx", "errors"),
             "txErrors": ("tx", "errors"), "rxDropped": ("rx", "dropped"), "txDropped": ("tx", "dropped"), "multicast": ("rx", "multicast")}
    for name in words:
        for key, (way, kind) in names.items():
            if not before[name][way][kind] <= netd[name][key] <= after[name][way][kind]:
                raise Wrong(f"{name} {key}: {netd[name][key]}, the kernel {before[name][way][kind]} to {after[name][way][kind]}")


def _ends(found, words):
    """[(end, tags)] of words like `vm1`, `eno1`, `eno1 tag 100`, `web device`: a guest, a wire, a device of the host."""
    ends, words = [], [word.strip(",") for word in words]
    while words:
        name, words, tagged = words[0], words[1:], ()
        if words[:1] == ["tag"]:
            tagged, words = (int(words[1]),), words[2:]
        ends.append((name, tagged))
    return ends


def frames(found, words):
    """frames eno1 tag 100 reach vm1, vm2 not vm3, eno2"""
    middle = words.index("reach")
    speaker, tagged = _ends(found, words[:middle])[0]
    rest = words[middle + 1:]
    stop = rest.index("not") if "not" in rest else len(rest)
    hear, deaf = _ends(found, rest[:stop]), _ends(found, rest[stop + 1:])
    wires = {name: found.guests[name][0] if name in found.guests else Wire("wire", name) for name in {speaker, *(one for one, _ in hear + deaf)}}
    try:
        mac = found.guests[speaker][1] if speaker in found.guests else "02:ee:00:00:00:01"
        expected = [wires[name] for name, _ in hear]
        got = shout(wires[speaker], mac, list(wires.values()), tagged, expected=expected)
        same("frames", {name: [list(tags)] for name, tags in hear}, {name: [list(tags) for tags in got[end]] for name, end in wires.items() if end in got})
    finally:
        for name, end in wires.items():
            if name not in found.guests:
                end.close()


handlers = {"link": link, "no link": no_link, "addresses": addresses, "route": route, "no route": no_route, "rules": rules, "tags": tags, "ovs": ovs,
            "told": told, "running": asked("Host.getRunningConfig"), "committed": asked("Host.getRunningConfig", which="committed"),
            "drift": asked("Host.getDrift"), "status": asked("Host.getStatus"), "nics": asked("VM.getNics"), "answer": answer, "statistics": statistics,
            "frames": frames}
