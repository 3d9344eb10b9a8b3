// Which changes lead Open vSwitch from what it has to what is wanted, and which there must not be.
#include "ovs-driver/plan.hpp"

#include <catch2/catch.hpp>

namespace ovs_plan_test {

using namespace ovs;
using ovs::plan;  // and not what is in netd/plan

namespace {

IfName name(std::string_view text) { return *IfName::parse(text); }
VlanId vlan(int number) { return *VlanId::from(number); }
Owner ours() { return Owner::ours("network blue"); }

// As the database tells it.
Bridge bridge(std::string_view called) { return {.name = name(called), .owner = ours(), .datapath = "system", .stp = false}; }
Port port(std::string_view called, std::string_view on, Tagging tagging = Trunk{}) {
    return {.name = name(called), .bridge = name(on), .owner = ours(), .internal = true, .tagging = tagging, .isolated = false};
}
Port foreign(Port port) {
    port.owner = Owner::foreign();
    return port;
}
Bridge foreign(Bridge bridge) {
    bridge.owner = Owner::foreign();
    return bridge;
}

using Steps = std::vector<Step>;

}  // namespace

TEST_CASE("Open vSwitch as it is wanted needs no change, whatever ovs-vswitchd says of it") {
    Port running = port("b1", "blue");
    running.facts = {.ofport = 7, .error = "", .ifindex = 12};
    const State have{.bridges = {bridge("blue")}, .ports = {running}};
    REQUIRE(plan({.bridges = {bridge("blue")}, .ports = {port("b1", "blue")}}, have).empty());
    REQUIRE(plan(have, have).empty());
    REQUIRE(plan({}, {}).empty());
}

TEST_CASE("an attribute that nobody speaks of stays") {
    const State have{.bridges = {bridge("blue")}, .ports = {port("b1", "blue", Access{vlan(5)})}};
    REQUIRE(plan({.bridges = {Bridge{name("blue")}}, .ports = {Port{name("b1")}}}, have).empty());
}

TEST_CASE("a bridge comes before its ports") {
    const State want{.bridges = {bridge("zebra")}, .ports = {port("a1", "zebra"), port("a2", "zebra", Access{vlan(0)})}};
    REQUIRE(plan(want, {}) == Steps{{Create<Bridge>{bridge("zebra")}, Phase::build},
                                    {Create<Port>{port("a1", "zebra")}, Phase::build},
                                    {Create<Port>{port("a2", "zebra", Access{vlan(0)})}, Phase::build}});
}

TEST_CASE("what is ours and not wanted goes before anything comes; what is foreign stays") {
    const Bridge theirs = foreign(bridge("br-int"));
    const Port patch = foreign(port("patch", "br-int"));
    const State have{.bridges = {bridge("old"), theirs}, .ports = {port("up0", "old"), patch}};
    const State want{.bridges = {bridge("new")}, .ports = {port("n1", "new")}};
    REQUIRE(plan(want, have) == Steps{{Remove<Port>{port("up0", "old")}, Phase::release},
                                      {Remove<Bridge>{bridge("old")}, Phase::release},
                                      {Create<Bridge>{bridge("new")}, Phase::build},
                                      {Create<Port>{port("n1", "new")}, Phase::build}});
    REQUIRE(plan({}, {.bridges = {theirs}, .ports = {patch}}).empty());
}

TEST_CASE("a change says only what it changes") {
    Port want = port("b1", "blue", Access{vlan(20)});
    want.isolated = true;
    Bridge with_stp = bridge("blue");
    with_stp.stp = true;
    const Port have = port("b1", "blue", Access{vlan(10)});
    REQUIRE(plan({.bridges = {with_stp}, .ports = {want}}, {.bridges = {bridge("blue")}, .ports = {have}}) ==
            Steps{{Update<Bridge>{bridge("blue"), {.name = name("blue"), .stp = true}}, Phase::build},
                  {Update<Port>{have, {.name = name("b1"), .tagging = Access{vlan(20)}, .isolated = true}}, Phase::build}});
}

TEST_CASE("tags are one thing: a trunk without a native tag is not one with it") {
    const Trunk tagged{.tags = *VlanSet::parse("5-7")}, native{.tags = *VlanSet::parse("5-7"), .native = vlan(5)};
    const State have{.bridges = {bridge("blue")}, .ports = {port("b1", "blue", native)}};
    REQUIRE(plan({.bridges = {bridge("blue")}, .ports = {port("b1", "blue", tagged)}}, have) ==
            Steps{{Update<Port>{port("b1", "blue", native), {.name = name("b1"), .tagging = tagged}}, Phase::build}});
}

TEST_CASE("a port that moves between bridges is one change") {
    const State have{.bridges = {bridge("blue"), bridge("green")}, .ports = {port("b1", "blue")}};
    const State want{.bridges = {bridge("blue"), bridge("green")}, .ports = {port("b1", "green")}};
    REQUIRE(plan(want, have) == Steps{{Update<Port>{port("b1", "blue"), {.name = name("b1"), .bridge = name("green")}}, Phase::build}});
}

TEST_CASE("a bridge whose port moves to one that comes goes after it") {
    const State have{.bridges = {bridge("blue")}, .ports = {port("b1", "blue"), port("b2", "blue")}};
    const State want{.bridges = {bridge("green")}, .ports = {port("b1", "green")}};
    REQUIRE(plan(want, have) == Steps{{Remove<Port>{port("b2", "blue")}, Phase::release},
                                      {Create<Bridge>{bridge("green")}, Phase::build},
                                      {Update<Port>{port("b1", "blue"), {.name = name("b1"), .bridge = name("green")}}, Phase::build},
                                      {Remove<Bridge>{bridge("blue")}, Phase::build}});
}

TEST_CASE("a bridge that is ours and not wanted is left to those who have a port or a mirror there") {
    const Port tap = foreign(port("tap0", "old"));
    const PortMirror theirs{.name = name("theirs"), .bridge = name("old"), .owner = Owner::foreign()};
    const Steps released{{Remove<Port>{port("up0", "old")}, Phase::release},
                         {Update<Bridge>{bridge("old"), {.name = name("old"), .owner = Owner::foreign()}}, Phase::build}};
    REQUIRE(plan({}, {.bridges = {bridge("old")}, .ports = {port("up0", "old"), tap}}) == released);
    REQUIRE(plan({}, {.bridges = {bridge("old")}, .ports = {port("up0", "old")}, .mirrors = {theirs}}) == released);
    REQUIRE(plan({}, {.bridges = {foreign(bridge("old"))}, .ports = {tap}, .mirrors = {theirs}}).empty());
}

TEST_CASE("what others have on a bridge moves with its ports, as it is") {
    const Port tap = foreign(port("tap0", "old"));
    const PortMirror theirs{.name = name("theirs"), .bridge = name("old"), .owner = Owner::foreign(), .tags = VlanSet{}};
    const State have{.bridges = {bridge("old")}, .ports = {port("b1", "old"), tap}, .mirrors = {theirs}};
    const State want{.bridges = {bridge("new")}, .ports = {port("b1", "new"), {.name = name("tap0"), .bridge = name("new")}},
                     .mirrors = {{.name = name("theirs"), .bridge = name("new")}}};
    REQUIRE(plan(want, have) == Steps{{Create<Bridge>{bridge("new")}, Phase::build},
                                      {Update<Port>{port("b1", "old"), {.name = name("b1"), .bridge = name("new")}}, Phase::build},
                                      {Update<Port>{tap, {.name = name("tap0"), .bridge = name("new")}}, Phase::build},
                                      {Update<PortMirror>{theirs, {.name = name("theirs"), .bridge = name("new")}}, Phase::build},
                                      {Remove<Bridge>{bridge("old")}, Phase::build}});
}

TEST_CASE("a port with an interface beside its own is made anew") {
    Port want = port("b1", "blue"), have = port("b1", "blue");
    want.others = "", have.others = "beside";
    REQUIRE(plan({.bridges = {bridge("blue")}, .ports = {want}}, {.bridges = {bridge("blue")}, .ports = {have}}) ==
            Steps{{Remove<Port>{have}, Phase::release}, {Create<Port>{want}, Phase::build}});
}

TEST_CASE("a port of another type is another port") {
    Port device = port("b1", "blue");
    device.internal = false;
    const State have{.bridges = {bridge("blue")}, .ports = {port("b1", "blue")}};
    REQUIRE(plan({.bridges = {bridge("blue")}, .ports = {device}}, have) ==
            Steps{{Remove<Port>{port("b1", "blue")}, Phase::release}, {Create<Port>{device}, Phase::build}});
}

TEST_CASE("a foreign bridge or port that is wanted is changed, and made ours if that is wanted") {
    const State have{.bridges = {foreign(bridge("blue"))}, .ports = {foreign(port("up0", "blue"))}};
    REQUIRE(plan({.bridges = {bridge("blue")}, .ports = {port("up0", "blue")}}, have) ==
            Steps{{Update<Bridge>{foreign(bridge("blue")), {.name = name("blue"), .owner = ours()}}, Phase::build},
                  {Update<Port>{foreign(port("up0", "blue")), {.name = name("up0"), .owner = ours()}}, Phase::build}});
}

TEST_CASE("bridges and ports are told in words") {
    REQUIRE(describe(bridge("blue")) == "OVS bridge blue");
    REQUIRE(describe(port("b1", "blue", Access{vlan(0)})) == "OVS port b1 of blue untagged");
    REQUIRE(describe(port("b1", "blue", Access{vlan(7)})) == "OVS port b1 of blue with tag 7");
    REQUIRE(describe(port("b1", "blue")) == "OVS port b1 of blue with every tag");
    REQUIRE(describe(port("b1", "blue", Trunk{*VlanSet::parse("0,5-6"), vlan(5)})) == "OVS port b1 of blue with tags 0,5-6, 5 untagged");
    REQUIRE(describe(Port{name("b1")}) == "OVS port b1");
}

}  // namespace ovs_plan_test
