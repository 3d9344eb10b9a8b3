// What every kernel behind the seam promises of bonds.
#include "bridges/bond_options.hpp"
#include "bridges/mirror.hpp"
#include "bridges/nl_message.hpp"
#include "tests/contract/kernel_worlds.hpp"

#include <linux/rtnetlink.h>
#include <poll.h>

namespace kernel_bond_test {

using namespace worlds;

namespace {

Link bond(std::string_view options) {
    Link bond = link("bond0", Bond{*parse_bond_options(options)});
    bond.up = true;
    return bond;
}

template <class World>
void put_into(World& world, std::string_view port, std::optional<IfName> master) {
    Link now{name(port)};
    now.master = Master{std::move(master)};
    update(world, now);
    require_as(world, now);
}

const Options& options_of(const Link& link) { return std::get<Bond>(*link.kind).options; }

}  // namespace

TEMPLATE_TEST_CASE("a bond of each mode has the options it was given, and the defaults of its mode", "[kernel][bond]", BOTH_WORLDS) {
    TestType world;
    SKIP_UNLESS(world.kernel->abilities().bond, "the kernel has no bonding");
    const auto text = GENERATE("mode=0 packets_per_slave=3", "mode=active-backup miimon=100 updelay=200 fail_over_mac=active",
                               "mode=1 arp_interval=500 arp_ip_target=192.0.2.1,192.0.2.2 arp_validate=all",
                               "mode=2 xmit_hash_policy=layer3+4", "mode=3", "mode=4 lacp_rate=fast min_links=2 ad_select=bandwidth",
                               "mode=5 miimon=50 tlb_dynamic_lb=0", "mode=6 primary_reselect=better num_grat_arp=3");
    CAPTURE(text);
    const Link want = bond(text);
    succeed(world, Create<Link>{want});
    require_as(world, want);
    Options expected = default_bond_options(options_of(want).at("mode"));
    for (const auto& [key, value] : options_of(want)) expected[key] = value;
    // What this kernel is too old to know it does not tell.
    for (const auto& [key, value] : options_of(seen(world, "bond0"))) {
        CAPTURE(key);
        REQUIRE(expected[key] == value);
    }
    REQUIRE(without_weather(world.fresh_look()) == without_weather(world.kernel->state()));
}

TEMPLATE_TEST_CASE("a bond takes ports that are up, and lets them go", "[kernel][bond]", BOTH_WORLDS) {
    TestType world;
    SKIP_UNLESS(world.kernel->abilities().bond, "the kernel has no bonding");
    succeed(world, Create<Link>{bond("mode=1 miimon=100")});
    Link up{name("eth0")};
    up.up = true;
    update(world, up);
    put_into(world, "eth0", name("bond0"));
    put_into(world, "eth1", name("bond0"));
    REQUIRE(seen(world, "eth1").up == true);
    Link now{name("bond0")};
    now.kind = Bond{{{"primary", "eth1"}}};
    update(world, now);
    require_as(world, now);
    put_into(world, "eth1", std::nullopt);
    put_into(world, "eth0", std::nullopt);
    succeed(world, Remove<Link>{seen(world, "bond0")});
}

TEMPLATE_TEST_CASE("a bond's options change in place, and its mode when it is empty", "[kernel][bond]", BOTH_WORLDS) {
    TestType world;
    SKIP_UNLESS(world.kernel->abilities().bond, "the kernel has no bonding");
    succeed(world, Create<Link>{bond("mode=4 miimon=100")});
    put_into(world, "eth0", name("bond0"));
    Link now{name("bond0")};
    now.kind = Bond{{{"miimon", "200"}, {"lacp_rate", "fast"}, {"xmit_hash_policy", "layer2+3"}}};
    update(world, now);
    require_as(world, now);
    REQUIRE(seen(world, "bond0").up == true);

    now.kind = Bond{{{"mode", "active-backup"}}};
    REQUIRE(refused(world, Update<Link>{seen(world, "bond0"), now}).subject == "bond0");
    put_into(world, "eth0", std::nullopt);
    update(world, now);
    require_as(world, now);
    put_into(world, "eth0", name("bond0"));
    REQUIRE(seen(world, "bond0").up == true);
    REQUIRE(without_weather(world.fresh_look()) == without_weather(world.kernel->state()));
}

template <class World>
void make_bond_whose_primary_left(World& world) {
    succeed(world, Create<Link>{bond("mode=1 miimon=100")});
    put_into(world, "eth0", name("bond0"));
    Link now{name("bond0")};
    now.kind = Bond{{{"primary", "eth0"}}};
    update(world, now);
    put_into(world, "eth0", std::nullopt);
}

TEMPLATE_TEST_CASE("a primary port does not come back with a mode that knows it", "[kernel][bond]", BOTH_WORLDS) {
    TestType world;
    SKIP_UNLESS(world.kernel->abilities().bond, "the kernel has no bonding");
    make_bond_whose_primary_left(world);
    Link now{name("bond0")};
    for (const char* mode : {"802.3ad", "active-backup"}) {
        now.kind = Bond{{{"mode", mode}}};
        update(world, now);
    }
    put_into(world, "eth0", name("bond0"));
    REQUIRE(options_of(seen(world, "bond0")).at("primary").empty());
}

TEMPLATE_TEST_CASE("a primary port that has left does not come back as one", "[kernel][bond]", BOTH_WORLDS) {
    TestType world;
    SKIP_UNLESS(world.kernel->abilities().bond, "the kernel has no bonding");
    make_bond_whose_primary_left(world);
    Link now{name("bond0")};
    now.kind = Bond{{{"primary", ""}}};
    update(world, now);
    put_into(world, "eth0", name("bond0"));
    REQUIRE(options_of(seen(world, "bond0")).at("primary").empty());
}

TEST_CASE("a bond takes its port for down until it has seen by itself that there is a wire, which is heard", "[kernel][bond]") {
    RealWorld world;
    SKIP_UNLESS(world.kernel->abilities().bond, "the kernel has no bonding");
    succeed(world, Create<Link>{bond("mode=0 miimon=100")});
    Link far{name("far-eth0")};
    far.up = false;
    update(world, far);
    put_into(world, "eth0", name("bond0"));
    const auto becomes = [&](bool down) {
        const auto is_taken_for_down = [&] { return seen(world, "eth0").facts.rare.get().is_taken_for_down; };
        for (pollfd ready{world.kernel->descriptor(), POLLIN, 0}; is_taken_for_down() != down && poll(&ready, 1, 60'000) == 1;) REQUIRE(world.kernel->hear());
        return is_taken_for_down() == down;
    };
    REQUIRE(becomes(true));
    far.up = true;
    update(world, far);
    REQUIRE(becomes(false));
    REQUIRE(seen(world, "eth0").facts.carrier);
}

TEST_CASE("a bond is asked for where it is reported without what not all may know", "[mirror]") {
    const auto report = [](bool is_whole) {
        ifinfomsg header = {};
        header.ifi_index = 7;
        Message message(RTM_NEWLINK, 0, header);
        message.text(IFLA_IFNAME, "bond0");
        message.number(IFLA_MTU, 1500);
        message.nest(IFLA_LINKINFO, [&] {
            message.text(IFLA_INFO_KIND, "bond");
            message.nest(IFLA_INFO_DATA, [&] {
                message.number<std::uint8_t>(IFLA_BOND_MODE, 4);
                if (is_whole) message.number<std::uint16_t>(IFLA_BOND_AD_ACTOR_SYS_PRIO, 1000);
            });
        });
        return message;
    };
    Mirror mirror;
    const auto hints_after = [&](bool is_whole) {
        mirror.take(*report(is_whole).raw());
        mirror.settle();
        return mirror.take_hints();
    };
    CHECK(hints_after(true).empty());
    CHECK(hints_after(false) == std::set{7});
    CHECK(hints_after(false).empty());  // nor may netd know it
    CHECK(hints_after(true).empty());
}

}  // namespace kernel_bond_test
