"""What neighbours and routers on the wire hear of the host when its addresses move, and what the host hears of them."""

from agree import agree
from runner import case


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
