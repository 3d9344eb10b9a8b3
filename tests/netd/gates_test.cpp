// A tap that others plugged in carries nothing until it is known whose it is.
#include "netd/lower/gates.hpp"

#include "netd/observe/drift.hpp"
#include "tests/netd/guests_house.hpp"
#include "tests/netd/host_house.hpp"

namespace gates_test {

using lower::Testimony;
using topology::IfName;

namespace {

IfName name(const char* text) { return IfName::observed(text); }

std::optional<bool> gate_of(const char* bridge, const char* networks, std::optional<bool> gates) {
    told::House house{"eth0"};
    house.now.abilities.gates = house.kernel.able.gates = gates.has_value();
    house.now.guests_where = gates == true ? "fake" : "";
    house.define(told::json::parse(networks));
    const auto wanted = lower::lower(house.now.running, lower::everything(house.now.running), house.now.host());
    const auto* link = wanted.kernel.links.find(name(bridge));
    REQUIRE(link);
    CHECK(house.left().empty());
    CHECK(house.link(bridge).gate == link->gate);
    return link->gate;
}

}  // namespace

TEST_CASE("a bridge has a gate where a hypervisor may plug in by itself, and none where nobody does", "[gates]") {
    constexpr const char* legacy = R"({"networks": {"web": {"nic": "eth0", "vlan": 7}}})";
    constexpr const char* aware = R"({"networks": {"web": {"nic": "eth0", "vlan": 7, "switch": "vlan-aware"}}})";
    constexpr const char* inside = R"({"networks": {"web": {"switch": "vlan-aware"}}})";
    for (const auto& [bridge, networks] : {std::pair{"web", legacy}, {"vb-eth0", aware}, {"web", inside}}) {
        CAPTURE(networks);
        CHECK(gate_of(bridge, networks, true) == true);
        CHECK(gate_of(bridge, networks, false) == false);
        CHECK_FALSE(gate_of(bridge, networks, std::nullopt));
    }
}

TEST_CASE("a gate that somebody opened is drift, and is mended alone", "[gates]") {
    told::House house{"eth0"};
    house.now.abilities.gates = house.kernel.able.gates = true;
    house.now.guests_where = "fake";
    house.define({{"networks", {{"web", {{"nic", "eth0"}}}}}});
    bridges::Link open{name("web")};
    open.gate = false;
    house.meddle(open);
    CHECK(observe::find_drift(house.now).networks == observe::Drift::Deviations{{"web", {{"web", "gate", "true", "false"}}}});
    const auto plan = house.left();
    REQUIRE(plan.size() == 1);
    const auto& update = std::get<topology::Update<bridges::Link>>(std::get<bridges::Op>(plan.front().op));
    bridges::Link closed{name("web")};
    closed.gate = true;
    CHECK(update.now == closed);
}

TEST_CASE("what is taken back takes its gate along, and leaves those of others", "[gates]") {
    house::GuestHost host;
    host.kernel.able.gates = true;
    const auto before = host.kernel.truth();
    const auto wanted = house::wanted(R"({"networks": {"lab": {}}})", host.transactor.running(), host.kernel);
    REQUIRE(std::holds_alternative<apply::Waiting>(host.transactor.begin(wanted, house::to_be_confirmed)));
    CHECK(host.kernel.truth().links.find(name("lab"))->gate == true);
    REQUIRE(std::holds_alternative<apply::RolledBack>(host.transactor.roll_back({topology::Fault::timeout, "", "nobody confirmed it"})));
    house::require_same(before, host.kernel.truth());
}

TEST_CASE("a tap waits at a gate unless it is filtered, admitted, or on a bridge without one", "[gates]") {
    fakes::FakeKernel kernel{"eth0"};
    kernel.able.gates = true;
    const auto make = [&](const char* called, bridges::Kind kind, std::optional<const char*> bridge, auto&& change) {
        bridges::Link link{name(called)};
        link.kind = std::move(kind);
        if (bridge) link.master = bridges::Master{name(*bridge)};
        change(link);
        REQUIRE(kernel.meddle(topology::Create<bridges::Link>{link}));
    };
    const auto as_it_is = [](bridges::Link&) {};
    make("ours", bridges::Bridge{}, std::nullopt, [](bridges::Link& link) { link.gate = true; });
    make("theirs", bridges::Bridge{}, std::nullopt, as_it_is);
    make("vnet0", bridges::Tap{}, "ours", as_it_is);
    make("tap0", bridges::Tap{}, "ours", [](bridges::Link& link) { link.admitted = true; });
    make("tap1", bridges::Tap{}, "theirs", as_it_is);
    make("tap2", bridges::Tap{}, std::nullopt, as_it_is);
    make("nic-1", bridges::Tap{}, "ours", [](bridges::Link& link) { link.filter = topology::Filter{house::mac}; });
    make("lxc0", bridges::Veth{}, "ours", as_it_is);
    CHECK(lower::waiting_at_gates(kernel.truth()) == std::vector{name("vnet0")});
}

TEST_CASE("whose a tap is, the hypervisor says; what has its names is its own until it has had the time to say so", "[gates]") {
    using std::chrono::seconds;
    const auto tap = name("tap0"), vnet = name("vnet12");
    for (const auto& [text, is_libvirts] : {std::pair{"vnet0", true}, {"vnet12", true}, {"vnet", false}, {"vnet0.7", false}, {"vnetx", false}, {"avnet0", false}}) CHECK(lower::is_named_by_libvirt(name(text)) == is_libvirts);
    struct Told {
        Testimony what;
        bool other, likely;
    };
    for (const auto& [what, other, likely] : {
             Told{{.connected = true, .since = seconds(60)}, false, false},
             Told{{.connected = true, .has_been_asked = true}, true, false},
             Told{{.connected = true, .has_been_asked = true, .since = lower::longest_plugging}, true, true},
             Told{{}, false, false},  // nobody knows yet whether it answers
             Told{{.since = lower::longest_silence}, true, false},
             Told{{.since = seconds(600)}, true, false}}) {
        CAPTURE(what.connected, what.has_been_asked, what.since.count());
        CHECK(lower::is_of_others(tap, what) == other);
        CHECK(lower::is_of_others(vnet, what) == likely);
    }
    CHECK(lower::can_be_admitted(tap));
    CHECK_FALSE(lower::can_be_admitted(name("tap*1")));
}

TEST_CASE("of NICs with one MAC no tap of libvirt's is taken for one of others", "[gates]") {
    guests::State there;
    guests::Nic own{"vm", house::mac}, theirs{"other", house::mac};
    own.device = name("nic-0011aabb");
    own.facts.ours = true;
    own.facts.twins = {name("vnet0")};
    theirs.device = name("vnet1");
    theirs.facts.twins = {name("mine")};
    there.nics.put(own);
    there.nics.put(theirs);
    CHECK(lower::made_by_hypervisor(there) == std::set{name("mine"), name("vnet0"), name("vnet1")});
}

}  // namespace gates_test
