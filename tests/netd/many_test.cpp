// A client that may only look sends what is legal and large: the answer is short, and no pair of its parts is looked at.
#include "bridges/kernel.hpp"
#include "netd/intent/validate.hpp"
#include "netd/wire/read_definition.hpp"
#include "tests/fakes/fake_kernel.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace many_test {

using namespace intent;
using nlohmann::json;

namespace {

constexpr int many = 8000;

// `of` says what the n-th network is.
template <class Of>
json networks(int count, Of&& of) {
    json all = json::object();
    for (int n = 0; n < count; ++n) all[fmt::format("n{}", n)] = of(n);
    return {{"networks", std::move(all)}};
}

Complaints complaints_of(const json& params) {
    const fakes::FakeKernel kernel{"eno1", "eno2"};
    Complaints complaints;
    const Request request = wire::read_setup(params, complaints);
    complaints.add(validate(request, {}, {kernel.state(), kernel.abilities(), true, "unix:/nowhere"}).complaints);
    return complaints;
}

std::string address(int n) { return fmt::format("10.{}.{}.1", n / 250, n % 250); }

}  // namespace

TEST_CASE("of a hundred thousand faults a hundred are told, and how many there are", "[many]") {
    json network = json::object();
    for (int n = 0; n < 100'000; ++n) network[fmt::format("attribute{}", n)] = n;
    const auto complaints = complaints_of({{"networks", {{"lan", std::move(network)}}}});
    CHECK(complaints.size() == 100'000);
    const json told = wire::write_complaints(complaints);
    CHECK(told.size() == Complaints::most);
    CHECK(told.dump().size() < 64 << 10);
    CHECK(told[0]["what"].get<std::string>().starts_with("'attribute0' is not an attribute that netd knows; these are: nic, bonding, "));  // once
    CHECK(told[1]["what"] == "'attribute1' is not an attribute that netd knows");
}

TEST_CASE("complaints that are added to others count in full", "[many]") {
    Complaints one, other;
    for (int n = 0; n < 150; ++n) one.push_back({}), other.push_back({});
    one.add(other);
    CHECK(one.size() == 300);
    CHECK(static_cast<std::size_t>(std::distance(one.begin(), one.end())) == Complaints::most);
}

TEST_CASE("a request has so many networks and bonds and no more", "[many]") {
    const auto lan = [](int) { return json::object(); };
    CHECK(complaints_of(networks(8192, lan)).empty());
    json more = networks(8192, lan);
    more["bondings"] = {{"bond0", {{"nics", {"eno1"}}}}};
    const auto complaints = complaints_of(more);
    REQUIRE(complaints.size() == 1);
    CHECK(complaints.front().code == 21);
    CHECK(complaints.front().what == "8193 networks and bonds are too many for one request; it can have 8192, so send several");
}

// By pairs, or by three, each of these took from seconds to hours.
TEST_CASE("thousands that are at odds with each other are refused one by one", "[many]") {
    const auto refused = [](const json& params) { return complaints_of(params).size(); };
    CHECK(refused(networks(many, [](int) { return json{{"defaultRoute", true}}; })) == many);
    CHECK(refused(networks(many, [](int) { return json{{"nic", "eno1"}, {"vlan", 7}}; })) >= many);
    CHECK(refused(networks(many, [](int n) {
        return json{{"nic", "eno1"}, {"switch", "vlan-aware"}, {"vlan", n % 4000 + 1}, {"custom", {{"bridge_opts", fmt::format("max_age={}", 600 + n % 2)}}}};
    })) >= many);
    CHECK(refused(networks(many, [](int n) {
        return n % 2 ? json{{"ipaddr", address(n)}, {"prefix", 8}} : json{{"routes", {{{"to", "10.0.0.0/8"}, {"via", "192.0.2.1"}}}}};
    })) >= many);
    json bonds = json::object();
    for (int n = 0; n < many; ++n) bonds[fmt::format("bond{}", n)] = {{"nics", {"eno1"}}};
    CHECK(refused({{"bondings", bonds}}) == many);
    json routes = json::array(), addresses = json::array();
    for (int n = 0; n < many; ++n) {
        routes.push_back({{"to", "10.9.0.0/16"}, {"via", "192.0.2.1"}});
        addresses.push_back(fmt::format("2001:db8::{:x}/64", n + 1));
    }
    CHECK(refused({{"networks", {{"lan", {{"routes", routes}, {"addresses", addresses}}}}}}) >= many);
}

TEST_CASE("thousands in one subnet are known to have it together", "[many]") {
    Complaints complaints;
    const Request request = wire::read_setup(networks(many, [](int n) { return json{{"ipaddr", address(n)}, {"prefix", n % 2 ? 8 : 24}}; }), complaints);
    REQUIRE(complaints.empty());
    Intent intent;
    for (const Network& network : request.networks) intent.put(network);
    const auto subnet = [](const char* text) { return *Subnet::parse(text); };
    CHECK(intent.on_subnets({subnet("10.0.0.0/8"), subnet("10.0.7.0/24")}).size() == many);
    CHECK(intent.on_subnets({subnet("192.0.2.0/24")}).empty());
    CHECK(intent.is_shared(subnet("10.3.3.3/32")));
    for (const Network& network : request.networks)
        if (network.name.text() != "n8") intent.remove(network.name);
    CHECK(intent.on_subnets({subnet("10.0.0.0/8")}) == std::set{*NetworkName::parse("n8")});
    CHECK_FALSE(intent.is_shared(subnet("10.0.0.0/8")));
}

}  // namespace many_test
