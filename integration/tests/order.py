"""Writes are done one at a time in the order in which they came, each with its own deadline; reads wait for none of them."""

import pathlib
import subprocess
import time

from agree import agree
from client import RpcError
from host import wait_until
from killing import Strace
from runner import case
from taps import ask as ask_for_tap, plug


def waits(host):
    """A change that stands and waits for its confirmation; the number of its request."""
    return host.client.waiting({"networks": {"web": {"nic": "eno2"}}, "options": {"connectivityTimeout": 200}})


def answer(client, number, patience=120):
    try:
        return client.receive(number, patience)
    except RpcError as error:
        return error.code


def ask(client, networks, **options):
    return client.send("Host.setupNetworks", {"networks": networks, "options": {"connectivityCheck": False, **options}})


@case()
def each_in_its_turn_and_the_65th_is_refused(host):
    first = waits(host)
    with host.netd.client() as other, host.netd.client() as reader:
        asked = [ask(other, {f"n{place}": {}}) for place in range(64)]
        codes = []
        wait_until(lambda: reader.call("Host.getStatus")["queue"] == 63, 10)
        assert answer(other, asked[63]) == 40, "64 are there, the one that is being done among them"
        begun = time.monotonic()
        for _ in range(50):
            reader.call("Host.getNetworkCapabilities")
        assert time.monotonic() - begun < 60, "a question waited"
        assert list(reader.call("Host.getRunningConfig")["networks"]) == ["web"]
        events = host.netd.subscribe("network.changed")
        assert reader.call("Host.confirmConnectivity")["confirmed"]
        assert answer(host.client, first)["outcome"] == "committed"
        for number in asked[:63]:
            codes.append(answer(other, number))
        assert all(isinstance(one, dict) and one["outcome"] == "committed" for one in codes), codes
        added = lambda told: [event["subject"] for _, event in told if event["change"] == "added"]
        told = added(events.until(lambda told: len(added(told)) == 63))
        assert told == [f"n{place}" for place in range(63)], told


@case()
def one_that_has_waited_for_longer_than_it_was_given_is_not_begun(host):
    waits(host)
    with host.netd.client() as other:
        begun = time.monotonic()
        assert answer(other, ask(other, {"late": {}}, timeout=1)) == 40
        assert 0.9 < time.monotonic() - begun < 60
        patient = ask(other, {"lan": {}}, timeout=120)
        other.call("Host.confirmConnectivity")
        assert answer(other, patient)["outcome"] == "committed"
    assert host.space.link("lan") and not host.space.link("late")
    agree(host)


@case()
def one_that_has_waited_for_too_long_is_told_so_while_another_is_being_done(host):
    strace = Strace(host, "-e", "trace=rename", "-e", "inject=rename:delay_enter=15s:when=1")
    with host.netd.client() as other:
        begun, first = time.monotonic(), ask(host.client, {"web": {"nic": "eno2"}})
        wait_until(lambda: strace.log.read_text(), 10, "the first change is not at its journal")
        late, wrong = ask(other, {"late": {}}, timeout=1), other.send("VM.hotplugNic", {"vmId": "a", "nic": "lan"})
        last = ask(other, {"lan": {}})
        assert answer(other, wrong) == 49 and answer(other, late) == 40
        assert other.call("Host.getStatus")["last"] is None or time.monotonic() - begun > 15, "the first change was done before"
        assert answer(host.client, first)["outcome"] == "committed"
        assert answer(other, last)["outcome"] == "committed"
        assert other.call("Host.getStatus")["queue"] == 0
    assert not host.space.link("late")
    agree(host)


class Watched:
    """The calls of all threads of netd."""

    def __init__(self, host, calls):
        self.netd, self.log = host.netd.process.pid, host.folder / "calls"
        self.log.write_text("")
        self.process = host.space.start("strace", "-f", "-qq", "-e", f"trace={calls}", "-o", self.log, "-p", str(self.netd), stderr=subprocess.DEVNULL)
        host.later(self)
        wait_until(lambda: all("TracerPid:\t0\n" not in (task / "status").read_text() for task in pathlib.Path(f"/proc/{self.netd}/task").iterdir()), 30, "strace does not attach")

    def threads(self, word):
        """Which made a call with that word in it."""
        return {int(line.split()[0]) for line in self.log.read_text().splitlines() if word in line}

    def close(self):
        self.process.terminate()
        self.process.wait(120)


@case()
def what_takes_the_lock_of_links_is_not_done_where_questions_are_answered(host):
    host.client.setup({"lan": {}})
    nic = plug(host, "a")
    watched = Watched(host, "setsockopt,ioctl")
    host.space.links("link add eno9 type veth peer name eno9 netns wire", "link set eno9 up")
    wait_until(lambda: watched.threads("PACKET_ADD_MEMBERSHIP"), 20, "nobody listens at the new NIC")
    assert ask_for_tap(host, {"port": nic["port"]})[0]["queues"] == 1
    host.space.links("link delete eno9")
    wait_until(lambda: watched.threads("PACKET_DROP_MEMBERSHIP"), 20, "the NIC that is gone is still listened at")
    for word in ("PACKET_ADD_MEMBERSHIP", "PACKET_DROP_MEMBERSHIP", "TUNSETIFF"):
        assert watched.threads(word) and watched.netd not in watched.threads(word), word


@case()
def a_client_that_goes_away_changes_nothing_about_the_outcome(host):
    with host.netd.client() as other:
        ask(other, {"lan": {}})
        wait_until(lambda: host.client.call("Host.getStatus")["revision"] and host.space.link("lan"))
    wait_until(lambda: "lan" in host.client.call("Host.getRunningConfig")["networks"])
    with host.netd.client() as other:
        other.send("Host.setupNetworks", {"networks": {"web": {"nic": "eno2"}}, "options": {"connectivityTimeout": 200}})
        wait_until(lambda: host.client.call("Host.getStatus")["transaction"])
        ask(other, {"queued": {}})
        wait_until(lambda: host.client.call("Host.getStatus")["queue"] == 1)
    # It goes back when somebody says so, as if nobody had confirmed it; what was asked after it is done.
    assert host.client.call("Host.rollback")["rolledBack"]
    wait_until(lambda: set(host.client.call("Host.getRunningConfig")["networks"]) == {"lan", "queued"}, 20)
    assert host.space.link("queued") and not host.space.link("web")
    wait_until(lambda: host.client.call("Host.getStatus")["queue"] == 0)
    with host.netd.client() as other:
        other.send("Host.setupNetworks", {"networks": {"web": {"nic": "eno2"}}, "options": {"connectivityTimeout": 200}})
        wait_until(lambda: host.client.call("Host.getStatus")["transaction"])
    assert host.client.call("Host.confirmConnectivity")["confirmed"]
    agree(host)
