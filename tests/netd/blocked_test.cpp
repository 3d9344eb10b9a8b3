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

}  // namespace blocked_test
