#include "netd/serve/blocked_watch.hpp"

#include <catch2/catch.hpp>

namespace blocked_test {

using bridges::Blocked;

TEST_CASE("what was dropped since the last look is news, and nothing else is") {
    const auto port = topology::IfName::observed("nic-a"), other = topology::IfName::observed("nic-b");
    const Blocked before{{port, {{"mac", 5}, {"tag", 2}}}};
    CHECK(serve::news_of(before, before).empty());
    CHECK(serve::news_of(before, {}).empty());
    CHECK(serve::news_of({}, before) == before);
    CHECK(serve::news_of(before, {{port, {{"mac", 9}, {"tag", 2}}}, {other, {{"dhcp", 1}}}}) == Blocked{{port, {{"mac", 4}}}, {other, {{"dhcp", 1}}}});
    // The table was put up anew: it counts from nought.
    CHECK(serve::news_of(before, {{port, {{"mac", 3}}}}) == Blocked{{port, {{"mac", 3}}}});
}

TEST_CASE("what a port on Open vSwitch has dropped is what its flows say, wherever it was before") {
    const auto moved = topology::IfName::observed("nic-a"), stayed = topology::IfName::observed("nic-b"), device = topology::IfName::observed("lan");
    ovs::Port port{moved};
    port.filter = topology::Filter{topology::Mac::of({})};
    ovs::State state;
    state.ports.put(port);
    state.ports.put(ovs::Port{device});
    const Blocked tables{{moved, {{"mac", 5}, {"tag", 2}}}, {stayed, {{"mac", 1}}}, {device, {{"port", 4}}}};
    CHECK(serve::together(tables, {{moved, {{"mac", 9}}}}, state) == Blocked{{moved, {{"mac", 9}}}, {stayed, {{"mac", 1}}}, {device, {{"port", 4}}}});
    CHECK(serve::together(tables, {}, state) == Blocked{{stayed, {{"mac", 1}}}, {device, {{"port", 4}}}});
    CHECK(serve::together(tables, {}, {}) == tables);
}

}  // namespace blocked_test
