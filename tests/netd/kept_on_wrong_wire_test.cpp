// What Open vSwitch has kept on the wire of another network, while nobody carries out what it is told.
#include "tests/netd/host_house.hpp"
#include "tests/netd/transaction_house.hpp"

namespace kept_on_wrong_wire_test {

using bridges::Link;
using told::name;

TEST_CASE("what an Open vSwitch that does not answer has kept on a wrong wire is in the way of no repair", "[wrong-wire]") {
    const bool is_dead = GENERATE(true, false);
    CAPTURE(is_dead);
    fakes::FakeKernel kernel{"eno1", "eno2"};
    fakes::FakeSwitch ovs{&kernel};
    fakes::FakeClock clock;
    house::Disk disk;
    apply::Transactor transactor{{kernel, ovs}, disk.open(), clock};
    std::ignore = transactor.recover();
    constexpr const char* two_cards = R"({"networks": {"web": {"nic": "eno1", "vlan": 100, "switch": "ovs"}, "db": {"nic": "eno2", "vlan": 100, "switch": "ovs"}}})";
    const intent::GuestNic of_web = told::nic("one", "web");
    intent::Intent wanted = house::wanted(two_cards, {}, kernel);
    wanted.put(of_web);
    REQUIRE(std::holds_alternative<apply::Committed>(transactor.begin(wanted, house::unasked)));
    wanted = house::wanted(R"({"networks": {"lan": {}}})", transactor.running(), kernel);
    REQUIRE(std::holds_alternative<apply::Committed>(transactor.begin(wanted, house::unasked)));

    // The first card is away, and the second has its name.
    Link second{name("eno1")};
    second.kind = bridges::Veth{std::nullopt, name("1one"), std::nullopt};
    second.mac = kernel.truth().links.find(name("eno2"))->mac;
    kernel.pull_out("eno1");
    kernel.pull_out("eno2");
    REQUIRE(kernel.hear());
    REQUIRE(kernel.meddle(topology::Create<Link>{second}));
    REQUIRE(kernel.hear());
    REQUIRE(transactor.follow_names());
    if (is_dead) ovs.has_vswitchd = false;
    else ovs.stands_still = true;
    REQUIRE(kernel.meddle(topology::Remove<Link>{*kernel.truth().links.find(name("lan"))}));
    REQUIRE(kernel.hear());

    const intent::Intent there = lower::attainable(transactor.standing(), {kernel.state(), false});
    const auto mended = transactor.mend(there, lower::within(lower::touched_by_names({"lan"}, {}, {}, there), there));
    REQUIRE(std::holds_alternative<apply::Committed>(mended));
    CHECK(kernel.truth().links.contains(name("lan")));
    CHECK(ovs.truth().ports.contains(lower::port_of(of_web)));

    // Nor of a change that needs the kernel alone; one that is about that very port needs both.
    REQUIRE(std::holds_alternative<apply::Committed>(transactor.begin(house::wanted(R"({"networks": {"dmz": {}}})", transactor.running(), kernel), house::unasked)));
    CHECK(kernel.truth().links.contains(name("dmz")));
    CHECK(ovs.truth().ports.contains(lower::port_of(of_web)));
    intent::Intent without = transactor.running();
    without.remove(of_web.key());
    CHECK(std::holds_alternative<apply::RolledBack>(transactor.begin(without, house::unasked)));
}

}  // namespace kept_on_wrong_wire_test
