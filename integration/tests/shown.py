"""What people and engines see: events, statistics, topology, and netctl on top of them."""

import json
import time

from client import RpcError
from frames import Wire, shout
from host import wait_until
from runner import case


@case()
def events_tell_of_a_change_without_a_hole(host):
    events = host.netd.subscribe()
    host.client.setup({"lan": {}})
    host.client.setup({"lan": {"remove": True}})
    topics_of = lambda told: [topic for topic, _ in told]
    told = events.until(lambda told: topics_of(told).count("transaction.committed") == 2 and "network.changed" in topics_of(told))
    topics = topics_of(told)
    assert "transaction.begun" in topics and "transaction.committed" in topics and "network.changed" in topics, topics
    numbers = [event["seq"] for _, event in told]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), numbers


@case()
def what_is_begun_has_an_end_of_the_same_number(host):
    events = host.netd.subscribe("transaction.")
    told = []

    def ended(what):
        told.append(events.until(lambda seen: seen and seen[-1][0] not in ("transaction.begun", "transaction.waiting")))
        topics, numbers = [topic.split(".")[1] for topic, _ in told[-1]], {event["transaction"] for _, event in told[-1]}
        assert topics == what and len(numbers) == 1 and None not in numbers, told[-1]
        assert host.client.call("Host.getStatus")["last"]["transaction"] in numbers, told[-1]
    lan = {"lan": {"mtu": 1400}}
    host.client.setup(lan, confirm=None)
    host.client.setup(lan, confirm=None)  # is as it was: nothing is begun
    ended(["begun", "committed"])
    nic = {"kind": "tap", "network": "lan", "macAddr": "56:6f:00:00:00:02"}
    for _ in range(2):
        host.client.call("VM.hotplugNic", {"vmId": "vm1", "nic": nic})
    ended(["begun", "committed"])
    for _ in range(2):
        host.client.call("VM.hotunplugNic", {"vmId": "vm1", "nic": {"macAddr": nic["macAddr"]}})
    ended(["begun", "committed"])
    no_way = {"web": {"nic": "eno1", "ipv6autoconf": True, "routes": [{"to": "2001:db8:9::/48", "via": "2001:db8:8::1"}]}}   # only the kernel knows
    for networks, options, topics in (({"lan": {"mtu": 1300}}, {"confirm": False, "connectivityTimeout": 1}, ["begun", "waiting", "rolled-back"]),
                                      (no_way, {"confirm": None}, ["begun", "rolled-back"])):
        try:
            host.client.setup(networks, **options)
            raise AssertionError("not refused")
        except RpcError:
            ended(topics)


@case()
def a_link_that_goes_down_is_told_at_once(host):
    host.client.setup({"web": {"nic": "eno1"}})
    events = host.netd.subscribe("nic.")
    host.wire.links("link set eno1 down")
    events.next()
    wait_until(lambda: any(node["id"].endswith("eno1") and node["state"] != "up" for node in host.client.call("Host.getTopology")["nodes"] if node["kind"] == "nic"), 5)


@case()
def statistics_are_the_kernels_own(host):
    host.client.setup({"web": {"nic": "eno1"}})
    wire, ear = host.later(Wire("wire", "eno1")), host.later(Wire("host", "web"))
    for _ in range(5):
        assert shout(wire, "02:00:00:00:00:01", [ear], expected=[ear])
    kernel = lambda: host.space.link("eno1")["stats64"]["rx"]["packets"]
    before = kernel()
    told = host.client.call("Host.getNetworkStatistics")
    assert 5 <= before <= int(told["network"]["eno1"]["rxPackets"]) <= kernel(), (before, told["network"]["eno1"])


@case()
def netctl_shows_and_changes(host):
    netd, file = host.netd, host.folder / "networks.yaml"
    file.write_text("networks:\n  lan: {}\n  web:\n    nic: eno2\n")
    assert "lan" in netd.netctl("plan", "-f", file)
    netd.netctl("apply", "-f", file, "--yes")
    assert "web" in netd.netctl("networks") and "eno2" in netd.netctl("links") and "lan" in netd.netctl("topology")
    netd.netctl("diff", check=False)
    assert json.loads(netd.netctl("--json", "status"))
    links = netd.netctl("links").splitlines()
    assert links[0].split()[5:7] == ["ON", "VLAN"] and all(len(line.split()) == len(links[0].split()) for line in links), links
    assert "libvirt      not wanted" in netd.netctl("status"), "this netd was told so"
    netd.netctl("commit")
    host.add_space("a")
    port = netd.netctl("plug", "a", "lan", "--kind", "netns").strip()
    assert host.space.link(port)["master"] == "lan" and "a" in netd.netctl("vm")
    assert "not all committed" not in netd.netctl("status") and not host.client.call("Host.getStatus")["netConfigDirty"], "guests' NICs are never committed"


@case()
def netctl_tries_and_takes_back(host):
    file = host.folder / "networks.yaml"
    file.write_text("networks:\n  lan: {}\n")
    begun = time.monotonic()
    host.netd.netctl("try", "-f", file, "--confirm-within", "200s", "--", "false", check=False)
    assert host.space.link("lan") is None and time.monotonic() - begun < 100, "a command that failed waits for the end of the time"
    host.netd.netctl("try", "-f", file, "--confirm-within", "60s", "--", "true")
    assert host.space.link("lan")


def held_up_by_a_guest(host, kind):
    host.client.setup({"web": {"nic": "eno2", "switch": kind, "ipaddr": "192.0.2.10", "prefix": 24}, "lan": {"switch": kind, "ipaddr": "198.51.100.10", "prefix": 24}})
    for guest, network in (("a", "web"), ("b", "lan")):
        host.add_space(guest)
        host.client.call("VM.hotplugNic", {"vmId": guest, "nic": {"network": network, "kind": "netns"}})
        host.spaces[guest].links("link set eth0 up")
    node = lambda name: next((one for one in host.client.call("Host.getTopology")["nodes"] if one["id"] == name), {}).get("state")
    state = lambda network: json.loads(host.netd.netctl("--json", "networks", network))[0]["operstate"]
    wait_until(lambda: node("network:web") == "up" == node("network:lan"), 10)
    assert "web" not in host.netd.netctl("topology", "--problems") and state("web") == "UP"
    host.wire.links("link set eno2 down")
    wait_until(lambda: node("network:web") == "no-carrier", 10)
    problems = host.netd.netctl("topology", "--problems")
    assert "web" in problems and "no carrier" in problems and "unused" not in problems and "lan" not in problems, problems
    assert host.space.link("web")["operstate"] != "DOWN" and state("web") != "UP" == state("lan"), state("web")
    host.space.links("link delete eno2")
    wait_until(lambda: node("nic:eno2") == "missing", 10)
    problems = host.netd.netctl("topology", "--problems")
    assert "eno2 ─ missing" in problems and "web" in problems and "NICs" not in problems and node("network:web") != "up", problems


@case()
def a_network_that_a_guest_holds_up_without_a_wire_is_told_to_have_none(host):
    held_up_by_a_guest(host, "legacy")


@case(kinds=("ovs",))
def so_is_one_on_open_vswitch_which_holds_itself_up(host):
    held_up_by_a_guest(host, "ovs")
