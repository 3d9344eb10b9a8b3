#!/usr/bin/python3
"""A netd without a host: answers netctl by the contract, remembers who asked what, and fails on request.

usage: fake_netd.py DIR     sockets DIR/control and DIR/events, every request as a line of DIR/log

What a change does depends on the names of its networks: `bad` is refused with two complaints, `refused` is rolled back,
`same` is there already, `long` takes a step with much to tell, `cut` loses every connection while it waits, `leaving` is the last that netd hears, `lonely` takes no
confirmation, as if an engine had made it.
"""
import json
import os
import sys
import time

import zmq

EVIL = "evil\x1b[2J\u202e"
APPLY_SECONDS = 0.4


def network(**more):
    return {"iface": "web", "bridged": True, "ports": ["eth0.100"], "stp": False, "southbound": "eth0", "vlanid": 100,
            "switch": "legacy", "mtu": 1500, "ipv4addrs": ["192.0.2.10/24"], "ipv6addrs": [], "gateway": "192.0.2.1",
            "roles": ["vm"], "inSync": True, **more}


CAPABILITIES = {
    "networks": {"web": network(), "db": network(iface="db", vlanid=200, mtu=9000, inSync=False, ipv4addrs=[])},
    "nics": {"eth0": {"hwaddr": "52:54:00:00:00:01", "permhwaddr": "52:54:00:00:00:01", "speed": 10000, "mtu": 1500,
                      "ipv4addrs": [], "ipv6addrs": []},
             "eth1": {"hwaddr": "52:54:00:00:00:02", "speed": 0, "mtu": "1500", "ipv4addrs": [], "ipv6addrs": []}},
    "bondings": {"bond0": {"hwaddr": "52:54:00:00:00:02", "slaves": ["eth1"], "active_slave": "eth1",
                           "opts": {"mode": "active-backup"}, "mtu": 1500, "ipv4addrs": [], "ipv6addrs": []}},
    "vlans": {"eth0.100": {"iface": "eth0", "vlanid": 100, "mtu": 1500, "ipv4addrs": [], "ipv6addrs": []}},
    "bridges": {"web": {"ports": ["eth0.100"], "stp": False, "opts": {}, "mtu": 1500, "ipv4addrs": ["192.0.2.10/24"], "ipv6addrs": ["2001:db8::10/64"]}},
    "nameservers": [], "supportsIPv6": True, "netConfigDirty": True, "ovnConfigured": False, "backends": {}}


def counters(rx):
    return {"rx": rx, "tx": 2 * rx, "rxErrors": 0, "txErrors": 0, "rxDropped": 1, "txDropped": 0, "rxPackets": rx // 100,
            "txPackets": rx // 50, "multicast": 0, "speed": 10000, "state": "up", "duplex": "full", "sampleTime": 1.0}


STATISTICS = {"network": {"eth0": counters(1500000), "eth1": {**counters(0), "state": "down"}, "web": counters(1000), "nic-1a2b3c": counters(500)}}

NICS = {"nics": [{"vmId": "web1", "macAddr": "52:54:00:aa:00:01", "network": "web", "kind": "tap", "linkActive": True, "queues": 1,
                  "port": "nic-1a2b3c", "filter": "standard", "blocked": {"dhcp": 2}},
                 {"vmId": EVIL, "macAddr": "52:54:00:aa:00:02", "network": "db", "kind": "netns", "linkActive": False, "vlan": 7,
                  "port": "nic-4d5e6f", "filter": "standard"},
                 {"vmId": EVIL, "macAddr": "52:54:00:aa:00:03", "network": "", "kind": "tap", "linkActive": True, "port": "nic-7a8b9c",
                  "filter": "standard", "portMirroring": ["web"]}]}
UUIDS = {"0b4d5f3e-6a51-4d6b-9f5c-2f1f4a0c7e11": "web1"}  # of libvirt's domains; NICs are told by name

def tlv(**properties):
    return {"type": 5, "name": "any", "properties": {name.replace("_", " "): value for name, value in properties.items()}}


LLDP = {"eth0": {"enabled": True, "tlvs": [tlv(system_name="sw1.example"), tlv(chassis_ID="52:54:00:ff:00:00"), tlv(port_ID="Gi1/0/7"), tlv(port_description="to host 7"),
                                           tlv(Port_VLAN_ID="100"), tlv(management_address="192.0.2.254")]},
        "eth1": {"enabled": True, "tlvs": [tlv(chassis_ID="52:54:00:ff:00:01"), tlv(port_ID="swp1")]},
        "eth2": {"enabled": False, "tlvs": [], "why": "Operation not permitted"},
        "eth3": {"enabled": True, "tlvs": []}}

TOPOLOGY = {
    "revision": 7,
    "nodes": [
        {"id": "nic:eth0", "kind": "nic", "label": "eth0", "state": "up", "owner": None, "attributes": {"speed": "10000", "mtu": "1500"},
         "counters": {"rx_bytes": 1, "tx_bytes": 2, "rx_packets": 3, "tx_packets": 4}, "problem": None},
        {"id": "vlan:eth0.100", "kind": "vlan", "label": "eth0.100", "state": "up", "owner": "network web", "attributes": {"vlan": "100"},
         "counters": None, "problem": None},
        {"id": "bridge:web", "kind": "bridge", "label": "web", "state": "up", "owner": "network web", "attributes": {}, "counters": None,
         "problem": None},
        {"id": "network:web", "kind": "network", "label": "web", "state": "up", "owner": "network web",
         "attributes": {"vlan": "100", "addresses": "192.0.2.10/24"}, "counters": None, "problem": "mtu is 1500, wanted 9000"},
        {"id": "network:storage", "kind": "network", "label": "storage", "state": "missing", "owner": "network storage",
         "attributes": {"base": "eno2", "vlan": "7", "device": "eno2.7", "roles": "migration"}, "counters": None, "problem": None},
        {"id": "port:nic-1a2b3c", "kind": "port", "label": "nic-1a2b3c", "state": "up", "owner": "nic", "attributes": {}, "counters": None,
         "parent": "guest:" + EVIL, "problem": None},
        {"id": "guest:" + EVIL, "kind": "guest", "label": EVIL, "state": "up", "owner": None, "attributes": {}, "counters": None,
         "problem": None},
        {"id": "wormhole:x", "kind": "wormhole", "label": "x", "state": "up"}],
    "edges": [
        {"kind": "stacked", "from": "nic:eth0", "to": "vlan:eth0.100", "label": "100"},
        {"kind": "enslaved", "from": "vlan:eth0.100", "to": "bridge:web", "label": ""},
        {"kind": "realises", "from": "bridge:web", "to": "network:web", "label": ""},
        {"kind": "plugged", "from": "network:web", "to": "port:nic-1a2b3c", "label": ""},
        {"kind": "plugged", "from": "port:nic-1a2b3c", "to": "guest:" + EVIL, "label": ""}]}

STEPS = [{"do": "create bridge web", "because": "network web needs it and it is not there", "subject": "web", "stage": 2},
         {"do": "change eth0: mtu 1500 becomes 9000", "because": "what lies on it needs it", "subject": "eth0", "stage": 1},
         {"do": "remove vlan eth0.7", "because": "no network is on it any more", "subject": "eth0.7", "stage": 5}]

LONG_STEP = {"do": "change bond0: fail_over_mac none becomes active, primary nothing becomes eth0", "because": "networks web and db want it", "subject": "bond0", "stage": 1}

COMPLAINTS = [{"path": "/networks/bad/vlan", "fault": "conflict", "what": 'VLAN 100 on eth0 is already used by network "db"'},
              {"path": "/networks/bad/mtu", "fault": "invalid", "what": "an MTU is 68 to 65521"}]


class Refused(Exception):
    def __init__(self, code, message, data=None):
        self.error = {"code": code, "message": message, "data": data if data is not None else []}


class FakeNetd:
    def __init__(self, folder):
        self.folder = folder
        self.context = zmq.Context()
        self.events = self.context.socket(zmq.XPUB)
        self.events.bind("ipc://" + folder + "/events")
        self.open_door()
        self.log = open(folder + "/log", "a", buffering=1)
        self.revision, self.seq = 7, 0
        self.pending = None  # of the change that is under way: who asked, when it is made, when it ends
        self.last = None
        self.running = {"networks": {"web": {"nic": "eth0", "vlan": 100, "mtu": 1500}}, "bondings": {}}
        self.committed = {"networks": {"web": {"nic": "eth0", "vlan": 101, "mtu": 1500}, "old": {"nic": "eth0"}}, "bondings": {}}

    def open_door(self):
        self.door = self.context.socket(zmq.ROUTER)
        self.door.bind("ipc://" + self.folder + "/control")

    def serve(self):
        while True:
            self.end_change()
            poller = zmq.Poller()
            poller.register(self.door, zmq.POLLIN)
            poller.register(self.events, zmq.POLLIN)
            for socket, _ in poller.poll(50):
                if socket is self.events:
                    self.events.recv()
                else:
                    self.take(*self.door.recv_multipart())
            if os.path.exists(self.folder + "/tell"):
                self.tell()

    def take(self, who, _, text):
        request = json.loads(text)
        self.log.write(json.dumps({"who": who.hex(), "method": request["method"], "params": request["params"]}) + "\n")
        if request["method"] == "Silent":
            return
        try:
            method = request["method"].replace(".", "_")
            result = getattr(self, method)(request["params"], (who, request["id"]))
        except Refused as refused:
            self.answer((who, request["id"]), "error", refused.error)
            return
        except AttributeError:
            self.answer((who, request["id"]), "error", {"code": -32601, "message": "there is no method " + request["method"]})
            return
        if result is not None:
            self.answer((who, request["id"]), "result", result)

    def answer(self, asker, kind, value):
        who, number = asker
        self.door.send_multipart([who, b"", json.dumps({"jsonrpc": "2.0", "id": number, kind: value}).encode()])

    def refuse_bad(self, params):
        if os.path.exists(self.folder + "/read-only"):
            raise Refused(403, "uid 1000 (pid 1) may look, not change; operators are in group netd-admin")
        if "bad" in params["networks"]:
            raise Refused(26, COMPLAINTS[0]["what"] + " (/networks/bad/vlan); and 1 more", COMPLAINTS)

    def is_so(self, params):
        return "same" in params["networks"] or {key: params.get(key, {}) for key in self.running} == self.running

    def Host_planNetworks(self, params, _):
        self.refuse_bad(params)
        return {"steps": [] if self.is_so(params) else STEPS + [LONG_STEP] * ("long" in params["networks"])}

    def Host_setupNetworks(self, params, asker):
        self.refuse_bad(params)
        names, options = params["networks"], params["options"]
        if self.is_so(params):
            return {"revision": self.revision, "changed": False, "outcome": "committed"}
        if "refused" in names:
            why = "web: Device or resource busy"
            raise Refused(29, "rolled back: " + why, [{"path": "", "fault": "backend", "what": why}])
        if "leaving" in names:
            os.unlink(self.folder + "/control")
            os._exit(0)
        now = time.monotonic()
        made = now + APPLY_SECONDS
        self.pending = {"asker": asker, "made": made, "until": made + options.get("connectivityTimeout", 60), "lonely": "lonely" in names,
                        "cut": "cut" in names}

    def end_change(self):
        now = time.monotonic()
        if self.pending and self.pending["cut"] and now > self.pending["made"]:
            self.pending.update(cut=False, asker=None)
            self.door.close(linger=0)
            time.sleep(0.3)
            self.open_door()
        if self.pending and now > self.pending["until"]:
            why = "connectivity: nobody confirmed the change in time"
            asker, self.pending = self.pending["asker"], None
            self.last = {"outcome": "rolled-back", "why": why, "time": time.time()}
            if asker:
                self.answer(asker, "error", {"code": 10, "message": "rolled back: " + why,
                                             "data": [{"path": "", "fault": "timeout", "what": why}]})

    def Host_confirmConnectivity(self, _, __):
        if not self.pending or time.monotonic() < self.pending["made"]:
            return {"confirmed": False, "transaction": None, "why": "nothing waits for a confirmation"}
        if self.pending["lonely"]:
            return {"confirmed": False, "transaction": 3, "why": "what an engine asked for over TCP is confirmed over TCP only"}
        asker, self.pending = self.pending["asker"], None
        self.revision += 1
        self.last = {"outcome": "committed", "why": "", "time": time.time()}
        if asker:
            self.answer(asker, "result", {"revision": self.revision, "changed": True, "outcome": "committed"})
        return {"confirmed": True, "transaction": 3}

    def Host_rollback(self, _, __):
        """Where DIR/takes-back is; else it goes back when its time is over."""
        if not self.pending or not os.path.exists(self.folder + "/takes-back"):
            raise Refused(-32601, "there is no method Host.rollback")
        why = "connectivity: somebody took the change back"
        asker, self.pending = self.pending["asker"], None
        self.answer(asker, "error", {"code": 10, "message": "rolled back: " + why, "data": [{"path": "", "fault": "denied", "what": why}]})
        return {"rolledBack": True, "transaction": 3}

    def Host_getStatus(self, _, __):
        waiting = self.pending and time.monotonic() > self.pending["made"]
        trouble = {"subject": "web", "what": "the way back is blocked"} if os.path.exists(self.folder + "/degraded") else None
        down = ["web"] if os.path.exists(self.folder + "/down") else []
        return {"version": "0.1.0", "revision": self.revision, "down": down, "uptime": 93784, "queue": 0, "networks": 2, "nics": 2,
                "drift": {"policy": "repair", "contested": []},
                "backends": {"kernel": {"release": "6.1.0", "vlan": True, "bond": False},
                             "ovs": {"connected": False, "where": "unix:/run/openvswitch/db.sock", "datapath": ""}},
                "netConfigDirty": True, "trouble": trouble, "last": self.last,
                "transaction": {"id": 3, "phase": "waiting", "secondsLeft": 12.5} if waiting else None,
                "counters": {"requests": 12, "malformed": 0, "server": {"received": 12}}}

    def Host_getDrift(self, _, __):
        if os.path.exists(self.folder + "/in-sync"):
            return {"networks": {}, "bondings": {}, "guests": {}}
        return {"networks": {"db": [{"subject": "db", "attribute": "mtu", "wanted": "9000", "found": "1500"}]}}

    def Host_getRunningConfig(self, params, _):
        if os.path.exists(self.folder + "/in-sync"):
            return self.running
        if params.get("which") == "committed":
            return self.committed
        return {**self.running, "transaction": 3} if self.pending else self.running

    def Host_getNetworkCapabilities(self, _, __):
        return CAPABILITIES

    def Host_getNetworkStatistics(self, _, __):
        return STATISTICS

    def Host_getLldp(self, _, __):
        return LLDP

    def Host_getTopology(self, params, _):
        if params.get("view") not in ("whole", "folded", "problems"):
            raise Refused(21, 'view is "whole", "folded" or "problems"')
        if "network" not in params:
            return TOPOLOGY
        nodes = [node for node in TOPOLOGY["nodes"] if node["id"] == "network:" + params["network"]]
        if not nodes:
            raise Refused(21, "there is no network of that name")
        return {"revision": 7, "nodes": nodes, "edges": []}

    def Host_setSafeNetworkConfig(self, _, __):
        return {}

    def Host_ping2(self, _, __):
        return True

    def VM_getNics(self, params, _):
        vm = UUIDS.get(params.get("vmId"), params.get("vmId"))
        return {"nics": [nic for nic in NICS["nics"] if vm in (None, nic["vmId"])]}

    def VM_hotplugNic(self, params, _):
        if params["nic"]["network"] == "none":
            raise Refused(49, "there is no network none", [{"path": "/nic/network", "fault": "not_found", "what": "there is no network 'none'"}])
        return {"nic": {"macAddr": "52:54:00:bb:00:01", **params["nic"], "port": "nic-777777"}, "changed": True}

    def VM_hotunplugNic(self, params, _):
        return {"changed": params["nic"]["macAddr"] == "52:54:00:aa:00:01"}

    def tell(self):
        """Every line of DIR/tell is an event: TOPIC SEQ BOOT TEXT."""
        with open(self.folder + "/tell") as lines:
            told = lines.read().splitlines()
        os.unlink(self.folder + "/tell")
        for line in told:
            topic, seq, boot, text = line.split(" ", 3)
            event = {"seq": int(seq), "boot": boot, "time": "2026-01-31T12:00:00.123Z", "event": topic, "revision": 7,
                     "network": text.replace("EVIL", EVIL)}
            self.events.send_multipart([topic.encode(), json.dumps(event).encode()])


if __name__ == "__main__":
    FakeNetd(sys.argv[1]).serve()
