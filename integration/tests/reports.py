"""What netd tells of a host that lives: pace, bonds and their partners, and events for what changes behind its back."""

import socket
import struct
import time

from client import patience
from frames import inside
from host import wait_until
from runner import case


def capabilities(host, **params):
    return host.client.call("Host.getNetworkCapabilities", params)


def next_of(events, topic, is_it=lambda event: True, patience=patience):
    """The next event of that topic that is it; whatever else comes is passed over."""
    deadline, others = time.monotonic() + patience, []
    while told := events.within(deadline - time.monotonic()):
        if told[0] == topic and is_it(told[1]):
            return told[1]
        others.append(told)
    raise AssertionError(f"no {topic} came within {patience} s, but {others}")


def lag(space, name, ports, mode="802.3ad miimon 100 lacp_rate fast"):
    """A bond at the other end of the wires."""
    space.links(f"link add {name} type bond mode {mode}",
                *[line for port in ports for line in (f"link set {port} down", f"link set {port} master {name}", f"link set {port} up")], f"link set {name} up")


@case(words=("--drift", "report"))   # else it is up again before anybody has looked
def the_pace_of_a_nic_is_the_kernels_own(host):
    host.client.setup({"web": {"nic": "eno1"}})
    kernel = int(host.space.run("cat", "/sys/class/net/eno1/speed"))
    assert kernel > 0
    assert capabilities(host)["nics"]["eno1"]["speed"] == kernel
    pace = lambda: host.space.run("cat", "/sys/class/net/web/speed", "/sys/class/net/web/duplex").split()
    wait_until(lambda: pace()[0] == str(kernel), 10, "the bridge is not as fast as its port")
    told = lambda: host.client.call("Host.getStats")["network"]["web"]
    wait_until(lambda: [str(told()["speed"]), told()["duplex"] or "unknown"] == pace(), 10, lambda: f"{told()} is not {pace()}")
    host.space.links("link set eno1 down")
    wait_until(lambda: capabilities(host)["nics"]["eno1"]["speed"] == 0, 10)


@case()
def capabilities_answer_in_milliseconds_though_every_link_is_down(host):
    host.space.links(*[f"link add dead{number} type veth peer name daed{number}" for number in range(100)])
    wait_until(lambda: "dead99" in capabilities(host)["nics"], 20)
    times = []
    for number in range(10):
        host.space.links(f"link set dead{number} alias x{number}")   # a revision more, so that nothing is told from memory
        begun = time.monotonic()
        capabilities(host)
        times.append(time.monotonic() - begun)
    assert min(times) < 0.5, times


@case("bond")
def a_switch_without_lacp_is_told_in_words(host):
    host.client.setup({}, {"bond0": {"nics": ["eno1", "eno2"], "options": "mode=4 lacp_rate=1 miimon=100"}})
    wait_until(lambda: "nobody answers LACP" in capabilities(host)["bondings"]["bond0"]["verdict"], 30, lambda: str(capabilities(host)["bondings"]))


@case("bond")
def a_failover_is_told_and_nothing_else_flaps(host):
    host.client.setup({"web": {"bonding": "bond0"}}, {"bond0": {"nics": ["eno1", "eno2"], "options": "mode=1 miimon=100"}})
    wait_until(lambda: capabilities(host)["bondings"]["bond0"]["active_slave"], 10)
    active = capabilities(host)["bondings"]["bond0"]["active_slave"]
    other = {"eno1": "eno2", "eno2": "eno1"}[active]
    events = host.netd.subscribe()
    host.wire.links(f"link set {active} down")
    topics_of = lambda told: [(topic, event.get("subject"), event.get("active") or event.get("state")) for topic, event in told if topic in ("bond.failover", "nic.link")]
    wanted = {("bond.failover", "bond0", other), ("nic.link", active, "no-carrier")}
    told = events.until(lambda told: wanted <= set(topics_of(told)), quiet=1)
    topics = topics_of(told)
    assert wanted <= set(topics), told
    assert not [one for one in topics if one[0] == "nic.link" and one[1] in (other, "bond0") and one[2] != "up"], told   # its first "up" may be late
    wait_until(lambda: capabilities(host)["bondings"]["bond0"]["active_slave"] == other, 10)
    assert capabilities(host)["bondings"]["bond0"]["verdict"] == ""


@case()
def addresses_and_networks_that_change_are_told(host):
    events = host.netd.subscribe()
    host.client.setup({"web": {"nic": "eno1", "ipaddr": "192.0.2.10", "prefix": 24}})
    next_of(events, "network.changed", lambda event: event.get("change") == "added")
    host.client.setup({"web": {"nic": "eno1", "ipaddr": "192.0.2.11", "prefix": 24}})
    changed = next_of(events, "address.changed", lambda event: "192.0.2.11" in event["added"])
    assert changed["removed"] == "192.0.2.10/24" or changed["removed"] == "", changed
    host.space.links("addr add 198.51.100.7/24 dev web")
    next_of(events, "address.changed", lambda event: event["added"] == "198.51.100.7/24")
    host.space.links("link set web mtu 1400")
    next_of(events, "network.changed", lambda event: event.get("mtu") == "1400")


@case(words=("--drift", "report"))
def a_network_whose_device_is_gone_is_absent(host):
    host.client.setup({"lan": {}})
    host.space.links("link add tap7 type veth peer name pat7", "link set tap7 master lan up")
    wait_until(lambda: "tap7" in capabilities(host)["bridges"]["lan"]["ports"], 10)
    host.space.links("link delete lan")
    told = wait_until(lambda: (found := capabilities(host)) and "lan" not in found["networks"] and found, 10)
    assert "lan" not in told["bridges"]
    wait_until(lambda: "lan" in host.client.call("Host.getDrift")["networks"], 10)


@case()
def topology_has_counters(host):
    host.client.setup({"web": {"nic": "eno1"}})
    before = host.space.link("eno1")["stats64"]["rx"]["packets"]
    nodes = {node["id"]: node for node in host.client.call("Host.getTopology")["nodes"]}
    after = host.space.link("eno1")["stats64"]["rx"]["packets"]
    assert before <= nodes["nic:eno1"]["counters"]["rx_packets"] <= after, nodes["nic:eno1"]


@case()
def a_nic_that_a_macvlan_stands_on_is_in_use(host):
    host.space.links("link add link eno2 name own0 type macvlan mode bridge")
    edges = lambda: [(edge["from"], edge["kind"], edge["to"]) for edge in host.client.call("Host.getTopology")["edges"]]
    wait_until(lambda: ("nic:eno2", "stacked", "nic:own0") in edges(), 10, edges)


@case("ovs")
def a_trunk_is_in_the_networks_of_its_tags_alone(host):
    host.client.setup({"mgmt": {"nic": "eno1", "switch": "ovs"}, "web": {"nic": "eno1", "vlan": 100, "switch": "ovs"}}, confirm=None)
    port = host.client.call("VM.hotplugNic", {"vmId": "a", "nic": {"network": "web", "trunk": "100,200-210", "kind": "tap", "macAddr": "52:54:00:00:0c:01"}})["nic"]["port"]
    plugged = {edge["from"] for edge in host.client.call("Host.getTopology")["edges"] if edge["to"] == f"port:{port}" and edge["kind"] == "plugged"}
    assert plugged == {"network:web"}, plugged


def lldpdu(port, ttl=120, name="leaf-3"):
    def tlv(kind, value):
        return struct.pack("!H", kind << 9 | len(value)) + value
    return (tlv(1, b"\x04\x00\x11\x22\x33\x44\x55") + tlv(2, b"\x05" + port.encode()) + tlv(3, struct.pack("!H", ttl)) + tlv(5, name.encode("latin-1")) + tlv(0, b""))


def say(space, nic, payload):
    """As a switch does: to the nearest bridge."""
    with inside(space.name):
        mouth = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        mouth.bind((nic, 0))
    with mouth:
        mouth.send(bytes.fromhex("0180c200000e020000000001") + b"\x88\xcc" + payload)


def heard(host, nic):
    told = host.client.call("Host.getLldp", {"filter": {"devices": [nic]}})[nic]
    assert told["enabled"], told
    return {tlv["name"]: tlv["properties"] for tlv in told["tlvs"]}


def lldp_is_heard(host, nic, port):
    def is_heard():
        say(host.wire, nic, lldpdu(port))
        return heard(host, nic).get("Port ID", {}).get("port ID") == port
    wait_until(is_heard, 10, lambda: str(heard(host, nic)))


@case()
def lldp_is_heard_on_a_nic_and_below_a_bridge(host):
    host.space.links("link set eno2 up")
    host.client.setup({"web": {"nic": "eno1"}})
    lldp_is_heard(host, "eno1", "Ethernet1/1")
    lldp_is_heard(host, "eno2", "Ethernet1/2")
    assert heard(host, "eno1")["Port ID"]["port ID"] == "Ethernet1/1"
    assert heard(host, "eno1")["System Name"] == {"system name": "leaf-3"}
    assert host.client.call("Host.getLldp", {"filter": {"devices": ["eno3"]}})["eno3"]["tlvs"] == []
    say(host.wire, "eno1", lldpdu("Ethernet1/1", ttl=0))
    wait_until(lambda: heard(host, "eno1") == {}, 10)
    assert heard(host, "eno2")


@case("bond")
def lldp_is_heard_below_a_bond(host):
    host.client.setup({"web": {"bonding": "bond0"}}, {"bond0": {"nics": ["eno1", "eno2"], "options": "mode=1 miimon=100"}})
    lldp_is_heard(host, "eno1", "Ethernet1/1")
    lldp_is_heard(host, "eno2", "Ethernet1/2")


@case("ovs")
def lldp_is_heard_below_open_vswitch(host):
    host.client.setup({"web": {"nic": "eno1", "switch": "ovs"}})
    lldp_is_heard(host, "eno1", "Ethernet1/1")


@case()
def lldp_is_heard_on_a_nic_that_comes_later(host):
    host.space.links("link add eno9 type veth peer name eno9 netns wire", "link set eno9 up")
    host.wire.links("link set eno9 up")
    wait_until(lambda: "eno9" in host.client.call("Host.getLldp"), 10)
    lldp_is_heard(host, "eno9", "Ethernet1/9")
    host.space.links("link delete eno9")
    wait_until(lambda: "eno9" not in host.client.call("Host.getLldp"), 10)


@case()
def lldp_that_is_nonsense_is_counted_and_strange_texts_are_escaped(host):
    host.space.links("link set eno2 up")
    wait_until(lambda: host.space.link("eno2")["operstate"] == "UP", 10)
    for payload in (b"", b"\x00\x00", b"\xff\xff\xff", lldpdu("x")[4:], lldpdu("x")[:-2] + lldpdu("x")):
        say(host.wire, "eno2", payload + bytes(46))
    wait_until(lambda: host.client.call("Host.getStatus")["counters"]["lldpMalformed"] >= 4, 10)
    assert heard(host, "eno2") == {}
    say(host.wire, "eno2", lldpdu("Ethernet1/2", name="<b>\x1b[31m\xff"))
    wait_until(lambda: heard(host, "eno2").get("System Name") == {"system name": "<b>\\x1b[31m\\xff"}, 10, lambda: str(heard(host, "eno2")))


@case("bond")
def lacp_is_told_as_the_kernel_has_it(host):
    events = host.netd.subscribe("bond.")
    lag(host.wire, "lag", ["eno1", "eno2"])
    host.client.setup({"web": {"bonding": "bond0"}}, {"bond0": {"nics": ["eno1", "eno2"], "options": "mode=4 lacp_rate=1 miimon=100"}})
    partner = host.wire.link("lag")["address"]
    wait_until(lambda: capabilities(host)["bondings"]["bond0"].get("ad_partner_mac") == partner, 60, lambda: str(capabilities(host)["bondings"]))
    wait_until(lambda: capabilities(host)["bondings"]["bond0"]["verdict"] == "", 60, lambda: str(capabilities(host)["bondings"]))
    kernels = lambda: [host.space.link("bond0")["linkinfo"]["info_data"]["ad_info"]["aggregator"],
                       *(host.space.link(nic)["linkinfo"]["info_slave_data"]["ad_aggregator_id"] for nic in ("eno1", "eno2"))]
    tolds = lambda told: [told["bondings"]["bond0"]["ad_aggregator_id"], *(told["nics"][nic]["ad_aggregator_id"] for nic in ("eno1", "eno2"))]
    wait_until(lambda: tolds(capabilities(host)) == kernels(), 20, lambda: f"{tolds(capabilities(host))} {kernels()}")   # LACP chooses anew now and then
    told = capabilities(host)
    bond = told["bondings"]["bond0"]
    assert (bond["active_slave"], bond["opts"]) == ("", {"mode": "802.3ad", "lacp_rate": "fast"}), bond   # miimon=100 is what this mode has anyway
    # A port that the aggregator has carries a moment later.
    wait_until(lambda: capabilities(host)["bondings"]["bond0"]["speed"] == int(host.space.run("cat", "/sys/class/net/bond0/speed")) > 0, 20)
    assert "ad_aggregator_id" not in told["nics"]["eno3"]
    assert next_of(events, "bond.lacp", lambda event: event.get("partner") == partner)
    assert host.client.call("Host.getStatus")["bonds"] == {}


@case("bond")
def the_pace_of_a_bond_and_of_its_bridge_is_that_of_the_ports_that_carry(host):
    host.client.setup({"web": {"bonding": "bond0"}}, {"bond0": {"nics": ["eno1", "eno2"], "options": "mode=balance-rr miimon=100 updelay=1000"}})
    kernels = lambda: [int(host.space.run("cat", f"/sys/class/net/{device}/speed")) for device in ("bond0", "web")]
    def tolds():
        stats = host.client.call("Host.getStats")["network"]
        return [capabilities(host)["bondings"]["bond0"]["speed"], *(stats[device]["speed"] for device in ("bond0", "web"))]
    def comes_to(ports):
        speed = ports * int(host.space.run("cat", "/sys/class/net/eno1/speed"))
        wait_until(lambda: kernels() == [speed] * 2 and tolds() == [speed] * 3, 20, lambda: f"{tolds()}, and the kernel {kernels()}")
    comes_to(2)
    host.wire.links("link set eno2 down")
    comes_to(1)
    assert host.client.call("Host.getStatus")["deadPorts"] == {"bond0": ["eno2"]}
    told = host.netd.netctl("status")   # and does not fail
    assert "1 bond with a dead port" in told and "bond0        eno2: no carrier" in told, told
    host.wire.links("link set eno2 up")   # the port has a carrier at once, and the bond takes it for up a second later
    comes_to(2)


@case("bond")
def a_bond_with_fewer_ports_than_it_wants_is_told_in_words(host):
    lag(host.wire, "lag", ["eno1", "eno2"])
    host.client.setup({"web": {"bonding": "bond0"}}, {"bond0": {"nics": ["eno1", "eno2"], "options": "mode=4 lacp_rate=1 miimon=100 min_links=2"}})
    verdict = lambda: capabilities(host)["bondings"]["bond0"]["verdict"]
    wait_until(lambda: host.space.link("bond0")["operstate"] == "UP" and verdict() == "", 60, verdict)
    host.wire.links("link set eno2 down")
    wait_until(lambda: verdict() == "it carries nothing with fewer than min_links=2 ports in one aggregator", 20, verdict)
    assert host.client.call("Host.getStatus")["bonds"] == {"bond0": verdict()}
    host.wire.links("link set eno2 up")
    wait_until(lambda: verdict() == "", 20, verdict)


@case("bond")
def ports_of_two_lags_are_told_in_words(host):
    lag(host.wire, "lag", ["eno1"])
    lag(host.wire, "gal", ["eno2"])
    host.client.setup({"web": {"bonding": "bond0"}}, {"bond0": {"nics": ["eno1", "eno2"], "options": "mode=4 lacp_rate=1 miimon=100"}})
    wait_until(lambda: "the two ports are not in one aggregator" in host.client.call("Host.getStatus")["bonds"].get("bond0", ""), 60,
               lambda: str(host.client.call("Host.getStatus")["bonds"]))
    assert "not in one aggregator" in capabilities(host)["bondings"]["bond0"]["verdict"]
    assert "not in one aggregator" in host.netd.netctl("status", check=False)
    assert "not in one aggregator" in host.netd.netctl("topology", "--problems")
