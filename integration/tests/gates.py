"""A tap that somebody plugs into a bridge of netd's carries nothing until it is known whose it is, whether netd lives or not."""

from agree import agree
from frames import Tap, Wire
from guests import Guest, define, same, says, uplinks
from host import wait_until
from runner import case

silent = ("--libvirt", "qemu+unix:///system?socket=/nowhere/libvirt-sock")   # one that never answers
tagged = [(100,)]


class Foreign:
    """A tap that somebody else makes and plugs in, as libvirt does."""

    def __init__(self, host, name, bridge):
        self.name, self.mac = name, f"52:54:00:ee:00:{sum(name.encode()) & 0xff:02x}"
        self.end = host.later(Tap(host.space.name, name))
        host.space.links(f"link set {name} master {bridge} up")
        if host.kind == "vlan-aware":   # which newer ones do as well
            host.space.run("bridge", "vlan", "add", "dev", name, "vid", "100", "pvid", "untagged")


def unknown(host):
    return host.client.call("Host.getStatus")["unknown"]


def dropped(host):
    return {tap: told["blocked"].get("unknown", 0) for tap, told in unknown(host).items()}


def lives_again(host, *more):
    host.netd.start(more=more).ready()
    host.client = host.netd.client()


@case("vlan", "gates", kinds=("legacy", "vlan-aware"), words=silent)
def a_tap_that_is_not_known_yet_carries_nothing(host):
    define(host, {"web": {"nic": "eno1", "vlan": 100, "ipaddr": "10.9.0.1", "prefix": 24}})
    bridge = "web" if host.kind == "legacy" else "vb-eno1"
    guests = {"a": Guest(host, "a", "web", "tap"), "b": Guest(host, "b", "web", "tap", filter="trusted"), "c": Guest(host, "c", "web")}
    everybody = {**guests, **uplinks(host, "eno1"), "host": host.later(Wire(host.space.name, "web"))}
    agree(host)
    others = lambda me: {**{name: [()] for name in everybody if name not in (me, "eno1", "host", *strangers)}, "eno1": tagged}
    heard_by = lambda speaker, wanted: {name: tags for name, tags in says(speaker, everybody, list(wanted)).items() if name not in ("host", *strangers)}
    passes = lambda one, name="": same(others(name), heard_by(one, others(name)))
    stopped = lambda one: same({}, {name: tags for name, tags in says(one, everybody, []).items()})
    strangers = {}

    def come(name):
        strangers[name] = Foreign(host, name, bridge)
        everybody[name] = strangers[name].end
        return strangers[name]

    # netd's own pass as ever, and a tap of others once netd has seen that it is none of libvirt's.
    for name in guests:
        passes(guests[name], name)
    known = come("tap9")
    wait_until(lambda: "tap9" not in unknown(host) and host.space.run("nft", "list", "set", "bridge", "netd", "admitted").count("tap9"), what="nobody admits it")
    passes(known)
    assert "host" in says(known, everybody, ["eno1", "host"])
    # What has libvirt's name waits for libvirt's word, whatever it sends, link-local frames too.
    vnet = come("vnet7")
    wait_until(lambda: "vnet7" in unknown(host), what="it is not told")
    for _ in range(3):
        stopped(vnet)
    assert dropped(host)["vnet7"] >= 3 and unknown(host)["vnet7"]["bridge"] == bridge, unknown(host)
    before = dropped(host)["vnet7"]
    for to in ("01:80:c2:00:00:00", "01:80:c2:00:00:02"):   # no rule of bridges sees those to 0e
        vnet.end.send(bytes.fromhex(to.replace(":", "") + vnet.mac.replace(":", "")) + b"\x88\xb5" + bytes(50))
    wait_until(lambda: dropped(host)["vnet7"] == before + 2, what=lambda: f"{before}, then {dropped(host)}")
    words = host.netd.netctl("why", "vnet7")
    assert bridge in words and "dropped" in words, words
    assert "vnet7" in host.netd.netctl("status", check=False)
    # Nobody else is cut off, and a change leaves it all as it is.
    passes(known)
    host.client.setup({"web": {"switch": host.kind, "nic": "eno1", "vlan": 100, "ipaddr": "10.9.0.2", "prefix": 24}})
    stopped(vnet)
    passes(known)
    agree(host, foreign=set(strangers))
    # The same when netd is dead: who came before it died, and who comes then.
    host.netd.kill()
    stopped(vnet)
    late, late_other = come("vnet8"), come("tap10")
    stopped(late)
    stopped(late_other)
    passes(known)
    for name in guests:
        passes(guests[name], name)
    lives_again(host)
    wait_until(lambda: set(unknown(host)) == {"vnet7", "vnet8"}, what=lambda: unknown(host))
    stopped(vnet)
    stopped(late)
    passes(late_other)
    passes(known)
    # A tap that goes takes along what was known of its name.
    del everybody["tap9"]
    host.closing.remove(known.end)
    known.end.close()
    wait_until(lambda: "tap9" not in host.space.run("nft", "list", "set", "bridge", "netd", "admitted"), what="it stays admitted")
    # Somebody flushes the rules: they are back, and the tap of others is not cut off for it; nor is anybody by a tap whose name no set can hold.
    stopped(come("tap*1"))
    host.space.run("nft", "flush", "ruleset")
    wait_until(lambda: bridge in host.space.run("nft", "list", "set", "bridge", "netd", "gates", check=False), what="no gate stands")
    stopped(vnet)
    passes(late_other)
    for name in guests:
        passes(guests[name], name)
    agree(host, foreign=set(strangers))
    # Without libvirt there is nobody who plugs in by himself, and there are no gates.
    host.netd.stop()
    lives_again(host, "--libvirt", "")
    assert unknown(host) == {}
    passes(vnet)
    assert bridge not in host.space.run("nft", "list", "set", "bridge", "netd", "gates")
    agree(host, foreign=set(strangers))


@case("gates", words=silent)
def what_stood_on_a_bridge_before_there_were_gates_is_not_cut_off(host):
    host.netd.stop()
    lives_again(host, "--libvirt", "")
    define(host, {"lan": {}})
    guest, other = Guest(host, "a", "lan", "tap"), Foreign(host, "tap9", "lan")
    everybody = {"a": guest, "tap9": other.end}
    same({"a": [()]}, says(other, everybody, ["a"]))
    host.netd.stop()
    host.netd.start().ready()
    host.client = host.netd.client()
    assert "lan" in host.space.run("nft", "list", "set", "bridge", "netd", "gates")
    same({"a": [()]}, says(other, everybody, ["a"]))
    same({"tap9": [()]}, says(guest, everybody, ["tap9"]))
    assert unknown(host) == {}
    agree(host, foreign={"tap9"})
