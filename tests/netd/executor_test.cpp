// What the executor sees to besides the steps themselves.
#include "netd/apply/executor.hpp"

#include "tests/fakes/fake_kernel.hpp"
#include "tests/fakes/fake_switch.hpp"
#include "tests/netd/host_house.hpp"

#include <catch2/catch.hpp>

namespace executor_test {

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
        return apply::execute(plan, {kernel, ovs}, std::chrono::steady_clock::now() + std::chrono::seconds(60));
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

TEST_CASE("of whom the host hears nothing is not taken from an Open vSwitch that does not answer") {
    Left left(false);
    const topology::Unheard guests{{web, *topology::Mac::parse("52:54:00:00:00:01")}};
    left.kernel.unheard = guests;
    left.ovs.connect(false);
    REQUIRE_FALSE(left.removed());
    CHECK(left.kernel.unheard == guests);
    left.ovs.connect(true);
    REQUIRE(left.removed());
    CHECK(left.kernel.unheard.empty());
}

TEST_CASE("a bridge that is given the name of one that goes, while that goes, stays with its ports") {
    const IfName lan = *IfName::parse("lan"), other = *IfName::parse("other"), port = *IfName::parse("port");
    const auto made = [](const IfName& name, const char* network) { return bridges::Link{.name = name, .kind = bridges::Bridge{}, .owner = topology::Owner::ours(network)}; };
    fakes::FakeKernel kernel{"eno1"};
    fakes::FaultyKernel faulty{kernel};
    fakes::FakeSwitch ovs;
    REQUIRE(kernel.meddle(topology::Create<bridges::Link>{made(web, "network web")}));
    REQUIRE(kernel.meddle(topology::Create<bridges::Link>{made(other, "network lan")}));
    REQUIRE(kernel.meddle(topology::Create<bridges::Link>{{.name = port, .kind = bridges::Tap{}, .master = bridges::Master{web}}}));
    REQUIRE(kernel.hear());

    // Somebody has renamed lan; while it is made again, he renames web likewise.
    lower::HostState wanted;
    wanted.kernel.links.put(made(lan, "network lan"));
    faulty.refuses = [&](const bridges::Op& op) {
        if (!std::holds_alternative<topology::Create<bridges::Link>>(op)) return false;
        CHECK(kernel.meddle(topology::Remove<bridges::Link>{*kernel.truth().links.find(web)}));
        CHECK(kernel.meddle(topology::Create<bridges::Link>{made(other, "network web")}));
        bridges::Link moved{port};
        moved.master = bridges::Master{other};
        CHECK(kernel.meddle(topology::Update<bridges::Link>{*kernel.truth().links.find(port), moved}));
        return false;
    };
    lower::Scope scope;
    scope.links = {lan, other};
    REQUIRE(apply::reach(wanted, scope, {faulty, ovs}, std::chrono::steady_clock::now() + std::chrono::seconds(5)));
    CHECK(kernel.truth().links.contains(lan));
    REQUIRE(kernel.truth().links.contains(other));
    CHECK(kernel.truth().links.find(port)->master == bridges::Master{other});
}

TEST_CASE("a bridge of netd's that is given the name of one that is wanted, while that is changed, becomes that one") {
    const IfName lan = *IfName::parse("lan"), other = *IfName::parse("other");
    const auto made = [](const IfName& name, const char* network, int mtu) {
        return bridges::Link{.name = name, .kind = bridges::Bridge{}, .owner = topology::Owner::ours(network), .mtu = *topology::Mtu::from(mtu)};
    };
    fakes::FakeKernel kernel{"eno1"};
    fakes::FaultyKernel faulty{kernel};
    fakes::FakeSwitch ovs;
    REQUIRE(kernel.meddle(topology::Create<bridges::Link>{made(lan, "network lan", 1500)}));
    REQUIRE(kernel.meddle(topology::Create<bridges::Link>{made(other, "network other", 1500)}));
    REQUIRE(kernel.hear());
    lower::HostState wanted;
    wanted.kernel.links.put(made(lan, "network lan", 1400));
    bool is_renamed = false;
    faulty.refuses = [&](const bridges::Op& op) {
        if (!std::holds_alternative<topology::Update<bridges::Link>>(op) || std::exchange(is_renamed, true)) return false;
        CHECK(kernel.meddle(topology::Remove<bridges::Link>{*kernel.truth().links.find(lan)}));
        CHECK(kernel.meddle(topology::Remove<bridges::Link>{*kernel.truth().links.find(other)}));
        CHECK(kernel.meddle(topology::Create<bridges::Link>{made(lan, "network other", 1500)}));
        return false;
    };
    lower::Scope scope;
    scope.links = {lan};
    CHECK(apply::reach(wanted, scope, {faulty, ovs}, std::chrono::steady_clock::now() + std::chrono::seconds(5)));
    CHECK(is_renamed);
    CHECK(kernel.truth().links.find(lan)->owner == topology::Owner::ours("network lan"));
}

TEST_CASE("a guest's port that is given the name of a bridge that goes, while that goes, is made anew and goes, too") {
    const IfName lan = *IfName::parse("lan"), other = *IfName::parse("other"), port = *IfName::parse("port");
    const auto bridge = [](const IfName& name) { return bridges::Link{.name = name, .kind = bridges::Bridge{}, .owner = topology::Owner::ours("network lan")}; };
    const auto tap = [](const IfName& name) { return bridges::Link{.name = name, .kind = bridges::Tap{}, .owner = topology::Owner::ours("nic a")}; };
    fakes::FakeKernel kernel{"eno1"};
    fakes::FaultyKernel faulty{kernel};
    fakes::FakeSwitch ovs;
    REQUIRE(kernel.meddle(topology::Create<bridges::Link>{bridge(other)}));
    REQUIRE(kernel.meddle(topology::Create<bridges::Link>{tap(port)}));
    REQUIRE(kernel.hear());
    lower::HostState wanted;
    wanted.kernel.links.put(bridge(lan));
    wanted.kernel.links.put(tap(port));
    faulty.refuses = [&](const bridges::Op& op) {
        if (!std::holds_alternative<topology::Create<bridges::Link>>(op) || !kernel.truth().links.contains(other) || kernel.truth().links.find(other)->owner == topology::Owner::ours("nic a")) return false;
        CHECK(kernel.meddle(topology::Remove<bridges::Link>{*kernel.truth().links.find(other)}));
        CHECK(kernel.meddle(topology::Remove<bridges::Link>{*kernel.truth().links.find(port)}));
        CHECK(kernel.meddle(topology::Create<bridges::Link>{tap(other)}));
        return false;
    };
    lower::Scope scope;
    scope.links = {lan, other, port};
    REQUIRE(apply::reach(wanted, scope, {faulty, ovs}, std::chrono::steady_clock::now() + std::chrono::seconds(5)));
    CHECK(kernel.truth().links.contains(lan));
    CHECK(kernel.truth().links.contains(port));
    CHECK_FALSE(kernel.truth().links.contains(other));
}

TEST_CASE("what Open vSwitch is to size, and what stands on that, the kernel is told of afterwards") {
    const auto size = [](int mtu) {
        lower::HostState host;
        bridges::Link device{web}, vlan{*IfName::parse("web.7")};
        device.kind = bridges::Device{}, vlan.kind = bridges::Vlan{web, *topology::VlanId::from(7)};
        device.stack = bridges::HostStack{.autoconf = mtu == 1500};
        device.mtu = vlan.mtu = *topology::Mtu::from(mtu);
        ovs::Port port{.name = web, .bridge = bridge};
        port.internal = true, port.mtu = device.mtu;
        host.kernel.links.put(device), host.kernel.links.put(vlan), host.ovs.ports.put(port);
        return host;
    };
    const plan::Plan rising = plan::make(size(1500), size(1000));
    std::vector<std::string> told;
    for (const plan::Step& step : rising) told.push_back((std::holds_alternative<ovs::Op>(step.op) ? "ovs: " : "") + plan::describe(step.op));
    CHECK(told == std::vector<std::string>{"ovs: change OVS port web of ovs-eno1: mtu 1000 becomes 1500", "change device web: mtu 1000 becomes 1500", "change vlan web.7: mtu 1000 becomes 1500", "change device web: IPv6 addresses from router announcements"});
}

TEST_CASE("a step says what it changes in words that need no source to be read beside them", "[plan]") {
    using topology::Role, topology::Standing;
    const auto eno1 = *topology::IfName::parse("eno1");
    const auto told = [](const bridges::Link& was, const bridges::Link& now) { return plan::describe(bridges::Op(topology::Update<bridges::Link>{was, now})); };
    const bridges::Link free{.name = eno1, .up = false, .master = bridges::Master{}, .stack = bridges::HostStack{.ipv6 = true, .arp_strict = false}, .standing = Standing()};
    const bridges::Link taken{.name = eno1, .up = true, .master = bridges::Master{*topology::IfName::parse("web")}, .stack = bridges::HostStack{.ipv6 = false, .arp_strict = true}, .standing = Standing::closed()};
    CHECK(told(free, taken).ends_with(" eno1: set up, master none becomes web, IPv6 off, ARP is answered for its own addresses only, the host itself takes nothing from it"));
    CHECK(told({.name = eno1, .standing = Standing()}, {.name = eno1, .standing = Standing::in_network({Role::management, Role::vm})}).ends_with(" eno1: the host answers on it as on a network for management vm"));
    CHECK(told({.name = eno1, .kind = bridges::Bridge{{{"stp_state", "0"}}}}, {.name = eno1, .kind = bridges::Bridge{{{"stp_state", "1"}}}}).ends_with(" eno1: stp_state 0 becomes 1"));
    CHECK(told({.name = web, .kind = bridges::Device{}}, {.name = web, .kind = bridges::Device{}, .stack = bridges::HostStack{.ipv6 = false, .forwarding = false}, .routed = true})
          == "change device web: IPv6 off, nothing is forwarded from it, the kernel's own routes to its subnets");
    const bridges::Link bond{.name = eno1, .kind = bridges::Bond{{{"primary", ""}}}};
    CHECK(told(bond, bond).ends_with(" eno1: no primary"));
}

TEST_CASE("a NIC is changed because of the bridge that it is a port of", "[plan]") {
    told::House house{"eth0"};
    house.define({{"networks", {{"web", {{"nic", "eth0"}}}}}});
    bridges::Link pulled{house.link("eth0").name};
    pulled.master = bridges::Master{};
    house.meddle(pulled);
    std::set<std::string> reasons;
    for (const plan::Step& step : house.left())
        if (plan::subject(step.op) == "eth0") reasons.insert(step.because);
    CHECK(reasons == std::set<std::string>{"web has it as a port"});
}

}  // namespace executor_test
