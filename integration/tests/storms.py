"""A guest that floods: who is filtered strictly sends a hundred broadcasts and multicasts a second, however many it tries."""

import time

from agree import agree
from attacks import arp, ether, ip4, udp
from frames import BROADCAST, collect, drain
from guests import Guest, define, uplinks
from host import wait_until
from runner import case

tries = 1000
most = 300   # at once, besides those of each second that it takes


def arrived(speaker, ends, frame):
    """How many of so many copies come to each."""
    drain(ends)
    for number in range(tries):
        speaker.end.send(frame(b"storm-%06d" % number))
        if number % 50 == 49:
            time.sleep(0.01)   # the queues on the way
    return {end: len(frames) for end, frames in collect(ends, b"storm-", 1.5).items()}


def arrived_and_limit(speaker, ends, frame):
    """With how many of a strict one may have."""
    begun = time.monotonic()
    return arrived(speaker, ends, frame), most + 100 * (time.monotonic() - begun)


def unlimited(speaker, end, frame):
    """A limit lets as little through every time; a queue on the way that was full does not."""
    counts = []
    wait_until(lambda: counts.append(arrived(speaker, [end], frame)[end]) or counts[-1] > tries * 0.9, 10, lambda: f"{counts} of {tries}")


def storms(host, definition):
    define(host, {"web": {"nic": "eno1", **definition}})
    wire, victim = uplinks(host, "eno1")["eno1"], Guest(host, "victim", "web", filter="none")
    strict = Guest(host, "strict", "web", filterParameters=["10.0.0.12"], filter="strict")
    other = Guest(host, "other", "web", filter="standard")
    flood = lambda one, address: lambda token: ether(BROADCAST, one.mac, 0x806, arp(1, one.mac, address, "10.0.0.2") + token)
    for one, address in ((strict, "10.0.0.12"), (other, "10.0.0.13")):
        wait_until(lambda: arrives(one, [victim.end, wire], flood(one, address)), 10, f"{one.name} is not heard")
    for frame in (flood(strict, "10.0.0.12"),
                  lambda token: ether("01:00:5e:00:00:fb", strict.mac, 0x800, ip4("10.0.0.12", "224.0.0.251", 17, udp(5353, 5353, token)))):
        got, limit = arrived_and_limit(strict, [victim.end, wire], frame)
        assert all(20 <= count <= limit for count in got.values()), f"{list(got.values())} of {tries}"
    told = lambda: {nic["vmId"]: nic["blocked"] for nic in host.client.call("VM.getNics")["nics"]}
    # What is let through in a flood is a matter of how long that takes here.
    wait_until(lambda: told()["strict"].get("storm", 0) > tries / 2 or arrived(strict, [wire], flood(strict, "10.0.0.12")) is None, 30, told)
    assert "storm" not in told()["other"], told()
    # The control, and who is sent to one alone is no storm.
    unlimited(other, victim.end, flood(other, "10.0.0.13"))
    unlimited(strict, victim.end, lambda token: ether(victim.mac, strict.mac, 0x800, ip4("10.0.0.12", "10.0.0.2", 17, udp(9999, 9999, token))))
    # No longer strict, no longer limited; and the other way.
    strict.update(filter="standard")
    unlimited(strict, victim.end, flood(strict, "10.0.0.12"))
    strict.update(filter="strict", filterParameters=["10.0.0.12"])
    got, limit = arrived_and_limit(strict, [victim.end], flood(strict, "10.0.0.12"))
    assert got[victim.end] <= limit, got
    agree(host)


def arrives(speaker, ends, frame):
    """A port forwards when the kernel gets round to it."""
    speaker.end.send(frame(b"storm-first"))
    return all(collect(ends, b"storm-first", 0.3).values())


@case()
def a_storm_without_tags(host):
    storms(host, {})


@case(kinds=("vlan-aware", "ovs"))
def a_storm(host):
    storms(host, {"vlan": 100})
