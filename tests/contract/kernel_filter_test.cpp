// Filters of ports: with their links, and, in the real kernel, against whoever meddles with their table.
#include "bridges/filter_table.hpp"
#include "bridges/nft_program.hpp"
#include "tests/contract/kernel_worlds.hpp"

#include <netinet/in.h>   // before the kernel's own words for the same
#include <linux/netfilter.h>

#include <thread>

namespace kernel_filter_test {

using namespace worlds;

namespace {

Filter filter(std::string_view text) { return *Filter::parse(text); }

Link port(std::string_view text, std::string_view of) {
    Link made = link(text, Veth{std::nullopt, name("far-" + std::string(text)), std::nullopt});
    made.filter = filter(of);
    return made;
}

// What nft does in somebody else's hands.
void nft(const std::string& words) {
    INFO(words);
    REQUIRE(std::system(("nft " + words).c_str()) == 0);
}

}  // namespace

TEMPLATE_TEST_CASE("a port has its filter from when it is made until it goes", "[kernel][filter]", BOTH_WORLDS) {
    TestType world;
    SKIP_UNLESS(world.kernel->abilities().filter, "this host has no nftables for bridges");
    const Link made = port("nic0", "standard 52:54:00:12:34:56");
    succeed(world, Create<Link>{made});
    require_as(world, made);
    Link changed{name("nic0")};
    changed.filter = filter("strict 52:54:00:12:34:56 192.0.2.7 2001:db8::7");
    update(world, changed);
    require_as(world, changed);
    REQUIRE(without_weather(world.fresh_look()) == without_weather(world.kernel->state()));
    succeed(world, Remove<Link>{seen(world, "nic0")});
    const Link plain = link("nic0", Veth{std::nullopt, name("far-nic0"), std::nullopt});
    succeed(world, Create<Link>{plain});
    REQUIRE_FALSE(seen(world, "nic0").filter);
}

TEST_CASE("a port that can't be made leaves no filter", "[kernel][filter]") {
    RealWorld world;
    SKIP_UNLESS(world.kernel->abilities().filter, "this host has no nftables for bridges");
    Link orphan = link("nic0", Veth{"no-such-namespace", {}, {}});
    orphan.filter = filter("standard 52:54:00:12:34:56");
    (void)refused(world, Create<Link>{orphan});
    auto table = FilterTable::open();
    REQUIRE(table.look());
    REQUIRE(table.filters().empty());
}

TEST_CASE("whatever somebody does to the table is heard, and is undone whole with the next change", "[kernel][filter]") {
    RealWorld world;
    SKIP_UNLESS(world.kernel->abilities().filter, "this host has no nftables for bridges");
    auto table = FilterTable::open();
    REQUIRE(table.look());
    REQUIRE(table.put({{name("nic-a"), filter("standard 52:54:00:12:34:56")}, {name("nic-b"), filter("strict 52:54:00:12:34:57 192.0.2.7")}}));
    const Filters whole = table.filters();
    for (const char* harm : {"flush ruleset", "delete table bridge netd", "flush chain bridge netd own", "flush map bridge netd ports", "insert rule bridge netd standard accept",
                             "add element bridge netd macs '{ \"nic-b\" . 02:ee:00:00:00:01 }'", "delete element bridge netd closed '{ \"nic-b\" }'"}) {
        INFO(harm);
        nft(harm);
        const auto heard = table.hear();
        REQUIRE(heard);
        REQUIRE(*heard);
        REQUIRE(table.put({{name("nic-c"), filter("trusted 52:54:00:12:34:58 trunk")}}));
        auto other = FilterTable::open();
        REQUIRE(other.look());
        REQUIRE(other.filters() == table.filters());
        REQUIRE(table.take_restored().ports == std::set{name("nic-a"), name("nic-b")});
        REQUIRE(table.put({{name("nic-c"), std::nullopt}}));
        REQUIRE_FALSE(table.has_restored());
        REQUIRE(table.filters() == whole);
        const auto own = table.hear();
        REQUIRE(own);
        REQUIRE_FALSE(*own);
    }
    nft("add table bridge somebody");
    const auto foreign = table.hear();
    REQUIRE(foreign);
    REQUIRE_FALSE(*foreign);
    nft("delete table bridge somebody");
}

TEST_CASE("what somebody had taken away, and a change of something else put back before anybody heard of it, is told", "[kernel][filter]") {
    RealWorld world;
    SKIP_UNLESS(world.kernel->abilities().filter && world.kernel->abilities().services, "this host has no nftables for bridges and inet");
    Link bridge = link("web", Bridge{});
    bridge.standing = Standing::in_network({topology::Role::vm});
    if (world.kernel->abilities().gates) bridge.gate = true;
    succeed(world, Create<Link>{bridge});
    succeed(world, Create<Link>{port("nic0", "standard 52:54:00:12:34:56")});
    std::ignore = world.kernel->take_restored();
    REQUIRE(world.kernel->hear());
    REQUIRE_FALSE(world.kernel->take_unfiltered());
    nft("flush ruleset");
    succeed(world, Create<Link>{port("nic1", "standard 52:54:00:12:34:57")});
    REQUIRE(world.kernel->take_unfiltered());
    auto restored = world.kernel->take_restored();
    REQUIRE(restored.ports == std::set{name("nic0")});
    REQUIRE(restored.devices.contains(name("web")) == (bridge.gate == true));
    Link again{name("web")};
    again.standing = bridge.standing;
    REQUIRE(world.kernel->hear());
    update(world, again);
    REQUIRE(world.kernel->take_restored().devices == std::set{name("web")});
    REQUIRE(world.kernel->take_restored().devices.empty());
}

TEST_CASE("of what somebody had flushed while there was no network nothing is told as restored when the first one comes", "[kernel][filter]") {
    RealWorld world;
    SKIP_UNLESS(world.kernel->abilities().filter && world.kernel->abilities().services, "this host has no nftables for bridges and inet");
    nft("flush ruleset");
    REQUIRE(world.kernel->hear());
    std::ignore = world.kernel->take_unfiltered();
    Link bridge = link("web", Bridge{});
    bridge.standing = Standing::in_network({topology::Role::vm});
    if (world.kernel->abilities().gates) bridge.gate = true;
    succeed(world, Create<Link>{bridge});
    require_as(world, bridge);
    REQUIRE_FALSE(world.kernel->take_unfiltered());
    REQUIRE(world.kernel->take_restored().devices.empty());
}

TEST_CASE("another rule in the place of one is seen by whoever looks, not only by who hears of it", "[kernel][filter]") {
    RealWorld world;
    SKIP_UNLESS(world.kernel->abilities().filter, "this host has no nftables for bridges");
    auto table = FilterTable::open();
    REQUIRE(table.look());
    REQUIRE(table.put({{name("nic-a"), filter("standard 52:54:00:12:34:56")}}));
    const Filters whole = table.filters();
    nft("replace rule bridge netd own handle $(nft -a list chain bridge netd own | sed -n 's/.*# handle //p' | tail -1) accept");
    REQUIRE(table.look());
    REQUIRE(table.filters().empty());
    REQUIRE(table.put({{name("nic-a"), filter("standard 52:54:00:12:34:56")}}));
    REQUIRE(table.filters() == whole);
}

TEST_CASE("netd's own change is not taken for another's, though others change their tables meanwhile", "[kernel][filter]") {
    RealWorld world;
    SKIP_UNLESS(world.kernel->abilities().filter, "this host has no nftables for bridges");
    auto table = FilterTable::open();
    REQUIRE(table.look());
    std::jthread others([](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            std::ignore = std::system("nft 'add table bridge somebody; delete table bridge somebody'");
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
    });
    for (int time = 0; time < 30; ++time) {
        INFO(time);
        const Filters both{{name("nic-a"), filter("standard 52:54:00:12:34:56")}, {name("nic-b"), filter("standard 52:54:00:12:34:57")}};
        for (const auto& [port, one] : both) REQUIRE(table.put({{port, one}}));
        REQUIRE(table.filters() == both);
        const auto heard = table.hear();
        REQUIRE(heard);
        REQUIRE_FALSE(*heard);
        REQUIRE(table.put({{name("nic-a"), std::nullopt}, {name("nic-b"), std::nullopt}}));
        REQUIRE(table.filters().empty());
    }
}

TEST_CASE("a thousand ports' filters are one change", "[kernel][filter]") {
    RealWorld world;
    SKIP_UNLESS(world.kernel->abilities().filter, "this host has no nftables for bridges");
    auto table = FilterTable::open();
    REQUIRE(table.look());
    FilterChanges many;
    for (int i = 0; i < 1000; ++i) many.emplace(name("nic-" + std::to_string(i)), filter("strict 52:54:00:12:34:57 192.0.2.7"));
    REQUIRE(table.put({{name("nic-a"), filter("standard 52:54:00:12:34:56")}}));
    REQUIRE(table.put(many));
    auto other = FilterTable::open();
    REQUIRE(other.look());
    REQUIRE(other.filters().size() == 1001);
    for (auto& [port, wanted] : many) wanted.reset();
    REQUIRE(table.put(many));
    REQUIRE(other.look());
    REQUIRE(other.filters().size() == 1);
}

TEMPLATE_TEST_CASE("a bridge has its gate from when it is made until it goes, and a tap is admitted until it goes", "[kernel][filter]", BOTH_WORLDS) {
    TestType world;
    SKIP_UNLESS(world.kernel->abilities().gates, "this kernel does not tell by which bridge a frame comes");
    Link bridge = link("web", Bridge{}), plain = link("lab", Bridge{}), tap = link("tap0", Tap{});
    bridge.gate = true;
    tap.master = Master{name("web")};
    succeed(world, std::vector<Op>{Create<Link>{bridge}, Create<Link>{plain}});
    succeed(world, Create<Link>{tap});
    require_as(world, bridge);
    REQUIRE(seen(world, "lab").gate == false);
    REQUIRE(seen(world, "tap0").admitted == false);
    Link admitted{name("tap0")}, open{name("web")};
    admitted.admitted = true;
    update(world, admitted);
    require_as(world, admitted);
    REQUIRE(without_weather(world.fresh_look()) == without_weather(world.kernel->state()));
    open.gate = false;
    update(world, open);
    require_as(world, open);
    open.gate = true;
    update(world, open);
    for (const char* one : {"tap0", "web"}) succeed(world, Remove<Link>{seen(world, one)});
    succeed(world, Create<Link>{link("web", Bridge{})});
    succeed(world, Create<Link>{link("tap0", Tap{})});
    REQUIRE(seen(world, "web").gate == false);
    REQUIRE(seen(world, "tap0").admitted == false);
}

TEST_CASE("a thousand gates are one change of one element each, and the same once more is none", "[kernel][filter]") {
    RealWorld world;
    SKIP_UNLESS(world.kernel->abilities().gates, "this kernel does not tell by which bridge a frame comes");
    auto table = FilterTable::open();
    REQUIRE(table.look());
    REQUIRE(table.put({}, {.bridges = {{name("br-a"), true}}}));
    auto socket = NftSocket::open(false);
    REQUIRE(socket);
    GateChanges many;
    for (int i = 0; i < 1000; ++i) many.bridges.emplace(name("br-" + std::to_string(i)), true);
    const auto changes = [&](const GateChanges& gates) {
        const auto before = *socket->generation();
        REQUIRE(table.put({}, gates));
        return *socket->generation() - before;
    };
    REQUIRE(changes(many) == 1);
    REQUIRE(changes(many) == 0);
    std::size_t elements = 0;
    REQUIRE(socket->each_element(NFPROTO_BRIDGE, filter_table_name, "gates", [&](const NftElement&) { ++elements; }));
    REQUIRE(elements == 1001);
}

TEST_CASE("where a frame's bridge is not told, the table has filters and no gates", "[kernel][filter]") {
    RealWorld world;
    SKIP_UNLESS(world.kernel->abilities().filter, "this host has no nftables for bridges");
    REQUIRE(filter_table_mark(true) != filter_table_mark(false));
    REQUIRE(filter_rule_count(true) == filter_rule_count(false) + 3);
    for (const bool has_gates : {false, true}) {
        if (has_gates && !world.kernel->abilities().gates) continue;
        FilterContent content{{{name("nic-a"), filter("trusted 52:54:00:12:34:56")}}};
        if (has_gates) content.gates = Gates{{name("web")}, {name("tap0")}};
        REQUIRE(run_nft(write_filter_table(content)));
        auto table = FilterTable::open();
        REQUIRE(table.look());
        // What another kernel's netd wrote is none of this one's.
        REQUIRE((table.content() == content) == (has_gates == world.kernel->abilities().gates));
    }
}

}  // namespace kernel_filter_test
