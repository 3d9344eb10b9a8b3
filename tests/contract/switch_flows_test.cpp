// What others do to the flows of a real Open vSwitch, and what becomes of it.
#include "tests/contract/switch_host.hpp"
#include "tests/skip.hpp"

#include <catch2/catch.hpp>

#include <csignal>

namespace switch_flows_test {

using namespace switch_host;

TEST_CASE("a flow that somebody puts above the filters goes, also where ovs-vswitchd takes no flows at first") {
    SKIP_UNLESS(PrivateOvs::lacking().empty(), PrivateOvs::lacking());
    Host host;
    State want = blue();
    Port guest = port("b4", "blue", Access{vlan(10)});
    guest.filter = *topology::Filter::parse("standard 52:54:00:00:00:99");
    want.ports.put(guest);
    REQUIRE(refusal(bring_about(*host.ovs, want)) == "");
    REQUIRE(host.machine.ofctl("add-flow", "blue", "cookie=7,priority=65535,actions=NORMAL") == 0);
    REQUIRE(host.machine.has_flow("blue", "priority=65535"));
    host.machine.signal_vswitchd(SIGSTOP);
    CHECK_FALSE(until(*host.ovs, [] { return false; }, 2s));  // it is given less, and then another connection
    host.machine.signal_vswitchd(SIGCONT);
    CHECK(until(*host.ovs, [&] { return !host.machine.has_flow("blue", "priority=65535"); }));
}

}  // namespace switch_flows_test
