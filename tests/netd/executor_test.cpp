// What the executor sees to besides the steps themselves.
#include "netd/apply/executor.hpp"

#include "tests/fakes/fake_kernel.hpp"
#include "tests/fakes/fake_switch.hpp"

#include <catch2/catch.hpp>

using topology::IfName;

namespace {

const IfName web = *IfName::parse("web"), bridge = *IfName::parse("ovs-eno1");

// A tap, and a switch that has a port of its name but makes and takes away no devices: as if ovs-vswitchd had died.
struct Left {
    fakes::FakeKernel kernel{"eno1"};
    fakes::FakeSwitch ovs;
    ovs::Port port{.name = web, .bridge = bridge};

    explicit Left(bool internal) {
        REQUIRE(kernel.meddle(topology::Create<bridges::Link>{{.name = web, .kind = bridges::Tap{}}}));
        REQUIRE(kernel.hear());
        REQUIRE(ovs.meddle(topology::Create<ovs::Bridge>{{.name = bridge}}));
        port.internal = internal;
        REQUIRE(ovs.meddle(topology::Create<ovs::Port>{port}));
        ovs.hear();
    }
    topology::Result<> removed() {
        const plan::Plan plan{{ovs::Op(topology::Remove<ovs::Port>{port}), {1, 0}, "test"}};
        return apply::execute(plan, {kernel, ovs}, std::chrono::steady_clock::now() + std::chrono::seconds(5));
    }
};

}  // namespace

TEST_CASE("a device that Open vSwitch made, and left when its daemon died, goes with its port") {
    Left left(true);
    REQUIRE(left.removed());
    CHECK_FALSE(left.kernel.truth().links.contains(web));
}

TEST_CASE("a device that Open vSwitch did not make stays when its port goes") {
    Left left(false);
    REQUIRE(left.removed());
    CHECK(left.kernel.truth().links.contains(web));
}
