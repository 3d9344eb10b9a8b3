"""Networks have shares of a NIC, guests' NICs have limits, and traffic is copied to those that mirror it: told, kept, measured."""

import re
import time

from agree import agree
from frames import Wire, drain, shout, write_frame
from guests import Guest, expect
from host import wait_until
from monitor import Monitor
from runner import case

every_kind = ("legacy", "vlan-aware", "ovs")
payload = bytes(1386)   # 1400 bytes with its header
megabit = 1_000_000


def share(ls, **more):
    return {"out": {"ls": {"m2": ls}, **{key: {"m2": int(value)} for key, value in more.items() if key != "in_"}},
            **({"in": {"ul": {"m2": int(more["in_"])}}} if "in_" in more else {})}


def define(host, networks, nic="eno1", **options):
    kind = {"switch": host.kind or "legacy"}
    return host.client.setup({name: {"nic": nic, **kind, **network} for name, network in networks.items()}, **options)


def tables(host, device="eno1"):
    """All traffic control of a device, without counters, and without the queues in its classes, whose numbers are the kernel's."""
    told = "\n".join(host.space.traffic(what, device, *more) for what, *more in (("qdisc",), ("class",), ("filter",), ("filter", "ingress"), ("filter", "egress")))
    return "\n".join(re.sub(r" leaf \w+:", "", line) for line in told.splitlines() if "fq_codel" not in line)


def nic_of(guest):
    return next(nic for nic in guest.host.client.call("VM.getNics")["nics"] if nic["macAddr"] == guest.mac)


def rows(host, table):
    return host.ovs.rows(table) if host.kind == "ovs" else []


def written_by(host, act):
    """What the kernel tells of traffic control meanwhile."""
    monitor = Monitor(host)
    monitor.settle(0.3)
    act()
    return [one for one in monitor.written(0.3) if any(word in one for word in ("qdisc", "class", "filter"))]


def measure(senders, receiver, seconds=2, lead=1):
    """Everybody sends as fast as it can, a frame each in turn. Bit/s that arrive at `receiver`, by sender's MAC."""
    begun, arrived = time.monotonic(), {mac: 0 for _, mac, _, _ in senders}
    while (now := time.monotonic() - begun) < lead + seconds:
        for end, mac, to, tags in senders:
            try:
                end.send(write_frame(to, mac, payload, tags))
            except BlockingIOError:
                pass
        for frame in receiver.receive():
            if now > lead and frame.sender in arrived:   # what was saved up is gone
                arrived[frame.sender] += 8 * 1400
        time.sleep(0.0005)
    return {mac: bits / seconds for mac, bits in arrived.items()}


def tried(attempt, tries=12):
    """What the attempt finds. A machine that others use may need another try; what is wrong is wrong each time."""
    for left in reversed(range(tries)):
        try:
            return attempt()
        except AssertionError:
            if not left:
                raise


def unlimited(stream, receiver, limit):
    """That more comes through than a limit would let."""
    def attempt():
        found = measure(stream, receiver, 1)[stream[0][1]]
        assert found > 1.4 * limit, f"more than {limit / megabit:.2f} Mbit/s wanted, found {found / megabit:.2f}"
        return found
    return tried(attempt)


def limited(stream, receiver, limit, lead=1):
    """What comes through: as much as the limit lets."""
    return tried(lambda: near(limit, measure(stream, receiver, lead=lead)[stream[0][1]]))


def near(wanted, found, least=0.6, most=1.3):
    assert wanted * least <= found <= wanted * most, f"wanted {wanted / megabit:.2f} Mbit/s, found {found / megabit:.2f}"
    return found


def ratio(wanted, small, large):
    assert wanted * 0.7 <= large / max(small, 1) <= wanted * 1.4, f"wanted 1 to {wanted}, found {small / megabit:.2f} and {large / megabit:.2f} Mbit/s"


def known(host, guest, wire, tags=()):
    """Both have spoken, so that nobody floods."""
    shout(guest.end, guest.mac, [wire], expected=[wire])
    shout(wire, "02:ff:00:00:00:01", [guest.end], tags=tags, expected=[guest.end])


def keeps_shares(host, define):
    """Two networks share what leaves by eno1, which `define` brings about."""
    define({"web": {"vlan": 100, "hostQos": share(10)}, "db": {"vlan": 200, "hostQos": share(20)}})
    agree(host)
    web, db = Guest(host, "web1", "web"), Guest(host, "db1", "db")
    wire, far = host.later(Wire(host.wire.name, "eno1")), "02:ff:00:00:00:01"
    for guest, tag in ((web, 100), (db, 200)):
        known(host, guest, wire, (tag,))
    # A wire that takes 0.8 Mbit/s: little, so that it is full however slow the machine is. A veth takes whatever comes.
    host.space.run("tc", "class", "change", "dev", "eno1", "parent", "6e64:", "classid", "6e64:ffff", "hfsc", "ls", "m2", "800kbit", "ul", "m2", "800kbit")
    both = [(web.end, web.mac, far, ()), (db.end, db.mac, far, ())]

    def shared():
        found = measure(both, wire, 3)
        print(f"  shares of 0.8 Mbit/s, 1 to 2: {found[web.mac] / megabit:.2f} and {found[db.mac] / megabit:.2f}")
        ratio(2, found[web.mac], found[db.mac])
        near(0.8 * megabit, sum(found.values()))
    tried(shared)
    define({"web": {"vlan": 100, "hostQos": share(10, rt=0.5 * megabit)}, "db": {"vlan": 200, "hostQos": share(20, ul=0.2 * megabit)}})
    agree(host)
    assert "800Kbit" in host.space.traffic("class", "eno1"), f"it was made anew, not edited: {host.space.traffic('class', 'eno1')}"

    def promised():
        found = measure(both, wire, 3)
        print(f"  0.5 Mbit/s promised, 0.2 Mbit/s allowed: {found[web.mac] / megabit:.2f} and {found[db.mac] / megabit:.2f}")
        # What one does not take is the other's.
        near(0.6 * megabit, found[web.mac])
        near(0.2 * megabit, found[db.mac])
    tried(promised)


@case("hfsc", kinds=every_kind)
def shares_are_kept_under_contention(host):
    keeps_shares(host, lambda networks: define(host, networks))


@case("hfsc", "police", kinds=every_kind)
def what_comes_in_has_a_limit_by_network(host):
    if host.kind == "ovs" and not host.abilities["ovs_kernel"]:
        return expect(29, "userspace", lambda: define(host, {"web": {"vlan": 100, "hostQos": share(10, in_=2 * megabit)}}))
    define(host, {"web": {"vlan": 100, "hostQos": share(10, in_=0.5 * megabit)}, "db": {"vlan": 200, "hostQos": share(10)}, "flat": {"hostQos": share(10, in_=0.25 * megabit)}})
    agree(host)
    wire, found, far = host.later(Wire(host.wire.name, "eno1")), {}, "02:ff:00:00:00:01"
    for name, tags, limit in (("db", (200,), None), ("web", (100,), 0.5 * megabit), ("flat", (), 0.25 * megabit)):
        guest = Guest(host, name, name)
        known(host, guest, wire, tags)
        stream = [(wire, far, guest.mac, tags)]
        found[name] = limited(stream, guest.end, limit) if limit else unlimited(stream, guest.end, 0.5 * megabit)
    print("  limits none, 0.5, 0.25 Mbit/s: " + ", ".join(f"{one / megabit:.2f}" for one in found.values()))


@case("hfsc", kinds=every_kind)
def shares_come_change_and_go_and_are_kept(host):
    define(host, {"web": {"vlan": 100, "hostQos": share(10, ul=5 * megabit)}, "flat": {"hostQos": share(20)}})
    agree(host)
    expect(21, "all networks of eno1", lambda: define(host, {"db": {"vlan": 200}}))
    before = tables(host)
    networks = {"web": {"vlan": 100, "hostQos": share(30)}, "flat": {"hostQos": share(20)}, "db": {"vlan": 200, "hostQos": share(5)}}
    expect(10, "confirm", lambda: define(host, networks, confirm=False, connectivityTimeout=1))
    assert tables(host) == before, f"it was {before}\nit is {tables(host)}"
    define(host, networks)
    agree(host)
    wanted, monitor = tables(host), Monitor(host)
    monitor.settle(1)
    assert define(host, networks)["changed"] is False
    assert not (written := monitor.written(0.3)), written
    host.netd.stop()
    host.netd.start().ready()
    host.client = host.netd.client()
    assert not (written := [one for one in monitor.written(0.3) if any(word in one for word in ("qdisc", "class", "filter"))]), written
    assert tables(host) == wanted
    agree(host)
    # Behind netd's back.
    host.space.run("tc", "qdisc", "delete", "dev", "eno1", "root")
    wait_until(lambda: tables(host) == wanted, 15, lambda: f"not put right: {tables(host)}")
    wait_until(lambda: not any(host.client.call("Host.getDrift").values()), 15, "drift stays")
    agree(host)
    define(host, {"web": {"vlan": 100}, "flat": {}, "db": {"vlan": 200}})
    agree(host)
    assert "6e64" not in tables(host) and "clsact" not in tables(host), tables(host)
    assert not rows(host, "QoS"), rows(host, "QoS")


@case("htb")
def a_limit_toward_a_guest(host):
    define(host, {"web": {}})
    limited_toward(host)


@case("htb", kinds=every_kind)
def a_limit_toward_a_guest_with_a_tag(host):
    define(host, {"web": {"vlan": 100}})
    limited_toward(host, (100,))


def limited_toward(host, tags=()):
    guest = Guest(host, "a", "web", specParams={"inbound": {"average": 125, "burst": 16}})
    agree(host)
    wire, far = host.later(Wire(host.wire.name, "eno1")), "02:ff:00:00:00:01"
    known(host, guest, wire, tags)
    stream = [(wire, far, guest.mac, tags)]
    first = limited(stream, guest.end, 1 * megabit)
    wanted = {"average": 62, "peak": 500}
    changed = written_by(host, lambda: guest.update(specParams={"inbound": wanted}))
    assert changed and not any("gone" in one for one in changed), f"replaced, not changed: {changed}"
    assert nic_of(guest)["specParams"] == {"inbound": wanted}
    agree(host)
    assert guest.update(specParams={"inbound": wanted})["changed"] is False
    assert guest.update(linkActive=True)["changed"] is False and nic_of(guest)["specParams"] == {"inbound": wanted}, "what is left out is kept"
    second = limited(stream, guest.end, 0.5 * megabit, lead=2)   # what waits in the queue, goes
    assert "specParams" not in guest.update(specParams=None)["nic"]
    agree(host)
    third = unlimited(stream, guest.end, 1 * megabit)
    print(f"  limits of 1, 0.5, none Mbit/s: {first / megabit:.2f}, {second / megabit:.2f}, {third / megabit:.2f}")
    expect(56, "above 0", lambda: guest.update(specParams={"inbound": {"average": 0, "burst": 5}}))
    guest.update(specParams={"inbound": wanted})
    guest.unplug()
    agree(host)
    assert not rows(host, "QoS"), rows(host, "QoS")


@case("police", kinds=every_kind)
def a_limit_of_what_a_guest_sends(host):
    define(host, {"web": {"vlan": 100}})
    how = {"outbound": {"average": 125}}
    if host.kind == "ovs" and not host.abilities["ovs_kernel"]:
        return expect(49, "userspace datapath", lambda: Guest(host, "a", "web", specParams=how))
    guest = Guest(host, "a", "web", specParams=how)
    agree(host)
    wire, far = host.later(Wire(host.wire.name, "eno1")), "02:ff:00:00:00:01"
    known(host, guest, wire, (100,))
    stream = [(guest.end, guest.mac, far, ())]
    first = limited(stream, wire, 1 * megabit)
    if host.kind != "ovs":
        changed = written_by(host, lambda: guest.update(specParams={"outbound": {"average": 150}}))
        assert changed and not any("gone" in one for one in changed), f"unlimited for a moment: {changed}"
    guest.update(specParams={"outbound": {}})
    agree(host)
    second = unlimited(stream, wire, 1 * megabit)
    print(f"  limits of 1, none Mbit/s: {first / megabit:.2f}, {second / megabit:.2f}")
    assert "clsact" not in tables(host, guest.nic["port"])


@case()
def a_kernel_that_lacks_it_refuses_by_name(host):
    define(host, {"web": {}})
    for ability, nic in (("htb", {"specParams": {"inbound": {"average": 100}}}), ("police", {"specParams": {"outbound": {"average": 100}}}),
                         ("mirred", {"portMirroring": ["web"]})):
        if not host.abilities[ability]:
            expect(49, ability if ability != "police" else "act_police", lambda: Guest(host, "a", "web", "tap", **nic))
    if not host.abilities["hfsc"]:
        expect(29, "sch_hfsc", lambda: define(host, {"web": {"hostQos": share(10)}}))
    expect(49, "nowhere", lambda: Guest(host, "a", "web", "tap", portMirroring=["nowhere"]))
    assert not host.client.call("VM.getNics")["nics"]
    agree(host)


@case("mirred")
def a_guest_that_mirrors_gets_a_copy_of_each_frame(host):
    define(host, {"web": {}, "db": {"nic": "eno2"}})
    mirrored(host)


@case("mirred", kinds=every_kind)
def a_guest_that_mirrors_gets_a_copy_with_tags(host):
    define(host, {"web": {"vlan": 100}, "db": {"vlan": 200}})
    mirrored(host, 100, 200)


@case("mirred", kinds=("vlan-aware", "ovs"))
def what_a_guest_with_a_tag_of_its_own_sends_is_copied_as_its_networks(host):
    define(host, {"web": {"vlan": 100}, "db": {"vlan": 200}})
    a, ear = Guest(host, "a", "web", vlan=200), Guest(host, "ear", "", portMirroring=["db"])
    agree(host)
    wire = host.later(Wire(host.wire.name, "eno1"))
    for to in ("ff:ff:ff:ff:ff:ff", "02:ff:00:00:00:01"):
        heard = shout(a.end, a.mac, [wire, ear.end], to=to, expected=[wire, ear.end])
        assert len(heard.get(ear.end, ())) == 1, f"to {to}: {heard}"
    ear.update(portMirroring=["web"])
    agree(host)
    wait_until(lambda: ear.end not in shout(a.end, a.mac, [wire, ear.end], expected=[wire]), 3)


@case(kinds=("ovs",), words=("--drift", "report"))
def who_only_mirrors_reaches_nobody_when_the_mirror_is_gone(host):
    define(host, {"web": {"vlan": 100}, "lan": {}})
    a, b, ear = Guest(host, "a", "web"), Guest(host, "b", "lan"), Guest(host, "ear", "", portMirroring=["web", "lan"])
    agree(host)
    wire = host.later(Wire(host.wire.name, "eno1"))
    shout(a.end, a.mac, [wire, ear.end], expected=[wire, ear.end])
    host.ovs.vsctl("clear", "bridge", "ovs-eno1", "mirrors")
    shout(a.end, a.mac, [wire], expected=[wire])
    wait_until(lambda: ear.end not in shout(a.end, a.mac, [wire, ear.end], expected=[wire]))
    for tags in ((), (100,), (4095,)):
        assert not shout(ear.end, ear.mac, [a.end, b.end, wire], tags=tags), tags
        assert not shout(wire, "02:ff:00:00:00:01", [ear.end], tags=tags), tags
    ear.update(network="web", portMirroring=[])
    shout(ear.end, ear.mac, [a.end], expected=[a.end])
    agree(host)


def mirrored(host, tag=None, other=None):
    a, b, c = Guest(host, "a", "web"), Guest(host, "b", "web"), Guest(host, "c", "db")
    promiscuity = lambda: {link["ifname"]: link["promiscuity"] for link in host.space.ip("-d", "link") if link["ifname"] in ("eno1", "vb-eno1")}
    before = promiscuity()
    ear = Guest(host, "ear", "", portMirroring=["web"])
    agree(host)
    wire = host.later(Wire(host.wire.name, "eno1"))
    everybody = [a.end, b.end, c.end, wire]
    for speaker, mac, tags in ((a.end, a.mac, ()), (b.end, b.mac, ()), (wire, "02:ff:00:00:00:01", (tag,) if tag else ())):
        shout(speaker, mac, [*everybody, ear.end], tags=tags, expected=[ear.end])
        # A broadcast, and what two say to each other, once each.
        for to in ("ff:ff:ff:ff:ff:ff", a.mac if speaker is not a.end else b.mac):
            heard = shout(speaker, mac, [*everybody, ear.end], tags=tags, to=to, expected=[ear.end])
            assert len(heard.get(ear.end, ())) == 1, f"{mac} to {to}: {heard.get(ear.end)}"
    assert ear.end not in shout(c.end, c.mac, [a.end, ear.end]), "what it does not mirror"
    ear.update(portMirroring=["db"])
    agree(host)
    drain([ear.end])
    assert ear.end in shout(c.end, c.mac, [ear.end], expected=[ear.end])
    wait_until(lambda: ear.end not in shout(a.end, a.mac, [b.end, ear.end], expected=[b.end]), 3)   # as below
    # Who is on a network, too, while others go on talking.
    b.update(portMirroring=["db"])
    assert b.end in shout(c.end, c.mac, [b.end], expected=[b.end])
    b.update(portMirroring=[])
    # Open vSwitch goes through what it has cached a moment after it has taken the change.
    wait_until(lambda: b.end not in shout(c.end, c.mac, [b.end, ear.end], expected=[ear.end]), 3)
    c.unplug()
    expect(21, "mirrors", lambda: host.client.setup({"db": {"remove": True}}))
    ear.unplug()
    agree(host)
    assert promiscuity() == before, "the host gets copies though nobody mirrors"
    for device in host.space.ip("link"):
        assert "clsact" not in tables(host, device["ifname"]), tables(host, device["ifname"])
    assert not rows(host, "Mirror"), rows(host, "Mirror")
