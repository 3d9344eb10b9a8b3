// A network's roles become the standing of the device that the host has in it, and of no other.
#include "netd/wire/write_capabilities.hpp"

#include "tests/netd/host_house.hpp"

namespace roles_test {

using nlohmann::json;
using told::House;
using topology::Role;
using topology::Standing;

TEST_CASE("the device of a network stands as its roles say", "[roles]") {
    House house{"eth0", "eth1"};
    house.define({{"networks", {{"ovirtmgmt", {{"nic", "eth0"}}}, {"disks", {{"nic", "eth1"}, {"vlan", 7}, {"bridged", false}, {"roles", {"storage", "migration"}}}}}}});
    REQUIRE(house.link("ovirtmgmt").standing == Standing::in_network({Role::management}));
    REQUIRE(house.link("eth1.7").standing == Standing::in_network({Role::storage, Role::migration}));
    // What comes there beside a network is of none, and reaches none. A port of a bridge hears for the host only what no bridge may pass on.
    REQUIRE(house.link("eth0").standing == Standing::closed());
    REQUIRE(house.link("eth1").standing == Standing::in_network({}));
}

TEST_CASE("a NIC stands for a network as long as it is its device", "[roles]") {
    House house{"eth0"};
    house.define({{"networks", {{"move", {{"nic", "eth0"}, {"bridged", false}, {"roles", {"migration"}}}}}}});
    REQUIRE(house.link("eth0").standing == Standing::in_network({Role::migration}));
    house.define({{"networks", {{"move", {{"nic", "eth0"}, {"bridged", false}}}}}});
    REQUIRE(house.link("eth0").standing == Standing::in_network({}));
    house.define({{"networks", {{"move", {{"nic", "eth0"}, {"roles", {"migration"}}}}}}});
    REQUIRE(house.link("eth0").standing == Standing::closed());
    house.define({{"networks", {{"move", {{"nic", "eth0"}, {"bridged", false}, {"roles", {"migration"}}}}}}});
    // It stays up on the same wire: an island.
    house.define({{"networks", {{"move", {{"remove", true}}}}}});
    REQUIRE(house.link("eth0").standing == Standing::in_network({}));
    REQUIRE(house.link("eth0").stack->arp_strict == true);
}

TEST_CASE("what comes in by a network is not forwarded, in each family that the host has there", "[roles]") {
    const auto refusals = [](House& house) {
        std::set<std::pair<std::string, bool>> found;
        for (const auto& rule : house.now.observed.kernel.rules)
            if (rule.drops && rule.priority == bridges::Rule::refusals && !rule.from && !rule.to) found.insert({rule.in->text(), rule.v6});
        return found;
    };
    using Refusals = std::set<std::pair<std::string, bool>>;
    for (const char* kind : {"legacy", "vlan-aware", "ovs"}) {
        CAPTURE(kind);
        House house{"eth0", "eth1"};
        const auto network = [kind](json more) {
            more.update({{"nic", "eth0"}, {"switch", kind}});
            return more;
        };
        house.define({{"networks",
                       {{"both", network({{"vlan", 1}, {"ipaddr", "192.0.2.1"}, {"prefix", 24}, {"ipv6addr", "2001:db8::1/64"}})},
                        {"lease", network({{"vlan", 2}, {"bootproto", "dhcp"}})},
                        {"lease6", network({{"vlan", 3}, {"dhcpv6", true}})},
                        {"routers", network({{"vlan", 4}, {"ipv6autoconf", true}})},
                        {"more", network({{"vlan", 5}, {"addresses", {"2001:db8:1::1/64"}}})},
                        {"none", network({{"vlan", 6}})}}}});
        REQUIRE(refusals(house) == Refusals{{"both", false}, {"both", true}, {"lease", false}, {"lease6", true}, {"routers", true}, {"more", true}});
        REQUIRE(house.left().empty());
        REQUIRE(find_drift(house.now) == observe::Drift{});
        house.define({{"networks", {{"lease", {{"remove", true}}}, {"lease6", {{"remove", true}}}, {"routers", {{"remove", true}}}}}});
        REQUIRE(refusals(house) == Refusals{{"both", false}, {"both", true}, {"more", true}});
        if (kind == std::string("ovs")) continue;  // the fake's devices are not known for Open vSwitch's own
        house.define({{"networks", {{"both", network({{"vlan", 1}, {"ipaddr", "192.0.2.1"}, {"prefix", 24}})}, {"more", network({{"vlan", 5}})}}}});
        REQUIRE(refusals(house) == Refusals{{"both", false}});
    }
    // Without a bridge it is the NIC, or its VLAN device, that the host has there.
    House house{"eth0"};
    house.define({{"networks", {{"a", {{"nic", "eth0"}, {"bridged", false}, {"ipv6autoconf", true}}}, {"b", {{"nic", "eth0"}, {"vlan", 7}, {"bridged", false}, {"ipaddr", "192.0.2.1"}, {"prefix", 24}}}}}});
    REQUIRE(refusals(house) == Refusals{{"eth0", true}, {"eth0.7", false}});
    // Somebody takes it away: that is drift.
    house.meddle(topology::Remove<bridges::Rule>{*house.now.observed.kernel.rules.begin()});
    REQUIRE(find_drift(house.now).networks.size() == 1);
}

}  // namespace roles_test
