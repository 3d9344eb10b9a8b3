// Filters of ports: with their links, and, in the real kernel, against whoever meddles with their table.
#include "bridges/filter_table.hpp"
#include "tests/contract/kernel_worlds.hpp"

#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

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

// A frame to all, out of the far end of a port.
void speak(std::string_view port) {
    const int raw = ::socket(AF_PACKET, SOCK_RAW, 0);
    sockaddr_ll at = {};
    at.sll_family = AF_PACKET;
    at.sll_ifindex = static_cast<int>(if_nametoindex(("far-" + std::string(port)).c_str()));
    std::array<std::uint8_t, 60> frame = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 0x88, 0xb5};
    const auto sent = ::sendto(raw, frame.data(), frame.size(), 0, reinterpret_cast<const sockaddr*>(&at), sizeof at);
    ::close(raw);
    REQUIRE(sent == 60);
}

std::string listed(const std::string& words) {
    const std::unique_ptr<FILE, int (*)(FILE*)> program(::popen(("nft list " + words).c_str(), "r"), pclose);
    std::string text(1 << 16, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), program.get()));
    return text;
}

}  // namespace

TEST_CASE("what comes by a port of libvirt's that has no filter stops at the bridge's gate", "[kernel][filter]") {
    RealWorld world;
    SKIP_UNLESS(world.kernel->abilities().filter, "this host has no nftables for bridges");
    for (const char* bridge : {"ours", "theirs"}) {
        Link made = link(bridge, Bridge{});
        made.up = true;
        if (std::string_view(bridge) == "ours") made.filter = Filter::gate();
        succeed(world, Create<Link>{made});
        if (made.filter) require_as(world, made);
    }
    REQUIRE(without_weather(world.fresh_look()) == without_weather(world.kernel->state()));
    SKIP_UNLESS(listed("chain bridge netd unknown").find("ibrname") != std::string::npos, "this kernel tells no rule by which bridge a frame comes");
    for (const char* port : {"vnet7", "vnet8", "tap9"}) {
        Link made = link(port, Veth{std::nullopt, name("far-" + std::string(port)), std::nullopt});
        made.up = true;
        made.master = Master{name(port == std::string_view("vnet8") ? "theirs" : "ours")};
        succeed(world, Create<Link>{made});
        REQUIRE(std::system(("ip link set far-" + std::string(port) + " up").c_str()) == 0);
    }
    std::string blocked;
    for (int time = 0; time < 100 && blocked.find("vnet7") == std::string::npos; ++time) {  // a port forwards a moment after it is up
        for (const char* port : {"vnet8", "tap9", "vnet7"}) speak(port);
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        blocked = listed("set bridge netd blocked_unknown");
    }
    INFO(blocked);
    REQUIRE(blocked.find("vnet7") != std::string::npos);
    REQUIRE(blocked.find("vnet8") == std::string::npos);
    REQUIRE(blocked.find("tap9") == std::string::npos);
    Link known{name("vnet7")};
    known.filter = filter("standard 02:00:00:00:00:01");
    update(world, known);
    const std::string then = listed("set bridge netd blocked_unknown");
    speak("vnet7");
    REQUIRE(listed("set bridge netd blocked_unknown") == then);
}

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
        REQUIRE(table.put({{name("nic-c"), std::nullopt}}));
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
