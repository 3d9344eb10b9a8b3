"""What neighbours and routers on the wire hear of the host when its addresses move, and what the host hears of them."""

from agree import agree
from host import wait_until
from runner import case


@case(words=("--drift", "report"))
def an_address_that_another_host_has_is_told(host):
    host.wire.links("addr add 2001:db8:1::5/64 dev eno1 nodad")
    of = {"nic": "eno1", "ipv6addr": "2001:db8:1::5/64", "addresses": ["2001:db8:1::6/64"]}
    events = host.netd.subscribe("drift.found")
    host.client.setup({"web": of})
    found = events.next()[1]
    assert (found["network"], found["attribute"]) == ("web", "addresses") and "2001:db8:1::5/64 is another host's" in found["found"], found
    told = host.client.call("Host.getNetworkCapabilities")["networks"]["web"]
    assert (told["ipv6addrs"], told["inSync"]) == (["2001:db8:1::6/64"], False), told
    # When the other one is gone the same request puts it right.
    host.wire.links("addr del 2001:db8:1::5/64 dev eno1")
    host.client.setup({"web": of})
    is_had = lambda: not any(one.get("tentative") or one.get("dadfailed") for link in host.space.ip("-6", "addr", "show", "dev", "web") for one in link["addr_info"])
    wait_until(is_had, 20)
    wait_until(lambda: not host.client.call("Host.getDrift")["networks"], 10, lambda: host.client.call("Host.getDrift"))
    agree(host)
    # And what is not its own any more goes with the network.
    host.client.setup({"web": {"remove": True}})
    agree(host)


@case()
def an_address_with_a_term_and_one_without_its_route_are_taken_over_for_good(host):
    host.space.links("link set eno1 up", "addr add 192.0.2.5/24 dev eno1 valid_lft 3600 preferred_lft 3600", "addr add 198.51.100.5/24 dev eno1 noprefixroute", "addr add 2001:db8:1::5/64 dev eno1 nodad noprefixroute",
                     "addr add 203.0.113.9/24 dev eno1 noprefixroute", "route add 203.0.113.0/24 dev eno1 proto kernel scope link src 203.0.113.9 metric 100")
    host.client.setup({"web": {"nic": "eno1", "bridged": False, "ipaddr": "192.0.2.5", "prefix": 24, "addresses": ["198.51.100.5/24", "203.0.113.9/24"], "ipv6addr": "2001:db8:1::5/64"}})
    terms = {one["local"]: one["valid_life_time"] for one in host.space.ip("-4", "addr", "show", "dev", "eno1")[0]["addr_info"]}
    assert set(terms.values()) == {2 ** 32 - 1}, terms
    ways = sorted((one["dst"], one.get("metric", 0)) for family in ("-4", "-6") for one in host.space.ip(family, "route", "show", "dev", "eno1") if not one["dst"].startswith("fe80"))
    assert ways == [("192.0.2.0/24", 0), ("198.51.100.0/24", 0), ("2001:db8:1::/64", 256), ("203.0.113.0/24", 100)], ways
    agree(host)
    host.client.setup({"web": {"remove": True}})
    left = [one["dst"] for family in ("-4", "-6") for one in host.space.ip(family, "route", "show", "dev", "eno1") if not one["dst"].startswith("fe80")]
    assert not left, left
    agree(host)
