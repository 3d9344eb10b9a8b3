// Of whom the host shall hear nothing, in the real kernel.
#include "bridges/unheard_table.hpp"
#include "tests/contract/kernel_worlds.hpp"

#include <poll.h>

#include <cstdlib>
#include <string>

namespace kernel_unheard_test {

using namespace worlds;

namespace {

void nft(const std::string& words) {
    INFO(words);
    REQUIRE(std::system(("nft " + words).c_str()) == 0);
}

}  // namespace

TEST_CASE("what others do with their rules is read, also where the host is deaf to nobody", "[kernel][unheard]") {
    RealWorld world;
    SKIP_UNLESS(world.kernel->abilities().filter, "this host has no nftables for bridges");
    nft("add table bridge somebody");
    pollfd told{world.kernel->descriptor(), POLLIN, 0};
    REQUIRE(::poll(&told, 1, 0) == 1);
    // What else happens on a host may come in between.
    for (int tries = 0; tries < 100 && ::poll(&told, 1, 0) != 0; ++tries) REQUIRE(world.kernel->hear());
    CHECK(::poll(&told, 1, 0) == 0);
}

TEST_CASE("of whom the host hears nothing is kept where the kernel can, and nobody is refused for it where it can't", "[kernel][unheard]") {
    RealWorld world;
    auto table = UnheardTable::open();
    const Unheard one{{name("eth0"), mac("52:54:00:00:00:01")}}, other{{name("eth1"), mac("52:54:00:00:00:02")}};
    REQUIRE(table.put(one));
    REQUIRE(table.add(other));
    SKIP_UNLESS(table.descriptor() >= 0, "this host has no nftables for inet and ARP");
    const auto stands_in_both = [](const char* guest) {
        for (const std::string family : {"inet", "arp"})
            if (std::system(("nft list table " + family + " netd-unheard 2>&1 | grep -q " + guest).c_str()) != 0) return false;
        return true;
    };
    CHECK(stands_in_both("52:54:00:00:00:01"));
    CHECK(stands_in_both("52:54:00:00:00:02"));
    table.hear();
    CHECK(table.take_restored().empty());
    for (const char* harm : {"flush ruleset", "delete table arp netd-unheard", "flush set inet netd-unheard guests"}) {
        INFO(harm);
        nft(harm);
        table.hear();
        CHECK(stands_in_both("52:54:00:00:00:01"));
        CHECK(table.take_restored() == std::set{name("eth0"), name("eth1")});
    }
    // The next netd goes on with it.
    auto next = UnheardTable::open();
    REQUIRE(next.add(one));
    CHECK(stands_in_both("52:54:00:00:00:02"));
    REQUIRE(next.put(one));
    CHECK_FALSE(stands_in_both("52:54:00:00:00:02"));
    CHECK(stands_in_both("52:54:00:00:00:01"));
}

}  // namespace kernel_unheard_test
