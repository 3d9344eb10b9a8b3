"""An engine elsewhere: TCP with CURVE, and nothing without."""

import json
import stat

import zmq

from client import Client, NoAnswer, says_no
from frames import inside
from host import wait_until
from runner import case

PLACE = "192.0.2.10"


def keys(host, *engines):
    """Secret and public key of netd, and of each engine, whose public keys are put where netd looks for them."""
    own = zmq.curve_keypair()
    folder = host.folder / "engines"
    folder.mkdir(exist_ok=True)
    made = {}
    for name in engines:
        made[name] = zmq.curve_keypair()
        (folder / f"{name}.pub").write_bytes(made[name][0] + b"\n")
    key = host.folder / "netd.key"
    key.write_bytes(own[1] + b"\n")
    key.chmod(stat.S_IRUSR | stat.S_IWUSR)
    remote = {"control": f"tcp://{PLACE}:54321", "events": f"tcp://{PLACE}:54322", "key": str(key), "engines": str(folder)}
    (host.netd.folder / "config").write_text(json.dumps({"remote": remote}))
    return own[0], made, remote


class Engine(Client):
    """A client in namespace `wire`, with keys or without."""

    def __init__(self, server=None, own=None, patience=120, source=None):
        with inside("wire"):
            self.context = zmq.Context()   # its I/O thread begins here, and so lives in that namespace
            self.control, self.patience, self.answers = f"tcp://{PLACE}:54321", patience, {}
            self.socket = self.context.socket(zmq.DEALER)
            self.socket.setsockopt(zmq.LINGER, 0)
            self.socket.setsockopt(zmq.SNDTIMEO, 2000)   # one that was refused has nobody to send to
            if server:
                self.socket.curve_serverkey, (self.socket.curve_publickey, self.socket.curve_secretkey) = server, own
            self.socket.connect(self.control if not source else self.control.replace("//", f"//{source}:0;"))

    def close(self):
        self.socket.close()
        self.context.term()


def answers(engine, patience=2):
    try:
        return engine.call("Host.ping2", patience=patience)
    except (NoAnswer, zmq.Again):
        return False


def start(host):
    server, made, _ = keys(host, "east")
    host.netd.start().ready()
    host.client = host.netd.client()
    host.wire.links("addr add 192.0.2.1/24 dev eno1", "link set eno1 up")
    host.client.setup({"ovirtmgmt": {"nic": "eno1", "ipaddr": PLACE, "prefix": 24}, "lan": {}}, confirm=None)
    return server, made["east"]


@case(start=False)
def only_a_known_key_comes_in(host):
    server, east = start(host)   # the address came after netd began to serve it
    engine = host.later(Engine(server, east))
    assert answers(engine, 120)
    assert not answers(host.later(Engine()))
    assert not answers(host.later(Engine(server, zmq.curve_keypair())))
    assert host.client.call("Host.ping2")
    begun = host.netd.subscribe("transaction.begun")
    engine.call("Host.setupNetworks", {"networks": {"more": {}}, "options": {"connectivityCheck": False}})
    assert begun.next()[1]["who"] == "engine east (192.0.2.1)"


@case(start=False)
def who_comes_while_his_key_is_written_or_away_comes_in_when_it_is_there(host):
    """Whoever is refused once never asks again over the same socket: ZeroMQ's own doing."""
    server, east = start(host)
    key = host.folder / "engines/east.pub"
    away = host.folder / "away"
    key.write_bytes(east[0][:20])
    engine = host.later(Engine(server, east))
    assert not answers(engine)
    key.write_bytes(east[0])
    assert answers(engine, 120)
    key.parent.rename(away)
    another = host.later(Engine(server, east))
    assert not answers(another)
    away.rename(key.parent)
    assert answers(another, 120)


@case(start=False)
def a_remote_change_is_confirmed_from_there(host):
    server, east = start(host)
    engine, other = host.later(Engine(server, east)), host.later(Engine(server, east))
    assert answers(engine, 120) and answers(other, 120)
    number = engine.send("Host.setupNetworks", {"networks": {"more": {}}, "options": {"connectivityTimeout": 200}})
    wait_until(lambda: host.client.call("Host.getStatus")["transaction"], 20)
    assert host.client.call("Host.confirmConnectivity")["confirmed"] is False
    assert host.client.call("Host.getStatus")["transaction"]
    assert other.call("Host.confirmConnectivity")["confirmed"] is True
    assert engine.receive(number)["outcome"] == "committed"


@case(start=False)
def nor_does_a_restart_make_it_anybodys(host):
    server, east = start(host)
    engine = host.later(Engine(server, east))
    assert answers(engine, 120)
    engine.send("Host.setupNetworks", {"networks": {"more": {}}, "options": {"connectivityTimeout": 200}})
    wait_until(lambda: host.client.call("Host.getStatus")["transaction"], 20)
    host.netd.kill()
    host.netd.start().ready()
    host.client = host.netd.client()
    assert host.client.call("Host.confirmConnectivity")["confirmed"] is False
    other = host.later(Engine(server, east))
    assert answers(other, 120)
    assert other.call("Host.confirmConnectivity")["confirmed"] is True
    assert host.space.link("more")


@case(start=False)
def nobody_takes_away_the_network_he_comes_by(host):
    server, east = start(host)
    engine = host.later(Engine(server, east))
    assert answers(engine, 120)
    for method in ("Host.setupNetworks", "Host.planNetworks"):
        no = says_no(lambda: engine.call(method, {"networks": {"ovirtmgmt": {"remove": True}}, "options": {"connectivityCheck": False}}), 10)
        assert "allowDisconnect" in no.message and no.data[0]["path"] == "/networks/ovirtmgmt", no
    assert host.space.link("ovirtmgmt")
    assert engine.call("Host.setupNetworks", {"networks": {"lan": {"remove": True}}, "options": {"connectivityCheck": False}})["changed"]
    engine.send("Host.setupNetworks", {"networks": {"ovirtmgmt": {"remove": True}}, "options": {"connectivityCheck": False, "allowDisconnect": True}})
    wait_until(lambda: host.space.link("ovirtmgmt") is None, 10)


@case(start=False)
def nor_one_that_leads_away_from_the_address_he_asks_for_though_another_has_the_default_route(host):
    server, east = start(host)
    host.wire.links("addr add 203.0.113.7/32 dev eno1")   # behind the gateway, which is the wire's end
    host.client.setup({"ovirtmgmt": {"nic": "eno1", "ipaddr": PLACE, "prefix": 24, "gateway": "192.0.2.1"},
                       "ext": {"nic": "eno2", "ipaddr": "198.51.100.10", "prefix": 24, "gateway": "198.51.100.1", "defaultRoute": True}}, confirm=None)
    engine = host.later(Engine(server, east, source="203.0.113.7"))
    assert answers(engine, 120)
    for method in ("Host.setupNetworks", "Host.planNetworks"):
        no = says_no(lambda: engine.call(method, {"networks": {"ovirtmgmt": {"remove": True}}, "options": {"connectivityCheck": False}}), 10)
        assert no.data[0]["path"] == "/networks/ovirtmgmt", no
    assert engine.call("Host.setupNetworks", {"networks": {"ext": {"remove": True}}, "options": {"connectivityCheck": False}})["changed"]
    assert answers(engine, 120)


@case(start=False)
def half_a_door_is_refused_at_start(host):
    _, _, whole = keys(host, "east")
    wrong = [(("control", "tcp://*:54321"), "every network"), (("control", "ipc:///tmp/x"), "tcp://ADDRESS:PORT"), (("key", ""), "missing"),
             (("key", "/nowhere/key"), "can't be read"), (("engines", "/nowhere"), "can't be read")]
    for (key, value), words in wrong:
        (host.netd.folder / "config").write_text(json.dumps({"remote": {**whole, key: value}}))
        host.netd.start()
        assert host.netd.process.wait(120) == 2 and words in host.netd.told().splitlines()[-1], (key, value, host.netd.told())
    (host.folder / "netd.key").chmod(0o644)
    (host.netd.folder / "config").write_text(json.dumps({"remote": whole}))
    host.netd.start()
    assert host.netd.process.wait(120) == 2 and "chmod 600" in host.netd.told(), host.netd.told()
