// IP addresses and subnets: canonical in, canonical out, and nothing that two programs could read differently.
#include "topology/numbers.hpp"

#include "topology/host_address.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace addresses_test {

using namespace topology;
using namespace std::string_literals;

namespace {

IpAddress ip(const char* text) { return *IpAddress::parse(text); }
Subnet subnet(const char* text) { return *Subnet::parse(text); }

}  // namespace

TEST_CASE("an address is told in its canonical text") {
    REQUIRE(ip("192.0.2.10").text() == "192.0.2.10");
    REQUIRE(ip("2001:DB8:0:0:0:0:0:10").text() == "2001:db8::10");
    REQUIRE(ip("::").text() == "::");
    REQUIRE(ip("::ffff:192.0.2.1").is_v6());
    REQUIRE(ip("192.0.2.10").size() == 4);
    REQUIRE(ip("::1").size() == 16);
    REQUIRE(IpAddress::v4({192, 0, 2, 10}) == ip("192.0.2.10"));
    REQUIRE_FALSE(ip("0.0.0.0") == ip("::"));
}

TEST_CASE("half an address, a strange notation or a zone is refused") {
    const auto text = GENERATE(""s, "192.0.2"s, "192.0.2.256"s, "192.0.2.010"s, "0xc0.0.2.1"s, "3221225994"s, " 192.0.2.1"s,
                               "192.0.2.1 "s, "192.0.2.1\0x"s, "192.0.2.1/24"s, "2001:db8:::1"s, "1:2:3:4:5:6:7:8:9"s,
                               "fe80::1%eth0"s, "[::1]"s, "localhost"s);
    CAPTURE(text);
    REQUIRE_FALSE(IpAddress::parse(text));
    REQUIRE(IpAddress::parse(text).error().what == "an address is written as 192.0.2.10 or 2001:db8::10");
}

TEST_CASE("link-local and unspecified addresses are known as such") {
    for (const auto* text : {"169.254.0.1", "fe80::1", "febf::1"}) REQUIRE(ip(text).is_link_local());
    for (const auto* text : {"169.253.0.1", "192.0.2.1", "fec0::1", "fe7f::1", "::"})
        REQUIRE_FALSE(ip(text).is_link_local());
    for (const auto* text : {"0.0.0.0", "::"}) REQUIRE(ip(text).is_unspecified());
    for (const auto* text : {"0.0.0.1", "::1"}) REQUIRE_FALSE(ip(text).is_unspecified());
}

TEST_CASE("a subnet keeps its host bits until it is asked for the network") {
    REQUIRE(subnet("192.0.2.10/24").text() == "192.0.2.10/24");
    REQUIRE(subnet("192.0.2.10/24").network() == subnet("192.0.2.0/24"));
    REQUIRE(subnet("192.0.2.255/25").network().text() == "192.0.2.128/25");
    REQUIRE(subnet("192.0.2.1/32").network() == subnet("192.0.2.1/32"));
    REQUIRE(subnet("192.0.2.1/0").network().text() == "0.0.0.0/0");
    REQUIRE(subnet("2001:db8::ffff/121").network().text() == "2001:db8::ff80/121");
    REQUIRE(subnet("2001:DB8::1/64").network().text() == "2001:db8::/64");
}

TEST_CASE("a subnet contains its own and no others") {
    REQUIRE(subnet("192.0.2.10/24").contains(ip("192.0.2.255")));
    REQUIRE(subnet("192.0.2.10/31").contains(ip("192.0.2.11")));
    REQUIRE(subnet("0.0.0.0/0").contains(ip("203.0.113.1")));
    REQUIRE(subnet("2001:db8::/64").contains(ip("2001:db8::ffff")));
    REQUIRE_FALSE(subnet("192.0.2.10/24").contains(ip("192.0.3.1")));
    REQUIRE_FALSE(subnet("192.0.2.10/31").contains(ip("192.0.2.12")));
    REQUIRE_FALSE(subnet("192.0.2.10/32").contains(ip("192.0.2.11")));
    REQUIRE_FALSE(subnet("0.0.0.0/0").contains(ip("::1")));
    REQUIRE_FALSE(subnet("2001:db8::/64").contains(ip("2001:db8:0:1::1")));
}

TEST_CASE("some addresses are no host's, and it is said why") {
    const auto unfit = GENERATE("0.0.0.0/24", "0.1.2.3/24", "127.0.0.1/8", "224.0.0.1/24", "255.255.255.255/24", "192.0.2.0/24", "192.0.2.255/24",
                                "192.0.2.3/30", "192.0.2.1/0", "::/64", "::1/128", "ff02::1/64", "2001:db8::1/0");
    CAPTURE(unfit);
    REQUIRE_FALSE(topology::unfit_for_a_host(subnet(unfit)).empty());
    for (const char* fit : {"192.0.2.1/24", "192.0.2.254/24", "192.0.2.0/31", "192.0.2.1/31", "192.0.2.0/32", "192.0.2.255/22", "2001:db8::/64", "fe80::1/64", "::2/64"})
        REQUIRE(topology::unfit_for_a_host(subnet(fit)).empty());
}

TEST_CASE("an address without a length, or with an impossible one, is no subnet") {
    const auto text = GENERATE("192.0.2.1", "192.0.2.1/", "192.0.2.1/33", "192.0.2.1/-1", "192.0.2.1/24/1",
                               "192.0.2.1/255.255.255.0", "::/129", "::1/ 64", "/24", "");
    CAPTURE(text);
    REQUIRE_FALSE(Subnet::parse(text));
    REQUIRE(Subnet::parse("192.0.2.1").error().what == "the length of the prefix is missing: write it as in 192.0.2.10/24");
    REQUIRE(Subnet::parse("::1/129").error().what == "the length of the prefix is a number from 0 to 128");
    REQUIRE_FALSE(Subnet::from(ip("192.0.2.1"), 33));
    REQUIRE_FALSE(Subnet::from(ip("192.0.2.1"), -1));
}

TEST_CASE("a netmask is a prefix length, in either notation") {
    REQUIRE(*parse_netmask("255.255.255.0") == 24);
    REQUIRE(*parse_netmask("24") == 24);
    REQUIRE(*parse_netmask("255.255.255.255") == 32);
    REQUIRE(*parse_netmask("255.255.254.0") == 23);
    REQUIRE(*parse_netmask("0.0.0.0") == 0);
}

TEST_CASE("a netmask with holes, or none at all, is refused") {
    const auto text = GENERATE("255.0.255.0", "0.0.0.255", "255.255.255.253", "128.128.0.0", "33", "-1", "", "255.255.255",
                               "ffff::", "/24");
    CAPTURE(text);
    REQUIRE_FALSE(parse_netmask(text));
    REQUIRE(parse_netmask(text).error().fault == Fault::invalid);
}

}  // namespace addresses_test
