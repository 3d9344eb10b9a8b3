// After a boot whatever can be had is had, though something of it is refused, and the way to the host before all.
#include "tests/netd/transaction_house.hpp"

#include <fstream>

namespace boot_test {

using namespace house;

namespace {

using bridges::Op;
using topology::IfName;

IfName name(std::string_view text) { return *IfName::parse(text); }

// The way to the host comes late by name, and shares its NIC with others.
constexpr const char* committed_request = R"({"networks": {
    "mgmt": {"nic": "eno1", "ipaddr": "192.0.2.10", "prefix": 24, "gateway": "192.0.2.1", "ipv6addr": "2001:db8::10/64", "defaultRoute": true},
    "alpha": {"nic": "eno1", "vlan": 100, "mtu": 9000, "ipaddr": "203.0.113.2", "prefix": 24},
    "lan": {},
    "stor": {"nic": "eno3", "vlan": 7, "bridged": false, "ipaddr": "198.51.100.2", "prefix": 24, "gateway": "198.51.100.1"}}})";

// Committed, and booted since: nothing of it is there.
struct Booted {
    fakes::FakeKernel kernel;
    fakes::FaultyKernel faulty{kernel};
    fakes::FakeSwitch ovs;
    fakes::FakeClock clock;
    Disk disk;
    intent::Intent committed;
    bridges::State before;  // as it was when it was committed

    // What its cards, which were eno1, eno2 and eno3, are called now.
    explicit Booted(std::initializer_list<std::string_view> nics = {"eno1", "eno2", "eno3"}) : kernel(nics) {
        fakes::FakeKernel earlier{"eno1", "eno2", "eno3"};
        apply::Transactor transactor{{earlier, ovs}, disk.open(), clock};
        std::ignore = transactor.recover();
        committed = wanted(committed_request, {}, earlier);
        REQUIRE(std::holds_alternative<apply::Committed>(transactor.begin(committed, unasked)));
        REQUIRE(transactor.commit_running());
        before = earlier.truth();
        disk.lose_what_a_boot_loses();
    }
    apply::Transactor transactor() { return {{faulty, ovs}, disk.open(), clock}; }

    const bridges::Link* link(std::string_view text) const { return kernel.truth().links.find(name(text)); }
    bool has_address(std::string_view device, std::string_view address) const {
        const bridges::Link* there = link(device);
        return there && there->addresses && there->addresses->contains(*topology::Subnet::parse(address));
    }
    bool has_default_route(std::string_view device) const {
        const auto& routes = kernel.truth().routes;
        return std::ranges::any_of(routes, [&](const bridges::Route& route) { return route.device == name(device) && route.via && route.to.length() == 0; });
    }
    void require_way() const {
        CHECK(link("eno1")->master == bridges::Master{name("mgmt")});
        CHECK(has_address("mgmt", "192.0.2.10/24"));
        CHECK(has_default_route("mgmt"));
    }
};

bool creates(const Op& op, std::string_view device) {
    const auto* link = std::get_if<topology::Create<bridges::Link>>(&op);
    return link && link->now.name == name(device);
}

}  // namespace

TEST_CASE("a boot of which one thing is refused brings back all the rest", "[boot]") {
    Booted host;
    host.faulty.refuses = [](const Op& op) { return creates(op, "eno3.7"); };
    auto transactor = host.transactor();
    const auto outcome = std::get<apply::Degraded>(transactor.recover());
    CHECK_FALSE(outcome.rollback);
    host.require_way();
    CHECK(host.has_address("mgmt", "2001:db8::10/64"));
    CHECK(host.has_address("alpha", "203.0.113.2/24"));
    CHECK(host.link("lan"));
    CHECK_FALSE(host.link("eno3.7"));
    CHECK(transactor.running() == host.committed);
    CHECK(transactor.trouble());
    CHECK_FALSE(transactor.is_stuck());

    // A repair has it all, and then it is no trouble any more.
    const auto everything = lower::everything(host.committed);
    transactor.look_at_the_boot_again(host.committed);
    CHECK(transactor.trouble());
    host.faulty.heal();
    REQUIRE(std::holds_alternative<apply::Committed>(transactor.mend(host.committed, everything)));
    transactor.look_at_the_boot_again(host.committed);
    CHECK_FALSE(transactor.trouble());
    require_same(host.before, host.kernel.truth());
}

TEST_CASE("what nobody committed goes out of Open vSwitch though the netd that brought the boot back died", "[boot]") {
    Booted host;
    ovs::Bridge kept{name("ovs-eno2")};
    kept.owner = topology::Owner::ours("base eno2");
    REQUIRE(host.ovs.meddle(topology::Create<ovs::Bridge>{kept}));
    const bool is_late = GENERATE(false, true);
    host.ovs.connect(!is_late);
    struct Killed {};
    host.faulty.refuses = [&](const Op& op) -> bool {
        if (!is_late && creates(op, "lan")) throw Killed{};
        return false;
    };
    if (is_late) std::ignore = host.transactor().recover();
    else CHECK_THROWS_AS(host.transactor().recover(), Killed);
    host.faulty.refuses = [](const Op&) { return false; };
    host.ovs.connect(true);
    host.ovs.hear();
    REQUIRE(host.ovs.truth().bridges.contains(kept.name));

    auto transactor = host.transactor();
    REQUIRE(std::holds_alternative<apply::Committed>(transactor.recover()));
    REQUIRE(transactor.see_to_leftovers());
    CHECK(transactor.take_leftovers() == std::set{kept.name});
    CHECK(host.ovs.truth().bridges.empty());
    require_same(host.before, host.kernel.truth());

    // That is once a boot: what comes later is somebody's.
    REQUIRE(host.ovs.meddle(topology::Create<ovs::Bridge>{kept}));
    host.ovs.hear();
    auto next = host.transactor();
    REQUIRE(std::holds_alternative<apply::Committed>(next.recover()));
    REQUIRE(next.see_to_leftovers());
    CHECK(host.ovs.truth().bridges.contains(kept.name));
}

TEST_CASE("what may be of a definition that is lost is no leftover, for the start after the one that lost it neither", "[boot]") {
    Booted host;
    ovs::Bridge kept{name("ovs-eno2")};
    kept.owner = topology::Owner::ours("base eno2");
    REQUIRE(host.ovs.meddle(topology::Create<ovs::Bridge>{kept}));
    host.ovs.connect(false);
    std::ignore = host.transactor().recover();
    std::ofstream(host.disk.run() + "/running") << "rubbish";
    {
        auto transactor = host.transactor();
        std::ignore = transactor.recover();
        REQUIRE(transactor.damages().size() == 1);
    }
    host.ovs.connect(true);
    host.ovs.hear();
    auto transactor = host.transactor();
    REQUIRE(std::holds_alternative<apply::Committed>(transactor.recover()));
    REQUIRE(transactor.see_to_leftovers());
    CHECK(transactor.take_leftovers().empty());
    CHECK(host.ovs.truth().bridges.contains(kept.name));
}

TEST_CASE("a boot goes round what somebody else's device is in the way of", "[boot]") {
    Booted host;
    bridges::Link other{name("alpha")};
    other.kind = bridges::Veth{std::nullopt, name("ahpla"), std::nullopt};
    REQUIRE(host.kernel.meddle(topology::Create<bridges::Link>{other}));
    REQUIRE(host.kernel.hear());
    auto transactor = host.transactor();
    CHECK(std::get<apply::Degraded>(transactor.recover()).because.subject == "alpha");
    host.require_way();
    CHECK(host.has_address("eno3.7", "198.51.100.2/24"));
    CHECK(host.link("lan"));
    CHECK(host.link("alpha")->as<bridges::Veth>());
    CHECK(transactor.running() == host.committed);
}

TEST_CASE("the way to the host comes back though some of itself, or of its NIC, is refused", "[boot]") {
    const auto is_sixth = [](const Op& op) {
        const auto* rule = std::get_if<topology::Create<bridges::Rule>>(&op);
        return rule && rule->now.v6;
    };
    const auto is_wide = [](const Op& op) {
        const auto* link = std::get_if<topology::Update<bridges::Link>>(&op);
        return link && link->now.name == name("eno1") && link->now.mtu && link->now.mtu->number() == 9000;
    };
    for (const auto& refused : std::initializer_list<std::function<bool(const Op&)>>{is_sixth, is_wide}) {
        CAPTURE(refused.target_type() == typeid(is_wide));
        Booted host;
        host.faulty.refuses = refused;
        auto transactor = host.transactor();
        CHECK(std::holds_alternative<apply::Degraded>(transactor.recover()));
        host.require_way();
        CHECK(host.has_address("eno3.7", "198.51.100.2/24"));
        CHECK(transactor.trouble());
    }
}

TEST_CASE("a boot whose definitions can't be written is as they say, and told", "[boot]") {
    Booted host;
    auto transactor = host.transactor();
    std::filesystem::remove_all(host.disk.run());
    std::ofstream(host.disk.run()) << "in the way";
    CHECK(std::holds_alternative<apply::Committed>(transactor.recover()));
    host.require_way();
    CHECK(transactor.running() == host.committed);
    CHECK(transactor.trouble());

    // A change would be taken up after a crash as if nothing had run before it: it is not begun until that is on disk.
    intent::Intent without_lan = host.committed;
    without_lan.remove(*topology::NetworkName::parse("lan"));
    CHECK(std::holds_alternative<apply::RolledBack>(transactor.begin(without_lan, {})));
    CHECK(host.link("lan"));
    std::filesystem::remove(host.disk.run());
    REQUIRE(std::filesystem::create_directory(host.disk.run()));
    REQUIRE(std::holds_alternative<apply::Waiting>(transactor.begin(without_lan, to_be_confirmed)));
    REQUIRE(host.kernel.hear());
    auto next_life = host.transactor();
    CHECK(std::holds_alternative<apply::Waiting>(next_life.recover()));
    CHECK(next_life.running() == host.committed);
}

TEST_CASE("a network whose NIC comes late stays off the card that has its name meanwhile", "[boot]") {
    Booted host{"away", "eno2", "eno1"};
    host.kernel.pull_out("away");
    REQUIRE(host.kernel.hear());
    auto transactor = host.transactor();
    CHECK(std::holds_alternative<apply::Committed>(transactor.recover()));
    CHECK(host.has_address("eno1.7", "198.51.100.2/24"));
    CHECK_FALSE(host.link("eno1")->master->of);
    CHECK_FALSE(host.link("mgmt"));
    CHECK_FALSE(host.link("alpha"));
    CHECK_FALSE(transactor.trouble());
    const IfName away = *transactor.running().network("mgmt")->nic;
    CHECK_FALSE(host.link(away.text()));
    CHECK(transactor.committed() == transactor.running());

    // It comes, by the name that the other one had.
    bridges::Link late{name("eno3")};
    late.kind = bridges::Veth{std::nullopt, name("3one"), std::nullopt};
    late.mac = host.before.links.find(name("eno1"))->mac;
    REQUIRE(host.kernel.meddle(topology::Create<bridges::Link>{late}));
    REQUIRE(host.kernel.hear());
    REQUIRE(transactor.follow_names());
    CHECK(transactor.renames() == intent::Renames{{name("eno1"), name("eno3")}, {name("eno3"), name("eno1")}, {away, name("eno3")}});
    const intent::Intent all = transactor.running();
    REQUIRE(std::holds_alternative<apply::Committed>(transactor.mend(all, lower::everything(all))));
    CHECK(host.link("eno3")->master == bridges::Master{name("mgmt")});
    CHECK(host.has_address("mgmt", "192.0.2.10/24"));
    CHECK(host.has_address("eno1.7", "198.51.100.2/24"));

    // Whoever is started then finds them so, and does not take it for another boot's swap of names.
    auto next_life = host.transactor();
    std::ignore = next_life.recover();
    CHECK(next_life.running() == all);
    CHECK(next_life.committed() == all);
    CHECK(next_life.renames() == intent::Renames{{name("eno1"), name("eno3")}, {name("eno3"), name("eno1")}});
}

TEST_CASE("what changes nothing and is to be committed writes down what NICs are called now", "[boot]") {
    Booted host{"enp1s0", "eno2", "eno3"};
    auto transactor = host.transactor();
    REQUIRE(std::holds_alternative<apply::Committed>(transactor.recover()));
    REQUIRE(transactor.committed() == transactor.running());
    const auto kept = [&] { return **host.disk.open().committed(); };
    REQUIRE(kept().intent.network("mgmt")->nic == name("eno1"));
    REQUIRE_FALSE(std::get<apply::Committed>(transactor.begin(transactor.running(), unasked)).changed);
    CHECK(kept().intent.network("mgmt")->nic == name("eno1"));

    apply::Terms terms = unasked;
    terms.commit = true;
    REQUIRE_FALSE(std::get<apply::Committed>(transactor.begin(transactor.running(), terms)).changed);
    CHECK(kept().intent.network("mgmt")->nic == name("enp1s0"));
    CHECK(kept().identities == transactor.identities());
    auto next_life = host.transactor();
    std::ignore = next_life.recover();
    CHECK(next_life.renames().empty());
}

}  // namespace boot_test
