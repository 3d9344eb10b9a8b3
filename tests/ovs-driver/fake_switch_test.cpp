// What the fake Open vSwitch does that a test needs and the contract (tests/contract/switch_test.cpp) does not say.
#include "tests/fakes/fake_switch.hpp"

#include "ovs-driver/plan.hpp"

#include <catch2/catch.hpp>

namespace fake_switch_test {

using namespace ovs;
using fakes::FakeKernel;
using fakes::FakeSwitch;

namespace {

IfName name(std::string_view text) { return *IfName::parse(text); }
VlanId vlan(int number) { return *VlanId::from(number); }

Bridge bridge(std::string_view called) { return {.name = name(called), .owner = Owner::ours("network blue"), .datapath = "netdev", .stp = false, .rstp = false, .protocols = "", .fail_mode = "", .controllers = ""}; }
Port port(std::string_view called, std::string_view on, Tagging tagging = Trunk{}, bool internal = true) {
    return {.name = name(called), .bridge = name(on), .owner = Owner::ours("nic"), .internal = internal, .tagging = tagging, .isolated = false};
}
State blue() {
    return {.bridges = {bridge("blue")}, .ports = {port("b1", "blue", Access{vlan(10)}), port("up0", "blue", Trunk{}, false)}};
}

Progress apply(FakeSwitch& ovs, std::vector<Op> ops) { return ovs.apply(ops, {}); }
Progress bring_about(FakeSwitch& ovs, const State& want) {
    std::vector<Op> ops;
    for (const Step& step : ovs::plan(want, ovs.state())) ops.push_back(step.op);
    return apply(ovs, ops);
}

}  // namespace

TEST_CASE("devices of bridges and internal ports come and go with them, and netd hears of it") {
    FakeKernel kernel{"up0"};
    FakeSwitch ovs(&kernel);
    REQUIRE_FALSE(bring_about(ovs, blue()).stopped);
    REQUIRE_FALSE(kernel.state().links.contains(name("b1")));
    REQUIRE(kernel.hear()->changed);
    REQUIRE(kernel.state().links.contains(name("b1")));
    REQUIRE(kernel.state().links.contains(name("blue")));
    REQUIRE(ovs.state().ports.find(name("b1"))->facts.ifindex == kernel.state().links.find(name("b1"))->facts.index);
    REQUIRE_FALSE(bring_about(ovs, {}).stopped);
    REQUIRE(kernel.hear()->changed);
    REQUIRE(kernel.state().links.size() == 1);
    REQUIRE(ovs.state() == State{});
}

TEST_CASE("a port whose device isn't there, or is another's, is in the database and an error") {
    FakeKernel kernel{"up0"};
    FakeSwitch ovs(&kernel);
    const bridges::Op linux_bridge = bridges::Create<bridges::Link>{bridges::Link{name("br0"), bridges::Bridge{}}};
    REQUIRE(kernel.apply({&linux_bridge, 1}).done == 1);
    bridges::Link taken{name("up0")};
    taken.master = bridges::Master{name("br0")};
    REQUIRE(kernel.meddle(bridges::Update<bridges::Link>{taken, taken}));
    Bridge system = bridge("blue");
    system.datapath = "system";
    const Progress progress = apply(ovs, {Create<Bridge>{system}, Create<Port>{port("nosuch", "blue", Trunk{}, false)}, Create<Port>{port("up0", "blue", Trunk{}, false)}});
    REQUIRE(progress.done == 1);
    REQUIRE(progress.stopped == Error{Fault::backend, "nosuch", "could not open network device nosuch (No such device)"});
    REQUIRE(ovs.state().ports.find(name("nosuch"))->facts.ofport == -1);
    REQUIRE(ovs.state().ports.find(name("up0"))->facts.error == "could not add network device up0 to ofproto (Device or resource busy)");
}

TEST_CASE("without a connection, without ovs-vswitchd and with a connection that goes there is no success") {
    FakeSwitch ovs;
    ovs.connect(false);
    REQUIRE(ovs.hear());
    REQUIRE(apply(ovs, {Create<Bridge>{bridge("blue")}}).stopped->fault == Fault::backend);
    REQUIRE(ovs.truth() == State{});
    ovs.connect(true);
    ovs.loses_connection = 0;
    REQUIRE(apply(ovs, {Create<Bridge>{bridge("blue")}}).stopped->fault == Fault::lost_sync);
    REQUIRE(ovs.state() == State{});
    ovs.connect(true);
    REQUIRE(ovs.hear());
    REQUIRE(ovs.state().bridges.contains(name("blue")));
    ovs.has_vswitchd = false;
    REQUIRE(apply(ovs, {Create<Bridge>{bridge("green")}}).stopped->fault == Fault::timeout);
    REQUIRE(ovs.state().bridges.contains(name("green")));
}

}  // namespace fake_switch_test
