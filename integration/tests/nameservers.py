"""Nameservers where systemd-resolved runs the host's names: it is told them, as those of the link of the network with the default route."""

import re
import signal
import time

from addresses import Server, leased, refused
from host import wait_until
from killing import Strace
from names import Nameserver, Names, look_up
from rollback import before_it_ends
from runner import case

holder = {"nic": "eno1", "ipaddr": "192.0.2.10", "prefix": 24, "gateway": "192.0.2.1", "defaultRoute": True,
          "nameservers": ["192.0.2.53", "2001:db8::53"], "search": ["lab.example"]}
other = {"nic": "eno2", "bridged": False, "ipaddr": "10.2.0.1", "prefix": 24, "gateway": "10.2.0.2", "defaultRoute": True, "nameservers": ["10.2.0.53"]}
held = (["192.0.2.53", "2001:db8::53"], ["lab.example"], True)
nothing = ([], [], False)


def start(host, names):
    """netd, on a host whose resolv.conf is resolved's."""
    link = host.netd.folder / "resolv.conf"
    if not link.is_symlink():
        link.symlink_to("/run/systemd/resolve/stub-resolv.conf")
    host.netd.start(before=names.inside()).ready()
    host.client = host.netd.client()


def reported(host):
    return host.client.call("Host.getNetworkCapabilities")["nameservers"]


def complaints(host):
    """That a busy resolved answers too late, or has not heard of a new link yet, is none: it is told again."""
    told = [line for line in host.netd.log.read_text().splitlines() if "nameservers" in line]
    return [line for line in told if not re.search("nameservers are (set|not set: systemd-resolved: (it has not answered yet|Link [0-9]+ not known))$", line)]


def has(host, told, wanted):
    """With the answer, not after it; but where netd has said that resolved is to be told again."""
    if told() != wanted:
        assert "nameservers are not set" in host.netd.log.read_text(), f"{told()}, not {wanted}"
        wait_until(lambda: told() == wanted, what=lambda: f"{told()}, not {wanted}")


def comes_to(names, device, wanted, patience=10):
    wait_until(lambda: names.of(device) == wanted, patience, lambda: f"{device} has {names.of(device)}, not {wanted}; {names.told()}")


@case(start=False)
def resolved_has_those_of_the_network_with_the_default_route_and_asks_them(host):
    names = Names(host).start()
    start(host, names)
    host.wire.links("addr add 192.0.2.53/24 dev eno1")
    server = Nameserver(host.wire, "192.0.2.53", "198.51.100.7")
    host.later(server)
    host.client.setup({"ovirtmgmt": holder})
    has(host, lambda: (names.of("ovirtmgmt"), reported(host)), (held, held[0]))
    wait_until(lambda: look_up(host.space, "www.lab.example") == "198.51.100.7", what=names.told)
    assert "www.lab.example" in server.asked
    assert "nameserver 127.0.0.53" in (names.folder / "systemd/resolve/stub-resolv.conf").read_text()
    assert not host.client.setup({"ovirtmgmt": holder})["changed"]

    refused(host, 10, "confirmed", {"web": other}, confirm=False, connectivityTimeout=1)
    has(host, lambda: (names.of("ovirtmgmt"), names.of("eno2")), (held, nothing))   # taken back
    host.client.setup({"web": other})
    has(host, lambda: (names.of("ovirtmgmt"), names.of("eno2")), (nothing, (["10.2.0.53"], [], True)))
    host.client.setup({"web": {**other, "bridged": True}})
    has(host, lambda: (names.of("eno2"), names.of("web")), (nothing, (["10.2.0.53"], [], True)))   # the link is where the address is
    host.client.setup({"web": {**other, "bridged": True, "nameservers": []}})
    has(host, lambda: (names.of("web"), reported(host)), (nothing, []))
    assert (host.netd.folder / "resolv.conf").is_symlink() and not (host.netd.run / "resolved").exists()
    assert not complaints(host), complaints(host)


@case("vlan", start=False)
def on_a_vlan_they_are_those_of_its_device(host):
    names = Names(host).start()
    start(host, names)
    host.client.setup({"web": {**other, "vlan": 100}})
    has(host, lambda: names.of("eno2.100"), (["10.2.0.53"], [], True))
    host.client.setup({"web": {**other, "vlan": 100, "bridged": True, "switch": "vlan-aware"}} if host.abilities["vlan_filtering"] else {"web": {**other, "vlan": 100, "bridged": True}})
    has(host, lambda: names.of("web"), (["10.2.0.53"], [], True))


@case("ovs", start=False)
def on_open_vswitch_they_are_those_of_its_internal_port(host):
    names = Names(host).start()
    start(host, names)
    host.client.setup({"web": {**other, "bridged": True, "vlan": 100, "switch": "ovs"}})
    has(host, lambda: names.of("web"), (["10.2.0.53"], [], True))


@case(start=False)
def whatever_dies_resolved_has_what_stands(host):
    names = Names(host).start()
    start(host, names)
    host.client.setup({"ovirtmgmt": holder})
    begun = time.monotonic()
    before_it_ends(host, {"web": other}, 10, lambda: comes_to(names, "eno2", (["10.2.0.53"], [], True)))
    host.netd.kill()
    assert names.of("eno2") == (["10.2.0.53"], [], True) or time.monotonic() - begun > 10, "until the time to confirm is over"
    comes_to(names, "ovirtmgmt", held, 20)   # by the watchdog
    comes_to(names, "eno2", nothing)
    start(host, names)
    has(host, lambda: (names.of("ovirtmgmt"), names.of("eno2"), reported(host)), (held, nothing, held[0]))

    # Nobody says it again while nothing has changed, but to one that starts.
    names.end(names.resolved)
    names.start_resolved(remembers=False)
    comes_to(names, "ovirtmgmt", held)
    assert not complaints(host), complaints(host)
    names.end(names.bus)
    names.end(names.resolved)
    names.start_bus()
    names.start_resolved(remembers=False)
    comes_to(names, "ovirtmgmt", held, 20)

    # The same device, and yet another.
    host.space.links("link delete ovirtmgmt")
    comes_to(names, "ovirtmgmt", held, 20)

    # What the netd before this one has said is known to be netd's.
    host.netd.kill()
    start(host, names)
    host.client.setup({"ovirtmgmt": {**holder, "nameservers": [], "search": []}})
    has(host, lambda: names.of("ovirtmgmt"), nothing)


@case(start=False)
def a_resolved_that_is_not_there_or_hangs_keeps_nobody_waiting(host):
    names = Names(host)
    start(host, names)
    begun = time.monotonic()
    host.client.setup({"ovirtmgmt": holder})
    assert time.monotonic() - begun < 24 and "nameservers are not set: system bus" in host.netd.told(), host.netd.told()
    assert reported(host) == []
    names.start_bus()
    wait_until(lambda: "nameservers are not set: systemd-resolved: it does not run" in host.netd.told(), 15, host.netd.told)
    names.start_resolved()
    comes_to(names, "ovirtmgmt", held)
    wait_until(lambda: reported(host) == held[0])
    assert "nameservers are set" in host.netd.told()

    def shortest(tries):
        times = []
        for number in range(tries):
            begun = time.monotonic()
            host.client.setup({"db": {"remove": True} if number % 2 else {"nic": "eno3"}})
            times.append(time.monotonic() - begun)
        return min(times)

    usual = shortest(4)
    names.resolved.send_signal(signal.SIGSTOP)
    begun = time.monotonic()
    host.client.setup({"web": other})
    taken = time.monotonic() - begun
    assert taken < 24 and "it has not answered yet" in host.netd.told(), taken
    assert (taken := shortest(8)) < usual + 0.8, f"it is waited for once: {taken} s, and {usual} s while it answered"
    names.resolved.send_signal(signal.SIGCONT)
    comes_to(names, "eno2", (["10.2.0.53"], [], True))
    comes_to(names, "ovirtmgmt", nothing)
    wait_until(lambda: reported(host) == ["10.2.0.53"])


@case(start=False)
def those_of_a_lease_come_and_go_with_it(host):
    names = Names(host).start()
    start(host, names)
    Server(host, "eno1", "--dhcp-option=option:domain-name,lab.example")
    host.client.setup({"ovirtmgmt": {"nic": "eno1", "bridged": False, "bootproto": "dhcp", "defaultRoute": True}})
    leased(host, "eno1")
    comes_to(names, "eno1", (["10.7.0.53"], ["lab.example"], True))
    wait_until(lambda: reported(host) == ["10.7.0.53"])
    host.client.setup({"ovirtmgmt": {"nic": "eno1", "bootproto": "dhcp", "defaultRoute": True}})
    has(host, lambda: (names.of("eno1"), names.of("ovirtmgmt")), (nothing, (["10.7.0.53"], ["lab.example"], True)))
    host.client.setup({"ovirtmgmt": {"nic": "eno1", "ipaddr": "192.0.2.10", "prefix": 24}})
    has(host, lambda: (names.of("ovirtmgmt"), reported(host)), (nothing, []))


@case()
def nameservers_that_can_t_be_taken_away_are_told_and_what_was_before_is_kept(host):
    host.client.setup({"ovirtmgmt": holder})
    file = host.netd.folder / "resolv.conf"
    strace = Strace(host, "-P", file, "-e", "trace=unlink", "-e", "inject=unlink:error=EPERM")
    host.client.setup({"ovirtmgmt": {"remove": True}})
    assert "nameservers are not set" in host.netd.log.read_text() and file.exists() and (host.netd.state / "resolv.conf.before").exists(), host.netd.told()
    strace.close()
    host.client.setup({"lan": {}})
    wait_until(lambda: not file.exists(), what="they stay")
