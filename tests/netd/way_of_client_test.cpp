// Who may not saw off the branch he sits on, and who may.
#include "netd/observe/way_of_client.hpp"
#include "tests/netd/host_house.hpp"

namespace way_of_client_test {

using nlohmann::json;
using topology::IpAddress;

namespace {

told::House host() {
    told::House house{"eno1", "eno2", "eno3"};
    house.define({{"networks", {{"ovirtmgmt", {{"nic", "eno1"}, {"ipaddr", "192.0.2.10"}, {"prefix", 24}, {"gateway", "192.0.2.1"}, {"defaultRoute", true}}},
                                {"storage", {{"nic", "eno2"}, {"bridged", false}, {"ipaddr", "10.0.0.10"}, {"prefix", 24}}},
                                {"lan", json::object()}}}});
    return house;
}

// The engine is behind the gateway of the network that it comes by; another one has the default route.
told::House host_with_another_way() {
    told::House house{"eno1", "eno2", "eno3"};
    house.define({{"networks", {{"ovirtmgmt", {{"nic", "eno1"}, {"ipaddr", "192.0.2.10"}, {"prefix", 24}, {"gateway", "192.0.2.1"}, {"ipv6addr", "2001:db8:2::10/64"}, {"ipv6gateway", "2001:db8:2::1"}}},
                                {"ext", {{"nic", "eno2"}, {"ipaddr", "198.51.100.10"}, {"prefix", 24}, {"gateway", "198.51.100.1"}, {"defaultRoute", true}}},
                                {"storage", {{"nic", "eno3"}, {"bridged", false}, {"ipaddr", "10.0.0.10"}, {"prefix", 24}}}}}});
    return house;
}

std::string way(const told::House& house, const char* client, const char* door = "") {
    const auto at = IpAddress::parse(door);
    const auto* network = observe::network_toward(*IpAddress::parse(client), at ? std::optional(*at) : std::nullopt, house.now.running, house.now.observed.kernel);
    return network ? network->name.text() : "";
}

std::optional<intent::Complaint> asked(const told::House& house, const observe::Connection& connection, const json& params) {
    intent::Complaints complaints;
    const auto request = wire::read_setup(params, complaints);
    REQUIRE(complaints.empty());
    const auto verdict = intent::validate(request, house.now.running, house.now.facts());
    REQUIRE(verdict.complaints.empty());
    return observe::cut_off(connection, request, house.now.running, verdict.wanted, house.now.observed.kernel);
}

const json gone = {{"remove", true}};

}  // namespace

TEST_CASE("a client comes over the network of its subnet, else over the default route's", "[disconnect]") {
    const auto house = host();
    CHECK(way(house, "192.0.2.200") == "ovirtmgmt");
    CHECK(way(house, "10.0.0.7") == "storage");
    CHECK(way(house, "203.0.113.9") == "ovirtmgmt");
}

TEST_CASE("to take away one's own network needs the option, and is refused by its name", "[disconnect]") {
    const auto house = host();
    const auto cut = asked(house, {"192.0.2.200"}, {{"networks", {{"ovirtmgmt", gone}}}});
    REQUIRE(cut);
    CHECK(cut->code == intent::code::lost_connection);
    CHECK(cut->path == "/networks/ovirtmgmt");
    CHECK(cut->what.find("options.allowDisconnect") != std::string::npos);
    CHECK(asked(house, {"203.0.113.9"}, {{"networks", {{"ovirtmgmt", gone}}}}));
    CHECK_FALSE(asked(house, {"192.0.2.200"}, {{"networks", {{"ovirtmgmt", gone}}}, {"options", {{"allowDisconnect", true}}}}));
}

TEST_CASE("other networks, other clients and local ones are not concerned", "[disconnect]") {
    const auto house = host();
    CHECK_FALSE(asked(house, {"192.0.2.200"}, {{"networks", {{"storage", gone}, {"lan", gone}}}}));
    CHECK_FALSE(asked(house, {"10.0.0.7"}, {{"networks", {{"ovirtmgmt", gone}}}}));
    CHECK_FALSE(asked(house, {""}, {{"networks", {{"ovirtmgmt", gone}}}}));
}

TEST_CASE("a network that another one takes the address of takes nobody's connection away", "[disconnect]") {
    const auto house = host();
    CHECK_FALSE(asked(house, {"192.0.2.200"}, {{"networks", {{"ovirtmgmt", gone}, {"mgmt", {{"nic", "eno1"}, {"ipaddr", "192.0.2.10"}, {"prefix", 24}}}}}}));
}

TEST_CASE("what leaves from an address that is routed by its source goes by its own network", "[disconnect]") {
    const auto house = host_with_another_way();
    CHECK(way(house, "203.0.113.9") == "ext");
    CHECK(way(house, "203.0.113.9", "192.0.2.10") == "ovirtmgmt");
    CHECK(way(house, "192.0.2.200", "192.0.2.10") == "ovirtmgmt");
    CHECK(way(house, "2001:db8:9::9", "2001:db8:2::10") == "ovirtmgmt");
    CHECK(way(house, "10.0.0.7", "192.0.2.10") == "ovirtmgmt");  // its own table knows no storage
    // Those without a table of their own ask the main one.
    CHECK(way(house, "203.0.113.9", "198.51.100.10") == "ext");
    CHECK(way(house, "203.0.113.9", "10.0.0.10") == "ext");
    CHECK(way(house, "10.0.0.7", "10.0.0.10") == "storage");
    CHECK(way(house, "203.0.113.9", "192.168.7.7") == "ext");  // none that the host has
}

TEST_CASE("of two networks in one subnet a client comes by the one whose address he asked for", "[disconnect]") {
    told::House house{"eno1", "eno2"};
    for (const char* gateway : {"192.0.2.1", "192.0.2.2"}) {
        const bool is_first = std::string_view(gateway) == "192.0.2.1";
        house.define({{"networks", {{is_first ? "backup" : "ovirtmgmt", {{"nic", is_first ? "eno1" : "eno2"}, {"ipaddr", is_first ? "192.0.2.20" : "192.0.2.10"}, {"prefix", 24}, {"gateway", gateway}}}}}});
    }
    CHECK(way(house, "192.0.2.200", "192.0.2.10") == "ovirtmgmt");
    CHECK(way(house, "192.0.2.200", "192.0.2.20") == "backup");
}

TEST_CASE("a network beside the default route is one's own if one came in at its address", "[disconnect]") {
    const auto house = host_with_another_way();
    const observe::Connection connection{"203.0.113.9", "192.0.2.10"};
    const auto cut = asked(house, connection, {{"networks", {{"ovirtmgmt", gone}}}});
    REQUIRE(cut);
    CHECK(cut->path == "/networks/ovirtmgmt");
    CHECK_FALSE(asked(house, connection, {{"networks", {{"ext", gone}}}}));
    CHECK(asked(house, {"203.0.113.9", "198.51.100.10"}, {{"networks", {{"ext", gone}}}}));
    CHECK_FALSE(asked(house, {"", "192.0.2.10"}, {{"networks", {{"ovirtmgmt", gone}}}}));
}

}  // namespace way_of_client_test
