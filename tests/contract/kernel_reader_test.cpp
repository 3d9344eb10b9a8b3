// Whatever bytes arrive, the reader of rtnetlink's messages stays within them. Meant to be run with sanitizers.
#include "bridges/mirror.hpp"
#include "bridges/nl_socket.hpp"
#include "bridges/nl_write.hpp"
#include "tests/contract/kernel_worlds.hpp"

#include <sys/socket.h>

#include <random>

namespace kernel_reader_test {

using namespace worlds;

namespace {

std::vector<std::byte> real_messages() {
    RealWorld world;
    Link bridge = link("web", Bridge{});
    bridge.up = true;
    Link port{name("eth0")};
    port.master = Master{name("web")};
    port.up = true;
    port.addresses = std::set{subnet("192.0.2.1/24"), subnet("2001:db8::1/64")};
    succeed(world, std::vector<Op>{Create<Link>{bridge}, Create<Rule>{Rule{3200, false, subnet("192.0.2.0/24"), {}, {}, 100}}});
    update(world, port);
    if (world.kernel->abilities().bond) succeed(world, Create<Link>{link("bond0", Bond{{{"mode", "802.3ad"}}})});
    auto socket = RequestSocket::open();
    REQUIRE(socket);
    std::vector<std::byte> all;
    for (const Message& question : {ask_links(), ask_bridge_ports(), ask_addresses(), ask_routes(AF_INET, {}, {}),
                                    ask_routes(AF_INET6, {}, {}), ask_rules(AF_INET), ask_rules(AF_INET6)}) {
        auto listed = socket->dump(question);
        REQUIRE(listed);
        all.insert(all.end(), listed->begin(), listed->end());
    }
    return all;
}

}  // namespace

TEST_CASE("messages of random damage are read without harm", "[kernel][reader]") {
    const auto whole = real_messages();
    REQUIRE(whole.size() > 4000);
    std::mt19937 random(7);
    const auto below = [&](std::size_t bound) { return random() % bound; };
    for (int round = 0; round < 3000; ++round) {
        const std::size_t size = round % 3 ? whole.size() : 4 * (1 + below(whole.size() / 4));
        // An allocation of just that size, so that a sanitizer sees the first byte too far.
        std::vector<std::byte> damaged(whole.begin(), whole.begin() + static_cast<long>(size));
        for (std::size_t i = 0; i < 1 + below(60); ++i) damaged[below(size)] = static_cast<std::byte>(random());
        Mirror mirror;
        each_message({damaged.data(), damaged.size()}, [&](const nlmsghdr& message) { mirror.take(message); });
        mirror.settle();
        for (const Link& link : mirror.state().links) REQUIRE_FALSE(link.name.text().empty());
    }
}

}  // namespace kernel_reader_test
