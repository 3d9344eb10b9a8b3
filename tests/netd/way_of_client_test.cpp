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

std::string way(const told::House& house, const char* client) {
    const auto* network = observe::network_toward(*IpAddress::parse(client), house.now.running, house.now.observed.kernel);
    return network ? network->name.text() : "";
}

std::optional<intent::Complaint> asked(const told::House& house, const char* client, const json& params) {
    intent::Complaints complaints;
    const auto request = wire::read_setup(params, complaints);
    REQUIRE(complaints.empty());
    const auto verdict = intent::validate(request, house.now.running, house.now.facts());
    REQUIRE(verdict.complaints.empty());
    return observe::cut_off(client, request, house.now.running, verdict.wanted, house.now.observed.kernel);
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
    const auto cut = asked(house, "192.0.2.200", {{"networks", {{"ovirtmgmt", gone}}}});
    REQUIRE(cut);
    CHECK(cut->code == intent::code::lost_connection);
    CHECK(cut->path == "/networks/ovirtmgmt");
    CHECK(cut->what.find("options.allowDisconnect") != std::string::npos);
    CHECK(asked(house, "203.0.113.9", {{"networks", {{"ovirtmgmt", gone}}}}));
    CHECK_FALSE(asked(house, "192.0.2.200", {{"networks", {{"ovirtmgmt", gone}}}, {"options", {{"allowDisconnect", true}}}}));
}

TEST_CASE("other networks, other clients and local ones are not concerned", "[disconnect]") {
    const auto house = host();
    CHECK_FALSE(asked(house, "192.0.2.200", {{"networks", {{"storage", gone}, {"lan", gone}}}}));
    CHECK_FALSE(asked(house, "10.0.0.7", {{"networks", {{"ovirtmgmt", gone}}}}));
    CHECK_FALSE(asked(house, "", {{"networks", {{"ovirtmgmt", gone}}}}));
}

TEST_CASE("a network that another one takes the address of takes nobody's connection away", "[disconnect]") {
    const auto house = host();
    CHECK_FALSE(asked(house, "192.0.2.200", {{"networks", {{"ovirtmgmt", gone}, {"mgmt", {{"nic", "eno1"}, {"ipaddr", "192.0.2.10"}, {"prefix", 24}}}}}}));
}

}  // namespace way_of_client_test
