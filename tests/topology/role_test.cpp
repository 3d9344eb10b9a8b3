#include "topology/role.hpp"
#include "topology/services.hpp"

#include <catch2/catch.hpp>

namespace role_test {

using topology::Role;
using topology::Service;
using topology::Standing;

TEST_CASE("a device's standing is told in words, and read from them") {
    for (const Standing& standing : {Standing(), Standing::in_network({}), Standing::in_network({Role::vm}), Standing::in_network({Role::gluster, Role::management}), Standing::closed()}) {
        const auto read = Standing::parse(standing.text());
        REQUIRE(read);
        REQUIRE(*read == standing);
    }
    REQUIRE(Standing().text() == "apart");
    REQUIRE(Standing::in_network({Role::vm, Role::management}).text() == "network management vm");
    REQUIRE(Standing::closed().text() == "network closed");
    for (const char* wrong : {"", "networks", "network guests", "apart vm"}) REQUIRE_FALSE(Standing::parse(wrong));
}

TEST_CASE("a service is a protocol and its ports") {
    for (const char* text : {"tcp/22", "udp/1-65535", "sctp/132"}) {
        const auto read = Service::parse(text);
        REQUIRE(read);
        REQUIRE(read->text() == text);
    }
    for (const char* wrong : {"", "22", "tcp", "tcp/", "tcp/0", "tcp/65536", "tcp/9-8", "tcp/8-", "tcp/-8", "icmp/8", "tcp/22 ", "tcp/ssh"}) {
        INFO(wrong);
        REQUIRE_FALSE(Service::parse(wrong));
    }
}

TEST_CASE("roles open their services together") {
    const auto usual = topology::usual_services();
    REQUIRE(services_of(usual, Standing::in_network({Role::vm})).empty());
    const auto both = services_of(usual, Standing::in_network({Role::management, Role::display}));
    REQUIRE(both == std::set<Service>{{"tcp", 22, 22}, {"tcp", 54321, 54321}, {"tcp", 5900, 6923}});
}

}  // namespace role_test
