"""What the host answers on networks of each role: real connections from the wire, against what arrives without netd's rules."""

import contextlib
import json
import os
import re
import select
import signal
import socket
import threading
import time

from agree import agree
from attacks import ether, ip4, ip6, udp
from frames import collect, inside
from guests import Guest, uplinks
from host import reachable, wait_until
from runner import case

PORTS = {"ssh": 22, "engine": 54321, "libvirt": 16514, "migration": 49200, "console": 5901, "brick": 24007, "web": 8080, "dns": 53}
OPEN = {"management": {"ssh", "engine"}, "vm": set(), "migration": {"libvirt", "migration"}, "display": {"console"}, "storage": set(), "gluster": {"brick", "migration"}}
EVERYTHING = set(PORTS)


class Listeners:
    """A listener for each port, on all addresses of the namespace, both versions of IP, TCP and UDP."""

    def __init__(self, host, space):
        self.sockets = []
        with inside(space.name):
            for port in PORTS.values():
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    one = socket.socket(socket.AF_INET6, kind)
                    one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
                    one.bind(("::", port))
                    if kind == socket.SOCK_STREAM:
                        one.listen()
                    self.sockets.append(one)
        host.later(self)

    def heard(self, patience=0.5):
        """Whom the UDP sockets heard: {port: bytes}."""
        heard = {}
        while ready := select.select([one for one in self.sockets if one.type == socket.SOCK_DGRAM], [], [], patience)[0]:
            for one in ready:
                heard[one.getsockname()[1]] = one.recv(2048)
        return heard

    def close(self):
        for one in self.sockets:
            one.close()


def connected(space, address, expected=(), quiet=0.6, patience=60):
    """The names of the ports that take a connection from there; all are tried at once. Those that are expected have time."""
    trying = {}
    with inside(space.name):
        for name, port in PORTS.items():
            one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
            one.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                one.connect((address, port))
            trying[one] = name
    found, deadline = set(), time.monotonic() + patience
    while (ready := select.select([], [one for one in trying if trying[one] not in found], [], quiet)[1]) or (set(expected) - found and time.monotonic() < deadline):
        for one in ready:
            assert one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0, f"{trying[one]} of {address} refuses"
            found.add(trying[one])
    for one in trying:
        one.close()
    return found


def probe(space, address, wanted, what=""):
    """What the address answers there, once both ends know each other: it answers pings, whatever else it does."""
    wait_until(lambda: reachable((space, address)) == [True], what=f"{address} answers no ping")
    found = connected(space, address, wanted)
    assert found == wanted, f"{what} {address}: wanted {sorted(wanted)}, found {sorted(found)}"


def wire_up(host, **numbers):
    """{NIC: the number of its subnet}: the wire's end of it has addresses there, as .2. Its frames have their checksums, as on
    any wire: Open vSwitch's userspace datapath hands them on as they are."""
    for nic, number in numbers.items():
        host.wire.run("ethtool", "-K", nic, "tx", "off")
        host.wire.links(f"addr add 10.{number}.0.2/24 dev {nic}", f"addr add fd00:{number}::2/64 dev {nic} nodad")


def define(host, networks, **bondings):
    for name, network in networks.items():
        network.update(**{"switch": host.kind} if host.kind else {})
    host.client.setup(networks, bondings)


def on(nic, number, *roles, **more):
    return {"nic": nic, "ipaddr": f"10.{number}.0.1", "prefix": 24, "ipv6addr": f"fd00:{number}::1/64", **({"roles": list(roles)} if roles else {}), **more}


def blocked(host, device):
    return host.client.call("Host.getNetworkStatistics")["network"][device]["blockedBy"]


def table(host):
    """netd's table as nft shows it, without what frames added."""
    return re.sub(r"\s*elements = \{[^}]*\}", "", host.space.run("nft", "list", "table", "inet", "netd"))


def each_role(host):
    wire_up(host, eno1=1, eno2=2, eno3=3, eno4=4)
    Listeners(host, host.space)
    define(host, {"ovirtmgmt": on("eno1", 1), "move": on("eno2", 2, "migration"), "look": on("eno3", 3, "display"), "lan": on("eno4", 4)})
    for number, role in ((1, "management"), (2, "migration"), (3, "display"), (4, "vm")):
        for address in (f"10.{number}.0.1", f"fd00:{number}::1"):
            probe(host.wire, address, OPEN[role], role)
    probe(host.space, "10.1.0.1", EVERYTHING, "the host itself")
    told = host.client.call("Host.getNetworkCapabilities")["networks"]
    assert told["ovirtmgmt"]["services"] == ["tcp/22", "tcp/54321"] and told["lan"]["services"] == [], told
    agree(host)
    # In place, and of two roles at once.
    define(host, {"move": on("eno2", 2, "storage"), "look": on("eno3", 3, "gluster", "display"), "lan": on("eno4", 4, "vm", "management")})
    for number, roles in ((2, ["storage"]), (3, ["gluster", "display"]), (4, ["vm", "management"])):
        probe(host.wire, f"10.{number}.0.1", set.union(*(OPEN[role] for role in roles)), roles)
    agree(host)


@case("services")
def each_role_opens_its_own_services_and_no_others(host):
    each_role(host)
    # Without a role it is an island, too, whose services are its own affair; released, the NIC is nobody's.
    define(host, {"lan": {"remove": True}, "move": on("eno2", 2, bridged=False)})
    probe(host.wire, "10.2.0.1", EVERYTHING)
    define(host, {"move": {"remove": True}})
    host.space.links("addr add 10.2.0.1/24 dev eno2")
    probe(host.wire, "10.2.0.1", EVERYTHING)
    agree(host)


@case("services", kinds=("legacy", "vlan-aware"))
def each_role_opens_its_own_services_with_tags_on_one_nic(host):
    host.wire.run("ethtool", "-K", "eno1", "tx", "off")
    roles = {1: "management", 2: "migration", 3: "display", 4: "vm"}
    for number in roles:
        host.wire.links(f"link add link eno1 name w{number} up type vlan id {100 + number}", f"addr add 10.{number}.0.2/24 dev w{number}", f"addr add fd00:{number}::2/64 dev w{number} nodad")
    Listeners(host, host.space)
    define(host, {"ovirtmgmt" if role == "management" else f"net{number}": on("eno1", number, *([role] if number in (2, 3) else []), vlan=100 + number) for number, role in roles.items()})
    for number, role in roles.items():
        for address in (f"10.{number}.0.1", f"fd00:{number}::1"):
            probe(host.wire, address, OPEN[role], role)
    # The address of one is not there for another's wire.
    host.wire.links("route add 10.1.0.1/32 dev w4 via 10.4.0.1")
    assert connected(host.wire, "10.1.0.1") == set()
    assert blocked(host, "net4")["elsewhere"] > 0, blocked(host, "net4")
    agree(host)


@case("services", "ovs")
def each_role_opens_its_own_services_and_no_others_on_open_vswitch(host):
    host.kind = "ovs"
    each_role(host)


def elsewhere(host):
    wire_up(host, eno1=1, eno4=4)
    ears = Listeners(host, host.space)
    define(host, {"ovirtmgmt": on("eno1", 1), "lan": on("eno4", 4)})
    wait_until(lambda: reachable((host.wire, "10.4.0.1"), (host.wire, "fd00:4::1")) == [True, True])
    host.wire.links("route add 10.1.0.1/32 via 10.4.0.1 dev eno4", "route add fd00:1::1/128 via fd00:4::1 dev eno4")

    def try_all():
        with inside(host.wire.name):
            for family, address in ((socket.AF_INET, "10.1.0.1"), (socket.AF_INET6, "fd00:1::1")):
                with socket.socket(family, socket.SOCK_DGRAM) as one:
                    one.sendto(b"netd-elsewhere", (address, PORTS["ssh" if family == socket.AF_INET else "web"]))
        return connected(host.wire, "10.1.0.1") | connected(host.wire, "fd00:1::1"), ears.heard()
    assert try_all() == (set(), {})
    assert blocked(host, "lan")["elsewhere"] >= 4, blocked(host, "lan")
    # They would arrive: netd sleeps, and its table is gone.
    os.kill(host.netd.process.pid, signal.SIGSTOP)
    host.space.run("nft", "delete", "table", "inet", "netd")
    arrived, heard = set(), {}
    for _ in range(10):
        if arrived != EVERYTHING or len(heard) < 2:
            more, words = try_all()
            arrived, heard = arrived | more, heard | words
    os.kill(host.netd.process.pid, signal.SIGCONT)
    assert arrived == EVERYTHING and len(heard) == 2, (arrived, heard)
    wait_until(lambda: "elsewhere" in host.space.run("nft", "list", "table", "inet", "netd", check=False))
    assert try_all() == (set(), {})


@case("services")
def an_address_of_one_network_is_not_answered_on_another(host):
    elsewhere(host)


@case("services", "ovs")
def an_address_of_one_network_is_not_answered_on_another_of_open_vswitch(host):
    host.kind = "ovs"
    elsewhere(host)


@case("services")
def what_the_host_began_comes_back(host):
    wire_up(host, eno1=1)
    ears = Listeners(host, host.wire)
    define(host, {"disks": on("eno1", 1, "storage")})
    probe(host.space, "10.1.0.2", EVERYTHING)
    probe(host.wire, "10.1.0.1", set())
    with inside(host.space.name):
        asker = socket.create_connection(("10.1.0.2", PORTS["web"]), 60)
        question = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        question.sendto(b"netd-question", ("10.1.0.2", PORTS["dns"]))
        mine = question.getsockname()[1]
    server = next(one for one in ears.sockets if one.type == socket.SOCK_STREAM and one.getsockname()[1] == PORTS["web"])
    for _ in PORTS:
        answerer, peer = server.accept()
        if peer[1] == asker.getsockname()[1]:
            break
    answerer.sendall(b"x" * 200_000)
    got = 0
    asker.settimeout(60)
    while got < 200_000:
        got += len(asker.recv(65536))
    # An answer of the one who was asked, and the same words of somebody who was not.
    resolver = next(one for one in ears.sockets if one.type == socket.SOCK_DGRAM and one.getsockname()[1] == PORTS["dns"])
    resolver.sendto(b"netd-answer", ("::ffff:10.1.0.1", mine))
    question.settimeout(60)
    assert question.recv(100) == b"netd-answer"
    with inside(host.wire.name), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.sendto(b"netd-forged", ("10.1.0.1", mine))
    assert not select.select([question], [], [], 0.5)[0]


@case("services")
def the_rules_come_back_and_stand_while_netd_is_dead(host):
    wire_up(host, eno1=1, eno4=4)
    Listeners(host, host.space)
    define(host, {"ovirtmgmt": on("eno1", 1), "lan": on("eno4", 4)})
    before = table(host)
    news = host.netd.subscribe("security.restored")
    for harm in ("flush ruleset", "delete table inet netd", "flush chain inet netd input", "insert rule inet netd services accept",
                 "delete chain inet netd prerouting"):
        host.space.run("nft", *harm.split())
        wait_until(lambda: host.space.run("nft", "list", "tables", check=False).count("inet netd") == 1 and table(host) == before, what=lambda: f"after '{harm}'")
        probe(host.wire, "10.4.0.1", set(), harm)
    assert news.next()[1]["devices"], "it is told"
    # Another's rules stay, and are none of netd's business.
    host.space.run("nft", "add table inet somebody")
    host.netd.kill()
    probe(host.wire, "10.4.0.1", set())
    probe(host.wire, "10.1.0.1", OPEN["management"])
    host.netd.start().ready()
    host.client = host.netd.client()
    assert table(host) == before and "somebody" in host.space.run("nft", "list", "tables")
    for _ in range(8):
        host.space.links("link set lan group 0")
        wait_until(lambda: host.space.link("lan")["group"] == "1853115906", 3, "a group that somebody took away does not come back")
    probe(host.wire, "10.4.0.1", set())
    agree(host, patience=10)


@case("services")
def a_wire_that_a_network_has_left_reaches_nothing(host):
    wire_up(host, eno1=1, eno4=4)
    ears = Listeners(host, host.space)
    define(host, {"ovirtmgmt": on("eno1", 1, "management", "display"), "lan": on("eno4", 4)})
    probe(host.wire, "10.1.0.1", OPEN["management"] | OPEN["display"])
    with inside(host.wire.name):
        visitor = socket.create_connection(("10.1.0.1", PORTS["console"]), 60)
    mac = host.space.link("lan")["address"]
    end, stop = uplinks(host, "eno4")["eno4"], threading.Event()

    def send():
        while not stop.wait(0.0005):
            for address in ("10.4.0.1", "10.1.0.1"):
                end.send(ether(mac, "02:ff:00:00:00:01", 0x800, ip4("10.4.0.2", address, 17, udp(9999, PORTS["web"], b"netd-left"))))
    sender = threading.Thread(target=send)
    sender.start()
    try:
        # Its NIC leaves, with many others in the same step; and what was begun under another role ends.
        define(host, {f"island{number}": {"ipaddr": f"10.9.{number}.1", "prefix": 24} for number in range(20)})
        define(host, {"ovirtmgmt": on("eno1", 1), "lan": {"remove": True}, **{f"island{number}": {"remove": True} for number in range(20)}})
        time.sleep(0.5)
        define(host, {"lan": on("eno2", 4)})
        time.sleep(0.5)
    finally:
        stop.set()
        sender.join()
    assert ears.heard() == {}, "from the wire of a network that goes"
    probe(host.wire, "10.1.0.1", OPEN["management"])
    visitor.settimeout(60)
    visitor.sendall(b"netd-visitor")
    assert b"netd-visitor" not in received_by(ears, PORTS["console"])
    agree(host)


def received_by(ears, port):
    """What comes by the first connection to the port, within a second."""
    server = next(one for one in ears.sockets if one.type == socket.SOCK_STREAM and one.getsockname()[1] == port)
    got = b""
    while select.select([server], [], [], 0.2)[0]:
        one = server.accept()[0]
        if select.select([one], [], [], 1)[0]:
            got += one.recv(100)
    return got


@case("services")
def what_is_blocked_is_counted_told_and_explained(host):
    wire_up(host, eno1=1, eno4=4)
    Listeners(host, host.space)
    define(host, {"ovirtmgmt": on("eno1", 1), "lan": on("eno4", 4)})
    news = host.netd.subscribe("security.blocked")
    assert blocked(host, "ovirtmgmt") == {} and "nothing was dropped" in host.netd.netctl("why", "lan")
    probe(host.wire, "10.4.0.1", set())
    assert blocked(host, "lan")["service"] >= len(PORTS) and blocked(host, "ovirtmgmt") == {}
    told = 0
    while told < len(PORTS):   # in one event or in more
        event = news.next()[1]
        assert (event["network"], event["device"]) == ("lan", "lan"), event
        told += event["frames"].get("service", 0)
    words = host.netd.netctl("why", "ovirtmgmt")
    assert "tcp/22, tcp/54321" in words and "nothing was dropped" in words, words
    assert "no service" in host.netd.netctl("why", "lan") and "dropped: services" in host.netd.netctl("why", "lan")


@case("services")
def a_trusted_guest_reaches_no_service_and_guests_reach_each_other(host):
    ears = Listeners(host, host.space)
    define(host, {"lan": {"ipaddr": "10.4.0.1", "prefix": 24}, "other": {"ipaddr": "10.5.0.1", "prefix": 24}})
    one, two = (host.spaces[Guest(host, name, "lan", filter="trusted").name] for name in ("one", "two"))
    one.links("addr add 10.4.0.11/24 dev eth0", "route add default via 10.4.0.1")
    two.links("addr add 10.4.0.12/24 dev eth0")
    probe(one, "10.4.0.1", set())
    assert connected(one, "10.5.0.1") == set() and ears.heard() == {}
    assert set(blocked(host, "lan")) == {"service", "elsewhere"}
    # What goes from guest to guest is not the host's affair, even where br_netfilter shows it to the host's rules.
    Listeners(host, two)
    probe(one, "10.4.0.12", EVERYTHING)
    agree(host)


def forward_nothing(host):
    """Whatever somebody says of the whole host, and though netd can't say otherwise: nothing that comes from the wire, or from a
    guest, goes on to another network."""
    wire_up(host, eno1=1, eno4=4)
    define(host, {"here": on("eno1", 1), "there": on("eno4", 4)})
    guest = Guest(host, "one", "here", filter="trusted")
    ends = uplinks(host, "eno1", "eno4")
    host.space.links("neigh add 10.4.0.99 lladdr 02:ff:00:00:00:99 dev there", "neigh add fd00:4::99 lladdr 02:ff:00:00:00:99 dev there")
    mac, words = host.space.link("here")["address"], udp(9999, 9999, b"netd-forward")
    speakers = {"wire": (ends["eno1"], "02:ff:00:00:00:01"), "guest": (guest.end, guest.mac)}
    everything = {(who, version) for who in speakers for version in (4, 6)}

    def forwarded(patience=0.5):
        arrived = set()
        for who, (end, sender) in speakers.items():
            end.send(ether(mac, sender, 0x800, ip4("10.1.0.2", "10.4.0.99", 17, words)))
            end.send(ether(mac, sender, 0x86DD, ip6("fd00:1::2", "fd00:4::99", 17, words)))
            for frame in collect([ends["eno4"]], b"netd-forward", patience)[ends["eno4"]]:
                arrived.add((who, frame.payload[0] >> 4))
        return arrived

    def try_often():
        return set.union(*(forwarded(0.2) for _ in range(3)))
    assert try_often() == set()
    host.space.run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
    assert try_often() == set()
    os.kill(host.netd.process.pid, signal.SIGSTOP)
    host.space.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    found = try_often()
    own = [(host.wire, address) for address in ("10.1.0.1", "fd00:1::1", "10.4.0.1", "fd00:4::1")]
    answers = any(all(reachable(*own)) for _ in range(10))
    # Without its rules they go through, each of them.
    for family in ("-4", "-6"):
        host.space.run("ip", family, "rule", "del", "priority", "3199", "iif", "here")
    through = set()
    for _ in range(10):
        through |= forwarded() if through != everything else set()
    os.kill(host.netd.process.pid, signal.SIGCONT)
    assert found == set() and answers, (found, answers)
    assert through == everything, through
    wait_until(lambda: not forwarded(0.2))
    agree(host, patience=10)
    assert try_often() == set()
    guest.unplug()
    host.client.setup({"here": {"remove": True}, "there": {"remove": True}})
    assert "3199" not in host.space.run("ip", "-4", "rule") + host.space.run("ip", "-6", "rule")


@case()
def nothing_is_forwarded_even_if_somebody_tells_the_host_to_forward(host):
    forward_nothing(host)


@case("services", "ovs")
def nothing_is_forwarded_by_open_vswitch_either(host):
    host.kind = "ovs"
    forward_nothing(host)


@case("vlan", "vlan_filtering")
def nothing_is_forwarded_by_a_filtering_bridge_either(host):
    host.kind = "vlan-aware"
    forward_nothing(host)


@case("services", start=False)
def services_are_set_in_the_configuration(host):
    (host.netd.folder / "config").write_text(json.dumps({"services": {"vm": ["tcp/8080", "udp/53"], "management": ["tcp/1-1023"]}}))
    host.netd.start().ready()
    host.client = host.netd.client()
    wire_up(host, eno1=1, eno4=4)
    ears = Listeners(host, host.space)
    define(host, {"ovirtmgmt": on("eno1", 1), "lan": on("eno4", 4)})
    probe(host.wire, "10.4.0.1", {"web"})
    probe(host.wire, "10.1.0.1", {"ssh", "dns"})
    with inside(host.wire.name), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        for port in PORTS.values():
            one.sendto(b"netd-word", ("10.4.0.1", port))
    heard = wait_until(ears.heard, what="nobody is heard")
    assert set(heard) == {PORTS["dns"]}, heard
    # Other services with the next start, and a mistake is told.
    host.netd.stop()
    (host.netd.folder / "config").write_text(json.dumps({"services": {"vm": []}}))
    host.netd.start().ready()
    host.client = host.netd.client()
    probe(host.wire, "10.4.0.1", set())
    probe(host.wire, "10.1.0.1", OPEN["management"])
    host.netd.stop()
    for wrong in ({"services": {"guests": []}}, {"services": {"vm": ["8080"]}}, {"services": {"vm": ["tcp/70000"]}}, {"services": []}):
        (host.netd.folder / "config").write_text(json.dumps(wrong))
        host.netd.start()
        assert host.netd.process.wait(120) != 0 and "services" in host.netd.told()
