"""What somebody changes behind netd's back is told, and put right or left, as the configuration says."""

import time

from agree import agree
from client import NoAnswer, says_no
from host import wait_until
from monitor import Monitor
from runner import case

mgmt = {"nic": "eno1", "ipaddr": "192.0.2.10", "prefix": 24, "gateway": "192.0.2.1", "defaultRoute": True}


def drift(host):
    return host.client.call("Host.getDrift")["networks"]


def is_found(host, meddle):
    """Some of it is over within milliseconds, so that a question would come too late."""
    events = host.netd.subscribe("drift.found")
    meddle()
    events.within(20)


def mended(host, patience=10):
    agree(host, patience=patience)


@case()
def it_is_told_with_attribute_wanted_and_found_and_put_right(host):
    host.client.setup({"ovirtmgmt": mgmt, "web": {"nic": "eno2"}})
    events = host.netd.subscribe("drift.")
    host.space.links("link set web mtu 1400")
    topic, found = events.next()
    assert (topic, found["network"], found["subject"], found["attribute"], found["wanted"], found["found"]) == \
        ("drift.found", "web", "web", "mtu", "1500", "1400"), found
    topic, repaired = events.next()
    assert topic == "drift.repaired" and repaired["attribute"] == "mtu", (topic, repaired)
    assert host.space.link("web")["mtu"] == 1500
    for meddled in ("link delete web", "link set eno2 nomaster", "addr flush dev ovirtmgmt", "route del default"):
        host.space.links(meddled)
        while events.next(meddled)[0] != "drift.found":   # of the one before, that it is repaired may still be on its way
            pass
        mended(host)


@case()
def of_a_bridge_that_is_deleted_it_is_told_that_it_is_gone(host):
    host.client.setup({"web": {"nic": "eno2"}})
    for _ in range(4):
        events = host.netd.subscribe("drift.")
        host.space.links("link delete web")
        # Its ports leave it first, of which the kernel tells by itself.
        seen = events.until(lambda seen: any(topic == "drift.repaired" for topic, _ in seen))
        assert ("drift.found", "web", "presence") in [(topic, told["subject"], told["attribute"]) for topic, told in seen], seen
        mended(host)


@case(kinds=("legacy", "vlan-aware", "ovs"))
def the_kernels_own_route_to_a_subnet_comes_back(host):
    both = {**mgmt, "ipv6addr": "2001:db8::10/64", "ipv6gateway": "2001:db8::1"}
    host.client.setup({"ovirtmgmt": {**both, "switch": host.kind}})
    events = host.netd.subscribe("drift.")
    for words, family in (("192.0.2.0/24 dev ovirtmgmt", "-4"), ("2001:db8::/64 dev ovirtmgmt", "-6")):
        # Without its flags: a device that has just come up has no carrier yet.
        route = lambda: [{**one, "flags": []} for one in host.space.ip(family, "route", "show", words.split()[0])]
        before = route()
        host.space.run("ip", family, "route", "del", *words.split())
        topic, found = events.next()
        assert (topic, found["subject"], found["attribute"]) == ("drift.found", "ovirtmgmt", "routed"), found
        mended(host)
        assert route() == before, (route(), before)
        while events.next()[0] != "drift.repaired":
            pass


@case("ovs", words=("--drift", "report"))
def what_differs_is_told_once_and_in_words_that_differ(host):
    host.client.setup({"web": {"nic": "eno1"}}, confirm=None)
    host.client.setup({"sdn": {"nic": "eno2", "switch": "ovs"}}, confirm=None)
    host.space.links("link set eno1 nomaster")
    host.ovs.vsctl("del-port", "sdn")
    host.space.run("sysctl", "-qw", "net.ipv4.conf.web.forwarding=1")
    def told():
        return [(one["subject"], one["attribute"]) for network in host.client.call("Host.getDrift")["networks"].values() for one in network]
    wait_until(lambda: ("web", "stack.forwarding") in told() and ("sdn", "presence") in told(), 20, told)
    assert sorted(told()) == [("eno1", "master.of"), ("sdn", "presence"), ("web", "stack.forwarding")], told()
    for one in host.client.call("Host.getDrift")["networks"]["web"]:
        assert one["wanted"] != one["found"] and one["found"] != "none" or one["attribute"] == "master.of", one


@case()
def settings_that_the_kernel_reports_to_nobody_are_looked_at_in_turn(host):
    host.client.setup({"web": {"nic": "eno1"}, "ovirtmgmt": {"nic": "eno2", "ipaddr": "192.0.2.10", "prefix": 24}}, confirm=None)
    events = host.netd.subscribe("drift.")
    for setting, value, attribute in (("ipv4/conf/ovirtmgmt/arp_ignore", 0, "stack.arp_strict"), ("ipv6/conf/eno1/disable_ipv6", 0, "stack.ipv6"),
                                      ("ipv4/conf/eno1/arp_ignore", 0, "stack.arp_strict")):
        file = f"/proc/sys/net/{setting}"
        before = host.space.run("cat", file)
        host.space.run("sh", "-c", f"echo {value} > {file}")
        topic, found = events.next(setting)
        assert topic == "drift.found" and found["attribute"] == attribute, found
        wait_until(lambda: host.space.run("cat", file) == before, 20, f"{setting} stays")
        mended(host)
        while events.next()[0] != "drift.repaired":
            pass


@case()
def a_ports_flags_are_as_the_kernel_makes_them(host):
    host.client.setup({"web": {"nic": "eno1", "switch": host.kind or "legacy"}})
    host.add_space("a")
    port = host.client.call("VM.hotplugNic", {"vmId": "a", "nic": {"network": "web", "kind": "netns"}})["nic"]["port"]
    events = host.netd.subscribe("drift.")
    for device in (port, "eno1"):
        for flags, found in (("hairpin on", "hairpin on"), ("bcast_flood off", "bcast_flood off"), ("learning off flood off", "learning off, flood off")):
            host.space.run("bridge", "link", "set", "dev", device, *flags.split())
            while (told := events.next(flags))[1]["found"] != found:
                pass
            assert told[0] == "drift.found" and (told[1]["subject"], told[1]["attribute"]) == (device, "flags"), told
            mended(host)
            assert not [flag for flag in ("hairpin",) if host.space.link(device)["linkinfo"]["info_slave_data"][flag]]
    flooded = host.space.link(port)["linkinfo"]["info_slave_data"]
    assert flooded["bcast_flood"] and flooded["learning"] and flooded["flood"], flooded


@case(kinds=("legacy", "vlan-aware", "ovs"))
def with_tags_and_a_guest(host):
    kind = {"switch": host.kind}
    host.client.setup({"web": {"nic": "eno1", "vlan": 100, "ipaddr": "10.0.0.1", "prefix": 24, **kind}, "db": {"nic": "eno1", "vlan": 200, **kind}})
    host.add_space("a")
    port = host.client.call("VM.hotplugNic", {"vmId": "a", "nic": {"network": "web", "kind": "netns"}})["nic"]["port"]
    agree(host)
    bridge = {"legacy": "web", "vlan-aware": "vb-eno1"}.get(host.kind)
    meddled = [["link", "set", port, "nomaster"], ["link", "set", port, "address", "02:aa:00:00:00:01"], ["link", "set", "eno1", "mtu", "1400"], ["link", "delete", bridge]]
    if host.kind == "ovs":
        meddled = [["del-port", port], ["set", "port", port, "tag=7"], ["set", "bridge", "ovs-eno1", "protocols=OpenFlow13"], ["set", "bridge", "ovs-eno1", "rstp_enable=true"], ["set", "interface", port, "mtu_request=700"],
                   ["set-fail-mode", "ovs-eno1", "secure"], ["set-controller", "ovs-eno1", "tcp:127.0.0.1:1"], ["del-br", "ovs-eno1"]]
    if host.kind == "vlan-aware":
        host.space.run("bridge", "vlan", "del", "dev", port, "vid", "100")
        mended(host)
        for harm in ("vlan_filtering 0", "vlan_protocol 802.1ad"):
            is_found(host, lambda: host.space.links(f"link set vb-eno1 type bridge {harm}"))
            mended(host)
    for words in meddled:
        is_found(host, lambda: host.ovs.vsctl(*words) if host.kind == "ovs" else host.space.links(" ".join(words)))
        mended(host, 20)


@case(words=("--drift", "report"))
def told_and_left_where_the_configuration_says_so(host):
    host.client.setup({"web": {"nic": "eno2"}})
    events = host.netd.subscribe("drift.")
    host.space.links("link delete web")
    assert events.next()[0] == "drift.found"
    monitor = Monitor(host)
    monitor.settle(2)   # a port that has lost its bridge has something to say of it
    assert not (written := monitor.written(1.5)), written
    assert drift(host)["web"] and host.client.call("Host.getStatus")["drift"] == {"policy": "report", "contested": []}
    assert host.client.setup({"web": {"nic": "eno2"}})["changed"]
    agree(host)


@case(words=("--drift", "report"))
def told_and_left_while_a_change_waits_too(host):
    host.client.setup({"web": {"nic": "eno2"}})
    events = host.netd.subscribe("drift.")
    number = host.client.send("Host.setupNetworks", {"networks": {"lan": {}}, "options": {"connectivityTimeout": 200}})
    with host.netd.client() as other:
        wait_until(lambda: other.call("Host.getStatus")["transaction"])
        host.space.links("link delete web")
        assert events.next()[0] == "drift.found"
        assert other.call("Host.getDrift")["networks"]["web"] and host.space.link("web") is None
        other.call("Host.rollback")
    says_no(lambda: host.client.receive(number))
    assert host.space.link("web") is None and drift(host)["web"]


@case(words=("--drift", "report"))
def what_is_found_otherwise_is_not_repaired(host):
    host.client.setup({"web": {"nic": "eno2"}})
    events = host.netd.subscribe("drift.")
    for mtu in ("1400", "1300"):
        host.space.links(f"link set web mtu {mtu}")
        topic, told = events.next()
        assert (topic, told["attribute"], told["found"]) == ("drift.found", "mtu", mtu), (topic, told)
    assert events.within(0.6) is None
    host.space.links("link set web mtu 1500")
    topic, told = events.next()
    assert (topic, told["attribute"], told["found"]) == ("drift.repaired", "mtu", "1300"), (topic, told)
    assert events.within(0.6) is None


@case()
def what_others_add_is_no_drift_and_stays(host):
    host.client.setup({"ovirtmgmt": mgmt})
    host.space.links("tuntap add mode tap name foreign0", "link set foreign0 master ovirtmgmt", "addr add 198.51.100.7/24 dev ovirtmgmt",
                     "route add 203.0.113.0/24 via 198.51.100.1 dev ovirtmgmt")
    time.sleep(1)
    assert not drift(host)
    host.client.setup({"ovirtmgmt": dict(mgmt, ipaddr="192.0.2.11", mtu=1400)})
    addresses = {one["local"] for one in host.space.ip("-4", "addr", "show", "dev", "ovirtmgmt")[0]["addr_info"]}
    assert addresses == {"192.0.2.11", "198.51.100.7"} and host.space.link("foreign0")["master"] == "ovirtmgmt", addresses
    assert host.space.ip("route", "show", "203.0.113.0/24")
    assert not drift(host)


@case()
def who_undoes_it_each_time_is_left_in_peace(host):
    host.client.setup({"web": {"nic": "eno2"}, "lan": {}})
    events = host.netd.subscribe("drift.contested")
    meddling, told, contested = 0, None, lambda: host.client.call("Host.getStatus")["drift"]["contested"]
    begun, is_slow = time.monotonic(), lambda: time.monotonic() - begun > 60   # tries are counted a minute: the machine may stand still meanwhile
    while not told:
        assert meddling < 8 or is_slow() and meddling < 40, "it goes on for ever"
        meddling += 1
        host.space.links("link set web mtu 1400")
        wait_until(lambda: host.space.link("web")["mtu"] == 1500 or contested(), 20)
        told = events.within(20 if contested() else 0.05)
    assert (meddling == 6 or is_slow()) and told[1]["network"] == "web", (meddling, told)
    assert contested() == ["web"]
    assert host.space.link("web")["mtu"] == 1400
    # Others are mended all the same, and this one as soon as somebody says so.
    host.space.links("link delete lan")
    wait_until(lambda: host.space.link("lan"), 10)
    host.client.setup({"web": {"nic": "eno2"}})
    wait_until(lambda: contested() == [], 5)
    agree(host)


@case()
def also_while_a_change_waits_for_its_confirmation(host):
    host.client.setup({"web": {"nic": "eno2"}, "lan": {}})
    events = host.netd.subscribe("drift.")
    number = host.client.send("Host.setupNetworks", {"networks": {"web": {"nic": "eno2", "mtu": 9000}}, "options": {"connectivityTimeout": 200}})
    with host.netd.client() as other:
        status = wait_until(lambda: (told := other.call("Host.getStatus"))["transaction"] and told, 10)
        # What is told is what stands.
        running = other.call("Host.getRunningConfig")
        assert running["networks"]["web"]["mtu"] == 9000 and running["transaction"] == status["transaction"]["id"], running
        assert other.call("Host.getNetworkCapabilities")["networks"]["web"]["inSync"] is True
        assert not any(other.call("Host.getDrift").values()) and status["netConfigDirty"]
        # What the change made, what it left, and what it is not about.
        # One that is deleted is down first, and on a busy machine for long enough to be told.
        for meddled, network, attributes in (("link set web mtu 1400", "web", ("mtu",)), ("link set eno2 nomaster", "web", ("master.of",)), ("link delete lan", "lan", ("presence", "up"))):
            host.space.links(meddled)
            told_of = lambda seen: [topic for topic, told in seen if told["network"] == network and told["attribute"] in attributes]
            seen = events.until(lambda seen: "drift.repaired" in told_of(seen))
            assert {*told_of(seen)} == {"drift.found", "drift.repaired"}, seen
            mended(host)
        assert host.space.link("web")["mtu"] == 9000
        still = other.call("Host.getStatus")["transaction"]
        assert still["id"] == status["transaction"]["id"] and still["secondsLeft"] < status["transaction"]["secondsLeft"], still
        other.call("Host.confirmConnectivity")
    try:
        host.client.receive(number)
    except NoAnswer as silence:
        raise AssertionError("not confirmed") from silence
    agree(host)


@case(words=("--carrier-grace", "5"))
def a_network_without_carrier_for_longer_than_the_grace_time(host):
    host.client.setup({"web": {"nic": "eno2"}, "lan": {}})
    wait_until(lambda: host.space.link("eno2")["operstate"] == "UP")
    events = host.netd.subscribe("network.")
    events.all()
    for _ in range(5):   # once more, where the machine stood still meanwhile
        begun = time.monotonic()
        host.wire.links("link set eno2 down")
        time.sleep(0.5)
        host.wire.links("link set eno2 up")
        told, is_short = events.all(6), time.monotonic() - begun < 9
        if is_short or all(topic != "network.down" for topic, _ in told):
            break
    assert all(topic != "network.down" for topic, _ in told), "a moment is not long"
    host.wire.links("link set eno2 down")
    topic, told = next(event for event in iter(events.next, None) if event[0] == "network.down")
    assert told["subject"] == "web" and told["device"] == "eno2" and told["why"] == "no carrier", told
    assert host.client.call("Host.getStatus")["down"] == ["web"]
    assert "network web is down: eno2: no carrier, for" in host.netd.log.read_text()
    host.wire.links("link set eno2 up")
    assert next(event for event in iter(events.next, None) if event[0] == "network.up")[1]["subject"] == "web"
    assert host.client.call("Host.getStatus")["down"] == []
    assert "network web is up again" in host.netd.log.read_text()
