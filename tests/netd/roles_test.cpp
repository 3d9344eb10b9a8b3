// A network's roles become the standing of the device that the host has in it, and of no other.
#include "netd/wire/write_capabilities.hpp"

#include "tests/netd/host_house.hpp"

using nlohmann::json;
using told::House;
using topology::Role;
using topology::Standing;

TEST_CASE("the device of a network stands as its roles say", "[roles]") {
    House house{"eth0", "eth1"};
    house.define({{"networks", {{"ovirtmgmt", {{"nic", "eth0"}}}, {"disks", {{"nic", "eth1"}, {"vlan", 7}, {"bridged", false}, {"roles", {"storage", "migration"}}}}}}});
    REQUIRE(house.link("ovirtmgmt").standing == Standing::in_network({Role::management}));
    REQUIRE(house.link("eth1.7").standing == Standing::in_network({Role::storage, Role::migration}));
    // What comes there beside a network is of none, and reaches none.
    for (const char* nic : {"eth0", "eth1"}) REQUIRE(house.link(nic).standing == Standing::in_network({}));
}

TEST_CASE("a NIC stands for a network as long as it is its device", "[roles]") {
    House house{"eth0"};
    house.define({{"networks", {{"move", {{"nic", "eth0"}, {"bridged", false}, {"roles", {"migration"}}}}}}});
    REQUIRE(house.link("eth0").standing == Standing::in_network({Role::migration}));
    house.define({{"networks", {{"move", {{"nic", "eth0"}, {"bridged", false}}}}}});
    REQUIRE(house.link("eth0").standing == Standing::in_network({}));
    house.define({{"networks", {{"move", {{"nic", "eth0"}, {"roles", {"migration"}}}}}}});
    REQUIRE(house.link("eth0").standing == Standing::in_network({}));
    house.define({{"networks", {{"move", {{"nic", "eth0"}, {"bridged", false}, {"roles", {"migration"}}}}}}});
    // It stays up on the same wire: an island.
    house.define({{"networks", {{"move", {{"remove", true}}}}}});
    REQUIRE(house.link("eth0").standing == Standing::in_network({}));
    REQUIRE(house.link("eth0").stack->arp_strict == false);
}
