"""Taps as descriptors over a socket: for hypervisors that open no devices themselves."""

import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import time

from agree import agree
from frames import Tap, mac_bytes, shout
from guests import Guest, define, expect, same
from host import wait_until
from runner import case

SIOCSIFHWADDR, ARPHRD_ETHER = 0x8924, 1

asks = """
import socket, sys
line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
line.connect(sys.argv[1])
line.send(sys.argv[2].encode())
text, descriptors, _, _ = socket.recv_fds(line, 1024, 253)
print(len(descriptors), text.decode())
"""


def door(host):
    line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    line.connect(str(host.netd.run / "taps"))
    line.settimeout(60)
    return line


def ask(host, question):
    """The answer, and the descriptors that came with it."""
    with door(host) as line:
        line.send(question if isinstance(question, bytes) else json.dumps(question).encode())
        text, descriptors, _, _ = socket.recv_fds(line, 1024, 253)
    return json.loads(text), descriptors


def plug(host, vm, network="lan", kind="tap", **nic):
    return host.client.call("VM.hotplugNic", {"vmId": vm, "nic": {"network": network, "kind": kind, **nic}})["nic"]


def descriptors_of(host):
    return len(os.listdir(f"/proc/{host.netd.process.pid}/fd"))


def settled_descriptors(host):
    """Once nothing has opened or closed one for a second."""
    counts = []
    wait_until(lambda: counts.append(descriptors_of(host)) or time.sleep(0.1) or len(counts) > 10 and len(set(counts[-10:])) == 1, 30)
    return counts[-1]


@case()
def a_hypervisor_gets_its_tap_as_descriptors(host):
    define(host, {"lan": {}})
    other, nic = Guest(host, "a", "lan"), plug(host, "b")
    told, descriptors = ask(host, {"port": nic["port"]})
    has_vhost = os.path.exists("/dev/vhost-net")
    same({"port": nic["port"], "queues": 1, "vhost": int(has_vhost)}, told)
    same(1 + has_vhost, len(descriptors))
    for more in descriptors[1:]:
        os.close(more)
    end = host.later(Tap(host.space.name, nic["port"], descriptor=descriptors[0]))
    same({other.end: [()]}, shout(end, nic["macAddr"], [end, other.end], expected=[other.end]))
    same({end: [()]}, shout(other.end, other.mac, [end, other.end], expected=[end]))


@case()
def each_of_several_queues_is_one(host):
    define(host, {"lan": {}})
    nic = plug(host, "b", queues=4)
    told, descriptors = ask(host, {"port": nic["port"]})
    same(4, told["queues"])
    same(4 + told["vhost"], len(descriptors))
    index = host.space.link(nic["port"])["ifindex"]
    again = {key: nic[key] for key in ("network", "macAddr", "kind")}
    same(False, host.client.call("VM.hotplugNic", {"vmId": "b", "nic": again})["changed"])
    expect(49, "can't change", lambda: host.client.call("VM.hotplugNic", {"vmId": "b", "nic": {**again, "queues": 1}}))
    expect(56, "can't change", lambda: host.client.call("VM.updateDevice", {"vmId": "b", "nic": {"macAddr": nic["macAddr"], "queues": 2}}))
    same(index, host.space.link(nic["port"])["ifindex"])
    for one in descriptors:
        os.close(one)


@case()
def a_tap_that_takes_a_neighbours_mac_has_its_own_again_however_often(host):
    """Its holder needs no privilege for it, and the bridge takes what is for the neighbour for the host's."""
    define(host, {"lan": {}})
    neighbour, nic = Guest(host, "a", "lan"), plug(host, "b", filter="strict", filterParameters=["10.0.0.7"])
    mac_of_port = lambda: host.space.link(nic["port"])["address"]
    own, end, events = mac_of_port(), host.later(Tap(host.space.name, nic["port"])), host.netd.subscribe("drift.contested")
    told = None
    while not told:
        fcntl.ioctl(end, SIOCSIFHWADDR, struct.pack("16sH14s", b"", ARPHRD_ETHER, mac_bytes(neighbour.mac)))
        wait_until(lambda: mac_of_port() == own, what=lambda: f"the tap has {mac_of_port()}")
        told = events.within(0.1)
    same((nic["port"], "mac"), (told[1]["subject"], told[1]["attribute"]))
    wait_until(lambda: host.client.call("Host.getStatus")["drift"]["contested"] == [])


@case()
def somebodys_tap_of_a_ports_name_stays_his(host):
    define(host, {"lan": {}})
    nic = plug(host, "b")
    let_go = lambda: host.client.call("VM.hotunplugNic", {"vmId": "b", "nic": {"macAddr": nic["macAddr"]}})
    let_go()
    host.space.run("ip", "tuntap", "add", "dev", nic["port"], "mode", "tap")
    before = host.space.link(nic["port"])
    expect(49, "did not make", lambda: plug(host, "b", macAddr=nic["macAddr"]))
    let_go()
    there = host.space.link(nic["port"])
    assert there and there["address"] == before["address"] and "master" not in there and "ifalias" not in there, there
    host.space.run("ip", "link", "delete", nic["port"])
    wait_until(lambda: host.space.link(nic["port"]) is None)
    same(nic["port"], plug(host, "b", macAddr=nic["macAddr"])["port"])


@case()
def who_takes_the_name_of_a_port_that_he_deleted_is_not_filtered_when_its_guest_is_gone(host):
    define(host, {"lan": {}})
    nic = plug(host, "b")
    host.space.links(f"link delete {nic['port']}", f"link add {nic['port']} type bridge")
    expect(56, "not netd's", lambda: host.client.call("VM.updateDevice", {"vmId": "b", "nic": {"macAddr": nic["macAddr"], "mtu": 1400}}))
    assert host.client.call("VM.hotunplugNic", {"vmId": "b", "nic": {"macAddr": nic["macAddr"]}})["changed"]
    assert host.space.link(nic["port"])["linkinfo"]["info_kind"] == "bridge"
    agree(host, foreign={nic["port"]}, patience=5)


@case()
def only_its_own_hypervisor_gets_a_tap(host):
    define(host, {"lan": {}})
    nic, rooted = plug(host, "b", user=1234), plug(host, "c")
    os.chmod(host.folder, 0o711)
    os.chmod(host.netd.folder, 0o711)
    def as_user(uid, port):
        return subprocess.run(["setpriv", f"--reuid={uid}", sys.executable, "-c", asks, host.netd.run / "taps", json.dumps({"port": port})], text=True, capture_output=True,
                              timeout=180, check=True).stdout
    for uid, port, is_given in ((1234, nic["port"], True), (1235, nic["port"], False), (1234, rooted["port"], False), (0, nic["port"], True)):
        told = as_user(uid, port)
        same(is_given, not told.startswith("0 ") and "error" not in told)
        same(is_given, "made for the user who asks" not in told)


@case()
def what_is_no_question_gets_a_sentence(host):
    define(host, {"lan": {}})
    nic, pair = plug(host, "b"), Guest(host, "a", "lan")
    before = settled_descriptors(host)
    with door(host) as line:
        line.send(b"")
    for question in (b"{", b"[]", b'{"port": 1}', b'{"port": "eth0", "more": 1}', b"x" * 5000, {"port": "nowhere"}, {"port": pair.nic["port"]}, {"port": "eno1"}, {"port": "lan"}, {"port": ""}):
        told, descriptors = ask(host, question)
        same(["error"], list(told))
        same([], descriptors)
    held = Tap(host.space.name, nic["port"])
    told, descriptors = ask(host, {"port": nic["port"]})
    assert "busy" in told["error"] and not descriptors, told
    held.close()
    silent = [door(host) for _ in range(100)]
    told, descriptors = ask(host, {"port": nic["port"]})
    same(1, told["queues"])
    for one in descriptors:
        os.close(one)
    for one in silent:
        one.close()
    wait_until(lambda: descriptors_of(host) == before, 10, lambda: f"{before} descriptors before, {descriptors_of(host)} now")
    host.client.call("VM.hotunplugNic", {"vmId": "b", "nic": {"macAddr": nic["macAddr"]}})
    told, descriptors = ask(host, {"port": nic["port"]})
    same(["error"], list(told))
    host.space.run("ip", "link", "show", "dev", "lan")
    assert nic["port"] not in {link["ifname"] for link in host.space.look()[0]["link"]}, "a question makes a tap"
