// What routers said on a wire is forgotten by devices that are on another one.
#include "netd/daemon/left_wires.hpp"
#include "tests/netd/transaction_house.hpp"

namespace left_wires_test {

using namespace house;
using topology::IfName;

TEST_CASE("devices that come to another wire together wait for Open vSwitch once", "[routers]") {
    struct Looked : fakes::FakeSwitch {
        using FakeSwitch::FakeSwitch;
        bool forwards_as_told(std::chrono::steady_clock::time_point) override { return ++looks > 0; }
        int looks = 0;
    };
    fakes::FakeKernel kernel{"eno1"};
    Looked ovs{&kernel};
    fakes::FakeClock clock;
    Disk disk;
    apply::Transactor transactor{{kernel, ovs}, disk.open(), clock};
    std::ignore = transactor.recover();
    constexpr const char* two = R"({"networks": {"web": {"nic": "eno1", "vlan": 7, "switch": "ovs", "ipv6autoconf": true}, "db": {"nic": "eno1", "vlan": 8, "switch": "ovs", "ipv6autoconf": true}}})";
    REQUIRE(std::holds_alternative<apply::Committed>(transactor.begin(wanted(two, {}, kernel), unasked)));
    std::set<IfName> devices;
    for (const lower::Hearing& network : lower::hearing(transactor.running())) devices.insert(network.device);
    REQUIRE(devices.size() == 2);
    const bridges::State before = kernel.truth();
    const std::size_t batches = kernel.batches();
    netd::forget_wires({kernel, ovs}, devices);
    CHECK(ovs.looks == 1);
    CHECK(kernel.batches() == batches + 4);  // off and on again, each
    require_same(before, kernel.truth());
}

}  // namespace left_wires_test
