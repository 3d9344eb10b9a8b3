// Whose taps are let in at a bridge's gate, and whose are not.
#include "netd/daemon/gatekeeper.hpp"

#include "tests/netd/guests_house.hpp"
#include "tests/netd/host_house.hpp"

namespace gatekeeper_test {

namespace {

struct Gate {
    fakes::FakeKernel kernel{"eno1"};
    fakes::FakeSwitch ovs{&kernel};
    fakes::FakeHypervisor hypervisor{&kernel};
    netd::Gatekeeper keeper{{kernel, ovs, hypervisor}};

    explicit Gate(const char* tap) {
        kernel.able.gates = true;
        bridges::Link bridge{told::name("web")};
        bridge.kind = bridges::Bridge{};
        bridge.gate = true;
        REQUIRE(kernel.meddle(topology::Create<bridges::Link>{bridge}));
        REQUIRE(kernel.meddle(told::foreign_tap(tap, "web")));
        REQUIRE(kernel.look());
    }
    bool lets_in(const char* tap) const { return kernel.truth().links.find(told::name(tap))->admitted == true; }
};

}  // namespace

TEST_CASE("a tap is let in once the hypervisor knows nothing of it, and shut out when it does", "[gates]") {
    Gate gate{"tap0"};
    CHECK(gate.keeper.see_to_taps());
    CHECK(gate.hypervisor.asked == 1);
    CHECK(gate.lets_in("tap0"));
    CHECK_FALSE(gate.keeper.see_to_taps());
    guests::Nic nic{"vm", house::mac};
    nic.device = told::name("tap0");
    gate.hypervisor.start("vm");
    gate.hypervisor.plug_by_itself(nic);
    REQUIRE(gate.hypervisor.hear());
    CHECK(gate.keeper.see_to_taps());
    CHECK_FALSE(gate.lets_in("tap0"));
    CHECK_FALSE(gate.keeper.see_to_taps());
}

TEST_CASE("a tap waits while the hypervisor can't be asked, and so does one that has a name of its", "[gates]") {
    Gate away{"tap0"}, named{"vnet7"};
    away.hypervisor.connect(false);
    for (Gate* gate : {&away, &named}) CHECK_FALSE(gate->keeper.see_to_taps());
    CHECK_FALSE(away.lets_in("tap0"));
    CHECK_FALSE(named.lets_in("vnet7"));
}

TEST_CASE("where a gate comes to stand again who was there stays let in, unless it waits already", "[gates]") {
    Gate gate{"tap0"};
    gate.keeper.admit_bystanders({told::name("db")}, {});
    CHECK_FALSE(gate.lets_in("tap0"));
    gate.keeper.admit_bystanders({told::name("web")}, {});
    CHECK(gate.lets_in("tap0"));
    Gate waits{"tap0"};
    waits.hypervisor.connect(false);
    CHECK_FALSE(waits.keeper.see_to_taps());
    waits.keeper.admit_bystanders({told::name("web")}, {});
    CHECK_FALSE(waits.lets_in("tap0"));
}

}  // namespace gatekeeper_test
