// Neighbours and routers are told of what is new on the wire, once, and when it is there.
#include "netd/observe/greetings.hpp"
#include "tests/netd/host_house.hpp"

#include <functional>

namespace greetings_test {

using observe::Greeting;
using observe::Greetings;
using told::House;
using told::json;
using told::name;

namespace {

topology::IpAddress ip(const char* text) { return *topology::IpAddress::parse(text); }
topology::Subnet net(const char* text) { return *topology::Subnet::parse(text); }

// Of the host in memory, with what only a kernel tells.
void tell(House& house, const char* device, const std::function<void(bridges::Link&)>& what) {
    bridges::Link link = house.link(device);
    what(link);
    house.now.observed.kernel.links.put(link);
}

Greeting by(const House& house, const char* device, std::set<topology::IpAddress> addresses, bool asks_routers = false) {
    return {house.link(device).facts.index, *house.link(device).mac, std::move(addresses), asks_routers};
}

json on(const char* nic, const char* address) { return {{"nic", nic}, {"ipaddr", address}, {"prefix", 24}, {"ipv6addr", "2001:db8::5/64"}}; }

}  // namespace

TEST_CASE("what a change puts on a wire is announced there, and what stays is not", "[greetings]") {
    House house{"eth0", "eth1"};
    Greetings greetings;
    house.define({{"networks", {{"a", on("eth0", "192.0.2.5")}, {"lan", {{"nic", "eth1"}, {"vlan", 7}}}}}});
    REQUIRE(greetings.look(house.now) == std::vector{by(house, "a", {ip("192.0.2.5"), ip("2001:db8::5")})});
    REQUIRE(greetings.look(house.now).empty());
    house.define({{"networks", {{"a", on("eth0", "192.0.2.6")}}}});
    REQUIRE(greetings.look(house.now) == std::vector{by(house, "a", {ip("192.0.2.6")})});
    house.define({{"networks", {{"a", on("eth1", "192.0.2.6")}}}});
    REQUIRE(greetings.look(house.now) == std::vector{by(house, "a", {ip("192.0.2.6"), ip("2001:db8::5")})});
    house.define({{"networks", {{"a", {{"remove", true}}}}}});
    REQUIRE(greetings.look(house.now).empty());
}

TEST_CASE("networks that swap their devices are both announced", "[greetings]") {
    House house{"eth0", "eth1"};
    Greetings greetings;
    const auto define = [&](const char* a, const char* b) {
        house.define({{"networks", {{"a", {{"nic", a}, {"bridged", false}, {"ipaddr", "192.0.2.5"}, {"prefix", 24}}}, {"b", {{"nic", b}, {"bridged", false}, {"ipaddr", "198.51.100.5"}, {"prefix", 24}}}}}});
    };
    define("eth0", "eth1");
    greetings.look(house.now);
    define("eth1", "eth0");
    REQUIRE(greetings.look(house.now) == std::vector{by(house, "eth0", {ip("198.51.100.5")}), by(house, "eth1", {ip("192.0.2.5")})});
}

TEST_CASE("what is not on the wire yet is announced when it is", "[greetings]") {
    House house{"eth0"};
    Greetings greetings;
    house.define({{"networks", {{"a", on("eth0", "192.0.2.5")}}}});
    tell(house, "eth0", [](auto& link) { link.facts.carrier = false; });
    tell(house, "a", [](auto& link) { link.facts.rare.edit().tentative = {net("2001:db8::5/64")}; });
    REQUIRE(greetings.look(house.now).empty());
    tell(house, "eth0", [](auto& link) { link.facts.carrier = true; });
    REQUIRE(greetings.look(house.now) == std::vector{by(house, "a", {ip("192.0.2.5")})});
    tell(house, "a", [](auto& link) { link.facts.rare.edit().tentative.clear(); });
    REQUIRE(greetings.look(house.now) == std::vector{by(house, "a", {ip("2001:db8::5")})});
    REQUIRE(greetings.look(house.now).empty());
}

TEST_CASE("routers are asked where a NIC that is let go hears them again", "[greetings]") {
    House house{"eth0"};
    Greetings greetings;
    house.define({{"networks", {{"a", {{"nic", "eth0"}, {"bridged", false}, {"ipv6addr", "2001:db8::5/64"}}}}}});
    tell(house, "eth0", [](auto& link) { link.facts.rare.edit().tentative = {net("2001:db8::5/64")}; });
    REQUIRE(greetings.look(house.now).empty());
    house.define({{"networks", {{"a", {{"remove", true}}}}}});
    const auto hears = [&](bool whether) { tell(house, "eth0", [&](auto& link) { link.up = true, link.stack = bridges::HostStack{.ipv6 = true, .hears_routers = whether, .ra_gateway = whether}; }); };
    hears(false);
    REQUIRE(greetings.look(house.now).empty());
    hears(true);
    REQUIRE(greetings.look(house.now) == std::vector{by(house, "eth0", {}, true)});
    REQUIRE(greetings.look(house.now).empty());
}

TEST_CASE("routers are asked where the host begins to listen to them, and to leave by them", "[greetings]") {
    House house{"eth0"};
    Greetings greetings;
    house.define({{"networks", {{"a", {{"nic", "eth0"}, {"ipv6addr", "2001:db8::5/64"}}}}}});
    REQUIRE_FALSE(greetings.look(house.now).front().asks_routers);
    house.define({{"networks", {{"a", {{"nic", "eth0"}, {"ipv6autoconf", true}}}}}});
    REQUIRE(greetings.look(house.now) == std::vector{by(house, "a", {}, true)});
    house.define({{"networks", {{"a", {{"nic", "eth0"}, {"ipv6autoconf", true}, {"defaultRoute", true}}}}}});
    REQUIRE(greetings.look(house.now) == std::vector{by(house, "a", {}, true)});
    REQUIRE(greetings.look(house.now).empty());
    // netd itself has to know them from then on.
    house.define({{"networks", {{"a", {{"nic", "eth0"}, {"ipv6autoconf", true}}}}}});
    REQUIRE(greetings.look(house.now) == std::vector{by(house, "a", {}, true)});
    REQUIRE(greetings.look(house.now).empty());
}

TEST_CASE("routers are asked again where the kernel has dropped what they said, as somebody had a device forward", "[greetings]") {
    House house{"eth0", "eth1"};
    Greetings greetings;
    house.define({{"networks", {{"a", {{"nic", "eth0"}, {"ipv6autoconf", true}, {"defaultRoute", true}}}, {"b", on("eth1", "192.0.2.5")}}}});
    greetings.look(house.now);
    const auto forwards = [&](const char* device, std::optional<bool> whether) { tell(house, device, [&](auto& link) { link.stack->forwarding = whether; }); };

    // All of them, in IPv6 alone: no answer is heeded before netd has undone it.
    for (const char* device : {"a", "b", "eth1"}) forwards(device, std::nullopt);
    REQUIRE(greetings.look(house.now).empty());
    forwards("b", false);
    REQUIRE(greetings.look(house.now).empty());
    forwards("a", false);
    REQUIRE(greetings.look(house.now) == std::vector{by(house, "a", {}, true)});
    REQUIRE(greetings.look(house.now).empty());
    forwards("eth1", false);
    REQUIRE(greetings.look(house.now).empty());

    // Another one alone: it is dropped everywhere.
    forwards("eth1", true);
    REQUIRE(greetings.look(house.now) == std::vector{by(house, "a", {}, true)});
    forwards("eth1", std::nullopt);
    REQUIRE(greetings.look(house.now).empty());
    forwards("eth1", true);  // and where IPv4 was forwarded before
    REQUIRE(greetings.look(house.now) == std::vector{by(house, "a", {}, true)});
    // One that comes so has dropped nothing.
    bridges::Link other = house.link("eth1");
    other.name = name("virbr0");
    other.facts.index += 100;
    house.now.observed.kernel.links.put(other);
    REQUIRE(greetings.look(house.now).empty());
}

}  // namespace greetings_test
