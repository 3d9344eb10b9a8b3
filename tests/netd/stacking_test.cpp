// What others have on links: it keeps a link of netd's from going, and has its MTU again on the way back.
#include "bridges/stacking.hpp"
#include "tests/netd/host_house.hpp"
#include "tests/netd/transaction_house.hpp"

namespace stacking_test {

using nlohmann::json;
using topology::VlanId;

namespace {

bridges::Link link_of(const std::string& called, bridges::Kind kind) {
    bridges::Link link{told::name(called)};
    link.kind = std::move(kind);
    link.up = true;
    return link;
}

bridges::Link vlan_on(const std::string& base, const std::string& called, int tag) { return link_of(called, bridges::Vlan{told::name(base), *VlanId::from(tag)}); }

// A macvlan, or a VLAN of another kind than netd makes: the kernel tells what it stands on by index.
void stack(told::House& house, const std::string& base, const std::string& called, const char* kind = "macvlan") {
    bridges::Link link = link_of(called, bridges::Device{});
    link.owner = topology::Owner::foreign();
    link.facts.index = 1000;
    link.facts.kind = kind;
    link.facts.peer_index = house.link(base).facts.index;
    house.now.observed.kernel.links.put(link);
}

using Told = std::pair<int, std::string>;

std::optional<Told> asked(const told::House& house, const json& params) {
    intent::Complaints complaints;
    const auto request = wire::read_setup(params, complaints);
    const auto verdict = intent::validate(request, house.now.running, house.now.facts());
    for (const auto& complaint : verdict.complaints) return Told{complaint.code, complaint.path};
    const auto other = apply::carried_away(house.now.running, verdict.wanted, apply::terms_of(request), house.now.host());
    return other ? std::optional(Told{other->code, other->path}) : std::nullopt;
}

const json gone = {{"remove", true}};

told::House house_of(const char* kind) {
    told::House house{"eno1", "eno2", "eno3"};
    house.define({{"networks", {{"web", {{"nic", "eno1"}, {"vlan", 100}, {"switch", kind}, {"ipaddr", "10.0.0.1"}, {"prefix", 24}}}}}});
    return house;
}

}  // namespace

TEST_CASE("a network's device does not go while something of somebody else's is on it", "[stacking]") {
    for (const char* kind : {"legacy", "vlan-aware", "ovs"})
        for (const char* upper : {"macvlan", "vlan", "vxlan"}) {
            CAPTURE(kind, upper);
            auto house = house_of(kind);
            const json web = {{"nic", "eno1"}, {"vlan", 100}, {"switch", kind}, {"ipaddr", "10.0.0.2"}, {"prefix", 24}, {"mtu", 9000}};
            CHECK_FALSE(asked(house, {{"networks", {{"web", gone}}}}));
            const auto edited = asked(house, {{"networks", {{"web", web}}}});
            stack(house, "web", "mv0", upper);
            CHECK(asked(house, {{"networks", {{"web", gone}}}}) == Told{24, "/networks/web"});
            CHECK(asked(house, {{"networks", {{"web", web}}}}) == edited);
            CHECK_FALSE(asked(house, {{"networks", {{"db", {{"nic", "eno2"}, {"switch", kind}}}}}}));
        }
}

TEST_CASE("nor does what lies below it, or give way to another thing", "[stacking]") {
    auto house = house_of("legacy");
    stack(house, "eno1.100", "q5", "vlan");
    CHECK(asked(house, {{"networks", {{"web", {{"nic", "eno1"}, {"vlan", 101}}}}}}) == Told{24, "/networks/web"});
    CHECK_FALSE(asked(house, {{"networks", {{"web", {{"nic", "eno1"}, {"vlan", 100}, {"mtu", 1400}}}}}}));

    auto other = house_of("vlan-aware");
    stack(other, "vb-eno1", "mv0");
    CHECK(asked(other, {{"networks", {{"web", gone}}}}) == Told{24, "/networks/web"});

    auto plain = house_of("legacy");
    plain.meddle(topology::Create<bridges::Link>{vlan_on("web", "web.7", 7)});
    CHECK(asked(plain, {{"networks", {{"web", gone}}}}) == Told{24, "/networks/web"});
    CHECK(asked(plain, {{"networks", {{"web", {{"nic", "eno1"}, {"vlan", 100}, {"switch", "vlan-aware"}}}}}}) == Told{24, "/networks/web"});
    CHECK_FALSE(asked(plain, {{"networks", {{"web", {{"nic", "eno2"}}}}}}));
}

TEST_CASE("nor does a bond; what is on a NIC is in nobody's way", "[stacking]") {
    told::House house{"eno1", "eno2", "eno3"};
    house.define({{"networks", {{"web", {{"bonding", "bond0"}, {"vlan", 100}}}, {"db", {{"nic", "eno3"}, {"vlan", 5}}}}},
                  {"bondings", {{"bond0", {{"nics", {"eno1", "eno2"}}, {"options", "mode=active-backup miimon=100"}}}}}});
    const json all = {{"networks", {{"web", gone}, {"db", gone}}}, {"bondings", {{"bond0", gone}}}};
    house.meddle(topology::Create<bridges::Link>{vlan_on("eno3", "eno3.77", 77)});
    CHECK_FALSE(asked(house, all));
    stack(house, "bond0", "mv0");
    CHECK(asked(house, all) == Told{31, "/bondings/bond0"});
    // Of a pair the index names the other end, and in another namespace it is another's.
    for (const bool is_pair : {true, false}) {
        bridges::Link other = house.link("mv0");
        if (is_pair) other.kind = bridges::Veth{};
        else other.facts.peer_netnsid = 3;
        auto free = house;
        free.now.observed.kernel.links.put(other);
        CHECK_FALSE(asked(free, all));
    }
}

TEST_CASE("a NIC of which a macvlan takes all that comes is no port", "[stacking]") {
    told::House house{"eno1", "eno2", "eno3"};
    stack(house, "eno1", "mv0");
    house.now.ovs_datapath = "system";
    for (const char* kind : {"legacy", "vlan-aware", "ovs"}) {
        CAPTURE(kind);
        CHECK(asked(house, {{"networks", {{"web", {{"nic", "eno1"}, {"switch", kind}}}}}}) == Told{24, "/networks/web/nic"});
        const auto tagged = asked(house, {{"networks", {{"web", {{"nic", "eno1"}, {"vlan", 5}, {"switch", kind}}}}}});
        CHECK(tagged == (kind == std::string("legacy") ? std::nullopt : std::optional(Told{24, "/networks/web/nic"})));
    }
    CHECK_FALSE(asked(house, {{"networks", {{"web", {{"nic", "eno1"}, {"bridged", false}}}}}}));
    CHECK(asked(house, {{"bondings", {{"bond0", {{"nics", {"eno1", "eno2"}}}}}}}) == Told{24, "/bondings/bond0/nics"});
    house.now.ovs_datapath = "netdev";  // which listens beside it
    CHECK_FALSE(asked(house, {{"networks", {{"web", {{"nic", "eno1"}, {"switch", "ovs"}}}}}}));
    stack(house, "eno1", "mv0", "vxlan");
    CHECK_FALSE(asked(house, {{"networks", {{"web", {{"nic", "eno1"}}}}}}));
}

TEST_CASE("a VLAN of somebody else's has its MTU again when nobody confirms that of its NIC", "[stacking]") {
    for (const int mtu : {1500, 1000}) {
        CAPTURE(mtu);
        fakes::FakeKernel kernel{"eno1"};
        fakes::FakeSwitch ovs;
        fakes::FakeClock clock;
        house::Disk disk;
        bridges::Link nic{told::name("eno1")}, stor = vlan_on("eno1", "stor", 300);
        nic.mtu = stor.mtu = *topology::Mtu::from(9000);
        nic.up = true;
        stor.addresses = std::set{*topology::Subnet::parse("10.30.0.1/24"), *topology::Subnet::parse("2001:db8:30::1/64")};
        REQUIRE(kernel.meddle(topology::Update<bridges::Link>{bridges::Link{nic.name}, nic}));
        REQUIRE(kernel.meddle(topology::Create<bridges::Link>{stor}));
        REQUIRE(kernel.look());
        const auto before = kernel.state();
        apply::Transactor transactor{{kernel, ovs}, disk.open(), clock};
        std::ignore = transactor.recover();
        const std::string request = R"({"networks": {"m": {"nic": "eno1", "ipaddr": "10.0.0.1", "prefix": 24, "mtu": )" + std::to_string(mtu) + "}}}";
        const auto outcome = transactor.begin(house::wanted(request.c_str(), transactor.running(), kernel), house::to_be_confirmed);
        REQUIRE(std::holds_alternative<apply::Waiting>(outcome));
        REQUIRE(kernel.look());
        CHECK(kernel.state().links.find(stor.name)->mtu->number() == static_cast<std::uint32_t>(mtu));
        REQUIRE(std::holds_alternative<apply::RolledBack>(transactor.roll_back({topology::Fault::denied, "the change", "nobody wants it"})));
        REQUIRE(kernel.look());
        house::require_same(before, kernel.state());
    }
}

TEST_CASE("a bridge that somebody renamed is left to what others have on it", "[stacking]") {
    told::House house{"eno1"};
    house.define({{"networks", {{"in", {{"nic", "eno1"}, {"ipaddr", "10.0.0.1"}, {"prefix", 24}}}}}});
    bridges::Link renamed = link_of("inn", bridges::Bridge{});
    renamed.owner = topology::Owner::ours("network in");
    renamed.addresses = std::set{*topology::Subnet::parse("10.0.0.1/24"), *topology::Subnet::parse("10.8.0.1/24")};
    house.lose("in");
    house.meddle(topology::Create<bridges::Link>{renamed});
    const auto repair = [&] {
        const auto goal = lower::goal(house.now.running, house.now.running, lower::everything(house.now.running), house.now.host());
        REQUIRE(apply::reach(goal.wanted, goal.scope, {house.kernel, house.ovs}, std::chrono::steady_clock::now() + std::chrono::seconds(60)));
        house.look();
    };
    SECTION("with something on it") {
        house.meddle(topology::Create<bridges::Link>{vlan_on("inn", "v9", 9)});
        repair();
        CHECK(house.now.observed.kernel.links.contains(told::name("v9")));
        CHECK(house.link("inn").addresses == std::set{*topology::Subnet::parse("10.8.0.1/24")});
        CHECK(house.link("eno1").master->of == told::name("in"));
        CHECK(house.left().empty());
    }
    SECTION("and else goes") {
        repair();
        CHECK_FALSE(house.now.observed.kernel.links.contains(told::name("inn")));
    }
}

}  // namespace stacking_test
