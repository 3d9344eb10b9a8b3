// Who may not be given an address, since another network has it by its lease.
#include "netd/apply/preview.hpp"
#include "tests/netd/host_house.hpp"

namespace leased_addresses_test {

using nlohmann::json;
using topology::Subnet;

namespace {

struct Host {
    told::House house{"eno1", "eno2", "eno3"};
    Host() {
        house.define({{"networks", {{"web", {{"nic", "eno1"}, {"bootproto", "dhcp"}, {"dhcpv6", true}}}, {"db", {{"nic", "eno2"}, {"ipaddr", "10.1.0.1"}, {"prefix", 24}}}}}});
        house.now.leases = std::make_shared<const lower::Leases>(lower::Leases{{"eno1-4", {.addresses = {*Subnet::parse("10.7.0.50/24")}}}, {"eno1-6", {.addresses = {*Subnet::parse("2001:db8::50/128")}}}});
    }
    // "code path" of each complaint.
    std::vector<std::string> refusals(const json& networks) const {
        intent::Complaints complaints;
        const auto request = wire::read_setup({{"networks", networks}}, complaints);
        REQUIRE(complaints.empty());
        const auto verdict = intent::validate(request, house.now.running, house.now.facts());
        for (const auto& complaint : verdict.complaints) FAIL(complaint.path << ": " << complaint.what);
        std::vector<std::string> all;
        for (const auto& one : apply::harm_to_others(request, house.now.running, verdict.wanted, apply::terms_of(request), house.now.host())) all.push_back(std::to_string(one.code) + " " + one.path);
        return all;
    }
};

using Paths = std::vector<std::string>;
const json fixed = {{"nic", "eno2"}, {"ipaddr", "10.7.0.50"}, {"prefix", 24}};

}  // namespace

TEST_CASE("an address that another network has by its lease is no definition's to give", "[leases]") {
    const Host host;
    CHECK(host.refusals({{"db", fixed}}) == Paths{"22 /networks/db/ipaddr"});
    CHECK(host.refusals({{"new", {{"nic", "eno3"}, {"ipaddr", "10.7.0.50"}, {"prefix", 32}}}}) == Paths{"22 /networks/new/ipaddr"});
    CHECK(host.refusals({{"db", {{"nic", "eno2"}, {"ipv6addr", "2001:db8::50/64"}}}}) == Paths{"22 /networks/db/ipv6addr"});
    CHECK(host.refusals({{"db", {{"nic", "eno2"}, {"addresses", {"10.1.0.1/24", "10.7.0.50/24"}}}}}) == Paths{"22 /networks/db/addresses/1"});
    CHECK(host.refusals({{"db", {{"nic", "eno2"}, {"ipaddr", "10.7.0.51"}, {"prefix", 24}}}}).empty());  // to share a subnet is lawful
}

TEST_CASE("but is where its holder lets go of it in the same request, or has it itself", "[leases]") {
    const Host host;
    CHECK(host.refusals({{"db", fixed}, {"web", {{"remove", true}}}}).empty());
    CHECK(host.refusals({{"db", fixed}, {"web", {{"nic", "eno1"}}}}).empty());
    CHECK(host.refusals({{"db", fixed}, {"web", {{"nic", "eno1"}, {"dhcpv6", true}}}}).empty());
    CHECK(host.refusals({{"db", fixed}, {"web", {{"nic", "eno3"}, {"bootproto", "dhcp"}}}}).empty());  // to another wire, where it has no lease
    CHECK(host.refusals({{"web", {{"nic", "eno1"}, {"ipaddr", "10.7.0.50"}, {"prefix", 24}}}}).empty());
    // Whoever comes to the wire has its lease.
    CHECK(host.refusals({{"db", fixed}, {"web", {{"remove", true}}}, {"next", {{"nic", "eno1"}, {"bootproto", "dhcp"}}}}) == Paths{"22 /networks/db/ipaddr"});
}

TEST_CASE("a network that has the address already is changed in other ways", "[leases]") {
    Host host;
    json db = fixed;
    host.house.define({{"networks", {{"db", db}}}});  // it was asked of definitions only
    db["mtu"] = 1400;
    CHECK(host.refusals({{"db", db}}).empty());
}

}  // namespace leased_addresses_test
