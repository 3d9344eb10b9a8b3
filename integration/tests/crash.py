"""netd dies before and after every single step of plans that have each kind of step; so does Open vSwitch. The host ends as it
was or as it was asked to be, by itself. The table of outcomes is printed."""

import contextlib
import json
import os
import signal

from agree import agree, changes, photograph
from client import Client, NoAnswer, RpcError
from host import is_alive, wait_until
from rollback import Tracer
from runner import case

# Between two of these nothing happens to the host or on the disk. strace counts each of them by itself.
to_the_host = ("sendmsg", "sendto")                   # to the kernel, to Open vSwitch
to_the_disk = ("fsync", "rename", "unlink", "link")
unasked = {"connectivityCheck": False}
mgmt = {"ipaddr": "192.0.2.10", "prefix": 24, "gateway": "192.0.2.1", "defaultRoute": True}
guest = {"vmId": "a", "nic": {"network": "web", "kind": "netns", "macAddr": "56:6f:00:00:00:0a"}}


def setup(networks, bondings=None):
    return "Host.setupNetworks", {"networks": networks, "bondings": bondings or {}, "options": unasked}


class Plan:
    """Two states of the host and the two calls between them; `first` is what is asked before."""

    def __init__(self, title, there, back, first=(), ovs=False, steps=to_the_host):
        self.title, self.calls, self.first, self.ovs, self.steps = title, {"there": there, "back": back}, first, ovs, steps


def plain():
    there = {"ovirtmgmt": {"nic": "eno2", **mgmt, "mtu": 9000, "ipaddr": "192.0.2.11", "ipv6addr": "2001:db8::1/64"}, "lan": {"remove": True},
             "storage": {"nic": "eno3", "bridged": False, "ipaddr": "10.40.0.10", "prefix": 24, "gateway": "10.40.0.1"}}
    back = {"ovirtmgmt": {"nic": "eno1", **mgmt}, "lan": {"nic": "eno4"}, "storage": {"remove": True}}
    first = {name: network for name, network in back.items() if "remove" not in network}
    return Plan("bridges, addresses, routes, rules, MTUs", setup(there), setup(back), [setup(first)], steps=(*to_the_host, *to_the_disk))


def on_a_bond():
    there = {"ovirtmgmt": {"bonding": "bond0", "vlan": 7, **mgmt}, "web": {"bonding": "bond0", "vlan": 100, "mtu": 9000}}
    back = {"ovirtmgmt": {"nic": "eno1", **mgmt}, "web": {"nic": "eno2", "vlan": 100}}
    return Plan("a bond, VLANs", setup(there, {"bond0": {"nics": ["eno1", "eno3"], "options": "mode=active-backup miimon=100"}}),
                setup(back, {"bond0": {"remove": True}}), [setup(back)])


def to_another_switch():
    of = lambda kind: {"ovirtmgmt": {"nic": "eno1", **mgmt, "switch": kind}, "web": {"nic": "eno1", "vlan": 100, "switch": kind}}
    return Plan("to Open vSwitch and back, with a guest", setup(of("ovs")), setup(of("legacy")), [setup(of("legacy")), ("VM.hotplugNic", guest)], ovs=True)


def one_guest():
    return Plan("a guest's NIC", ("VM.hotplugNic", guest), ("VM.hotunplugNic", {"vmId": "a", "nic": {"macAddr": guest["nic"]["macAddr"]}}),
                [setup({"web": {"nic": "eno1"}})])


class Trial:
    def __init__(self, host, plan):
        self.host, self.plan, self.pictures, self.rows = host, plan, {}, []
        self.definitions = {}
        host.add_space("a")
        for call in plan.first:
            self.ask(call)
        self.pictures["back"], self.definitions["back"] = self.see(), self.defined()
        for way in ("there", "back", "there", "back"):   # the first time some things are made that stay
            self.ask(plan.calls[way])
            self.pictures.setdefault(way, self.see())
            self.definitions.setdefault(way, self.defined())
        agree(host)
        self.pictures["back"] = self.see()

    def see(self):
        seen = photograph(self.host.space, self.host.ovs if self.plan.ovs else None)
        # The host's end of a guest's NIC has a MAC of its own, another one each time.
        seen["links"] = [link[:3] + ("any",) + link[4:] if link[0].startswith("nic-") else link for link in seen["links"]]
        return seen

    def ask(self, call):
        return self.host.client.call(*call)

    def defined(self):
        told = self.host.client.call("Host.getRunningConfig")
        return json.dumps([told["networks"], told["bondings"], self.host.client.call("VM.getNics")], sort_keys=True)

    def outcome(self, where):
        found = self.see()
        differences = {name: changes(picture, found) for name, picture in self.pictures.items()}
        for name, lines in differences.items():
            if not lines:
                return name
        raise AssertionError("\n".join([f"{where}: neither", *(f"  {name} {line}" for name, lines in differences.items() for line in lines)]))

    def again(self):
        """The client goes first: what it had not been able to send it would send to the next netd."""
        self.host.client.close()
        self.host.netd.start().ready()
        self.host.client = self.host.netd.client()

    def dies_at(self, step, number, call):
        tracer = self.host.later(Tracer(self.host, step, number))
        with Client(self.host.netd.control) as client:
            asked, answered = client.send(*call), False
            while not answered and self.host.netd.process.poll() is None:
                with contextlib.suppress(NoAnswer):
                    answered = bool(client.receive(asked, 0.02))
        tracer.close()
        return self.host.netd.process.poll() is not None

    def kill_at_every_step(self):
        for end, start in (("there", "back"), ("back", "there")):
            ended = {"there": 0, "back": 0}
            for step in self.plan.steps:
                number = 1
                while self.dies_at(step, number, self.plan.calls[end]):
                    ended[self.look(f"{self.plan.title}, {end}, killed before {step} {number}", start, end)] += 1
                    number += 1
                assert self.outcome("not killed") == end
                self.ask(self.plan.calls[start])
            assert sum(ended.values()) > 4, f"{self.plan.title}: it was never killed"
            self.rows.append((self.plan.title, end, sum(ended.values()), ended[start], ended[end]))
            self.ask(self.plan.calls[end])
        agree(self.host)

    def look(self, where, start, end):
        """What came of it, when the watchdog is done and when a netd was started again; then all is as at the start."""
        wait_until(lambda: not any(map(is_alive, self.host.netd.watchdogs)), 30, f"{where}: the watchdog stays")
        found = self.outcome(where)
        self.again()
        assert self.defined() == self.definitions[found], f"{where}: the host is {found}, what is defined is not: {self.defined()}"
        assert self.outcome(f"{where}, started again") == found
        if found == end:
            self.ask(self.plan.calls[start])
        return found


def table(rows):
    print("    | plan | way | killed at | ended as before | ended as asked | neither |")
    for title, way, kills, before, asked in rows:
        print(f"    | {title} | {way} | {kills} steps | {before} | {asked} | {kills - before - asked} |")


def every_step(host, plan):
    trial = Trial(host, plan)
    trial.kill_at_every_step()
    table(trial.rows)


@case("vlan")   # of the lab: it takes its time
def before_and_after_every_step(host):
    every_step(host, plain())


@case("vlan", "bond")
def before_and_after_every_step_of_a_bond(host):
    every_step(host, on_a_bond())


@case("vlan", "ovs")
def before_and_after_every_step_to_another_switch(host):
    every_step(host, to_another_switch())


@case("vlan")
def before_and_after_every_step_of_a_guests_nic(host):
    every_step(host, one_guest())


def waits(host, networks, seconds):
    number = host.client.send("Host.setupNetworks", {"networks": networks, "options": {"connectivityTimeout": seconds}})
    with host.netd.client() as other:
        wait_until(lambda: other.call("Host.getStatus")["transaction"])
    return number


def kill_by_pidfile(host, program):
    pid = int((host.ovs.folder / f"{program}.pid").read_text())
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(pid), 10)


@case("vlan", "ovs")
def open_vswitch_dies_inside_of_the_window(host):
    """Its unit starts it again, as ours does here; nobody confirms, so that the host is as before at the end of the time."""
    old = {"ovirtmgmt": {"nic": "eno1", **mgmt, "switch": "ovs"}}
    new = {"web": {"nic": "eno1", "vlan": 100, "ipaddr": "10.0.0.1", "prefix": 24, "switch": "ovs"}}
    host.client.setup(old)
    before = photograph(host.space, host.ovs)
    rows = []
    for dies in (["ovs-vswitchd"], ["ovsdb-server"], ["ovs-vswitchd", "ovsdb-server"], ["ovs-vswitchd", "netd"]):
        number = waits(host, new, 4)
        for program in dies:
            if program == "netd":
                host.client.close()
                host.netd.kill()
            else:
                kill_by_pidfile(host, program)
        if "ovsdb-server" in dies and "ovs-vswitchd" not in dies:
            kill_by_pidfile(host, "ovs-vswitchd")   # the script starts both
        elif "ovsdb-server" not in dies:
            kill_by_pidfile(host, "ovsdb-server")
        (host.ovs.folder / "db.sock").unlink(missing_ok=True)
        host.ovs.start()
        if "netd" in dies:
            wait_until(lambda: not any(map(is_alive, host.netd.watchdogs)), 40, "the watchdog stays")
            host.netd.start().ready()
            host.client = host.netd.client()
        else:
            try:
                answer = host.client.receive(number, 40)
                raise AssertionError(f"{dies}: not taken back: {answer}")
            except RpcError as error:
                assert error.code == 10, error
        wait_until(lambda: not changes(before, photograph(host.space, host.ovs)), 20, lambda: f"{dies}: " + "\n".join(changes(before, photograph(host.space, host.ovs))))
        agree(host)
        rows.append((" and ".join(dies) + " in the window", "there", 1, 1, 0))
    table(rows)
