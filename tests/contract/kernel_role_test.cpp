// How devices of networks stand toward the host, and, in the real kernel, the table of rules that goes by it.
#include "bridges/host_table.hpp"
#include "tests/contract/kernel_worlds.hpp"

namespace kernel_role_test {

using namespace worlds;
using topology::Role;

namespace {

void nft(const std::string& words) {
    INFO(words);
    REQUIRE(std::system(("nft " + words).c_str()) == 0);
}

}  // namespace

TEMPLATE_TEST_CASE("a device of a network stands as it is told, and apart when it is let go", "[kernel][role]", BOTH_WORLDS) {
    TestType world;
    REQUIRE(seen(world, "eth0").standing == Standing());
    Link made = link("web", Bridge{});
    made.owner = topology::Owner::ours("network web");
    made.standing = Standing::in_network({Role::vm, Role::display});
    succeed(world, Create<Link>{made});
    require_as(world, made);
    for (const Standing& standing : {Standing::in_network({Role::management}), Standing::in_network({}), Standing()}) {
        for (const char* device : {"web", "eth0"}) {
            Link now{name(device)};
            now.standing = standing;
            update(world, now);
            require_as(world, now);
        }
        REQUIRE(without_weather(world.fresh_look()) == without_weather(world.kernel->state()));
    }
}

TEST_CASE("the rules of the host are put up once, and anew when somebody changed them", "[kernel][role]") {
    RealWorld world;
    auto table = HostTable::open(topology::usual_services());
    SKIP_UNLESS(table.works(), "this host has no nftables for inet with fib and conntrack");
    REQUIRE(table.look());
    REQUIRE(table.stands());
    // One with other services is not the one.
    auto stranger = HostTable::open({{Role::vm, {{"tcp", 80, 80}}}});
    REQUIRE(stranger.look());
    REQUIRE_FALSE(stranger.stands());
    for (const char* harm : {"flush ruleset", "delete table inet netd", "flush chain inet netd input", "insert rule inet netd services accept", "delete chain inet netd prerouting"}) {
        INFO(harm);
        nft(harm);
        const auto heard = table.hear();
        REQUIRE(heard);
        REQUIRE(*heard);
        REQUIRE_FALSE(table.stands());
        REQUIRE(table.put());
        auto other = HostTable::open(topology::usual_services());
        REQUIRE(other.look());
        REQUIRE(other.stands());
        const auto own = table.hear();
        REQUIRE(own);
        REQUIRE_FALSE(*own);
        REQUIRE(table.stands());
    }
    nft("replace rule inet netd input handle $(nft -a list chain inet netd input | sed -n 's/.*# handle //p' | tail -1) accept");
    REQUIRE(table.look());
    REQUIRE_FALSE(table.stands());
    REQUIRE(table.put());
    nft("add table inet somebody");
    const auto heard = table.hear();
    REQUIRE(heard);
    REQUIRE_FALSE(*heard);
}

}  // namespace kernel_role_test
