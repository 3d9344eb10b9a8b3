// What of a bond's options is drift: all that nobody has named, but what the kernel sets by itself.
#include "tests/netd/host_house.hpp"

namespace bond_options_drift_test {

using observe::Deviation;
using observe::Drift;
using observe::find_drift;
using told::House;

namespace {

// Somebody else has set it.
void set(House& house, const char* option, const char* value) {
    bridges::Link bond = house.link("bond0");
    bond.as<bridges::Bond>()->options[option] = value;
    house.now.observed.kernel.links.put(bond);
}

Drift only(std::vector<Deviation> deviations) {
    Drift drift;
    drift.bonds = {{"bond0", std::move(deviations)}};
    return drift;
}

}  // namespace

TEST_CASE("what is set on a bond and not named is drift", "[drift]") {
    House house{"eth0", "eth1"};
    house.define({{"bondings", {{"bond0", {{"nics", {"eth0", "eth1"}}, {"options", "mode=4 miimon=100"}}}}}});
    set(house, "lacp_rate", "fast");
    REQUIRE(find_drift(house.now) == only({{"bond0", "options.lacp_rate", "slow", "fast"}}));
}

TEST_CASE("that a bond follows the MACs of ports that keep theirs is no drift, as the kernel sets that again", "[drift]") {
    House house{"ib0", "ib1"};
    house.define({{"bondings", {{"bond0", {{"nics", {"ib0", "ib1"}}, {"options", "mode=1 miimon=100"}}}}}});
    set(house, "fail_over_mac", "active");
    REQUIRE(find_drift(house.now) == only({{"bond0", "options.fail_over_mac", "none", "active"}}));
    const auto before = house.now.observed.kernel.links;
    const auto change_ports = [&](auto&& change) {
        house.now.observed.kernel.links = before;
        for (const char* nic : {"ib0", "ib1"}) {
            bridges::Link port = house.link(nic);
            change(port);
            house.now.observed.kernel.links.put(port);
        }
    };
    change_ports([](bridges::Link& port) { port.mac.reset(); });
    REQUIRE(find_drift(house.now) == Drift{});
    change_ports([](bridges::Link& port) { port.facts.rare.edit().fixed_mac = true; });
    REQUIRE(find_drift(house.now) == Drift{});
}

}  // namespace bond_options_drift_test
