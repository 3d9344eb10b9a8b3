// What others plugged into a bridge of netd's outlives the bridge's networks.
#include "netd/lower/plugged.hpp"

#include "tests/netd/host_house.hpp"
#include "tests/netd/transaction_house.hpp"

namespace plugged_test {

using bridges::Link;
using bridges::PortVlans;
using told::House;
using told::json;
using told::name;
using topology::Owner;
using topology::VlanId;

namespace {

std::optional<topology::IfName> master(const House& house, const char* port) {
    const auto& master = house.link(port).master;
    return master ? master->of : std::nullopt;
}
bool is_there(const House& house, const char* device) { return house.now.observed.kernel.links.contains(name(device)); }

void tag(House& house, const char* port, const PortVlans& vlans) {
    Link tagged{name(port)};
    tagged.vlans = vlans;
    house.meddle(tagged);
}
PortVlans untagged(const char* id) { return {.untagged = *VlanId::parse(id)}; }

json network(const char* nic, int vlan, const char* kind) { return {{"nic", nic}, {"vlan", vlan}, {"switch", kind}}; }

}  // namespace

TEST_CASE("a bridge whose network goes is left to those who have ports there, and is taken back", "[plugged]") {
    House house{"eth0", "eth1"};
    house.now.abilities.gates = house.kernel.able.gates = true;
    house.now.guests_where = "fake";
    const json web{{"nic", "eth0"}, {"ipaddr", "192.0.2.10"}, {"prefix", 24}, {"ipv6addr", "2001:db8::10/64"}};
    house.define({{"networks", {{"web", web}}}});
    house.meddle(told::foreign_tap("tap0", "web"));
    for (const json& other : {json{{"remove", true}}, json{{"nic", "eth0"}, {"bridged", false}}}) {
        Link address{name("web")};
        address.addresses = house.link("web").addresses;
        address.addresses->insert(*topology::Subnet::parse("198.51.100.7/24"));
        house.meddle(address);
        house.define({{"networks", {{"web", other}}}});
        const Link& left = house.link("web");
        CHECK(left.owner == Owner::foreign());
        CHECK(left.gate == false);
        CHECK(left.up == true);
        CHECK(left.stack->ipv6 == false);
        CHECK(topology::text_of(left.addresses) == "198.51.100.7/24");
        CHECK(master(house, "tap0") == name("web"));
        CHECK_FALSE(master(house, "eth0"));
        house.define({{"networks", {{"web", web}}}});
        CHECK(house.link("web").owner == Owner::ours("network web"));
        CHECK(house.link("web").gate == true);
        CHECK(master(house, "tap0") == name("web"));
        CHECK(house.left().empty());
    }
}

TEST_CASE("a bridge without ports of others goes, and so does one whose only one stands on what goes", "[plugged]") {
    House house{"eth0"};
    house.define({{"networks", {{"web", network("eth0", 5, "legacy")}}}});
    Link inner{name("inner")};
    inner.kind = bridges::Vlan{name("eth0.5"), *VlanId::from(7)};
    inner.master = bridges::Master{name("web")};
    house.meddle(bridges::Op(topology::Create<Link>{inner}));
    house.define({{"networks", {{"web", {{"remove", true}}}}}});
    CHECK_FALSE(is_there(house, "web"));
    CHECK_FALSE(is_there(house, "inner"));
}

TEST_CASE("what others plugged into a filtering bridge goes where all its networks go, with its VLANs", "[plugged]") {
    House house{"eth0", "eth1"};
    house.define({{"networks", {{"web", network("eth0", 100, "vlan-aware")}, {"db", network("eth0", 200, "vlan-aware")}}}});
    house.meddle(told::foreign_tap("tap0", "vb-eth0"));
    const PortVlans vlans{.tagged = *topology::VlanSet::parse("7,100"), .untagged = *VlanId::from(200)};
    tag(house, "tap0", vlans);
    house.define({{"networks", {{"web", network("eth1", 100, "vlan-aware")}, {"db", network("eth1", 200, "vlan-aware")}}}});
    CHECK(master(house, "tap0") == name("vb-eth1"));
    CHECK(house.link("tap0").vlans == vlans);
    CHECK_FALSE(is_there(house, "vb-eth0"));
}

TEST_CASE("where the networks of a filtering bridge part, each takes those that are in it alone", "[plugged]") {
    House house{"eth0", "eth1", "eth2"};
    house.define({{"networks", {{"web", network("eth0", 100, "vlan-aware")}, {"db", network("eth0", 200, "vlan-aware")}, {"old", network("eth0", 300, "vlan-aware")}}}});
    for (const char* port : {"tap0", "tap1", "trunk0", "tap3"}) house.meddle(told::foreign_tap(port, "vb-eth0"));
    tag(house, "tap0", untagged("100"));
    tag(house, "tap1", untagged("200"));
    const PortVlans both{.tagged = *topology::VlanSet::parse("100,200")};
    tag(house, "trunk0", both);
    tag(house, "tap3", untagged("300"));
    house.define({{"networks", {{"web", network("eth1", 101, "vlan-aware")}, {"db", network("eth2", 200, "vlan-aware")}, {"old", {{"remove", true}}}}}});
    CHECK(master(house, "tap0") == name("vb-eth1"));
    CHECK(house.link("tap0").vlans == untagged("101"));
    CHECK(master(house, "tap1") == name("vb-eth2"));
    for (const char* port : {"trunk0", "tap3"}) CHECK(master(house, port) == name("vb-eth0"));
    CHECK(house.link("trunk0").vlans == both);
    CHECK(house.link("vb-eth0").owner == Owner::foreign());
    CHECK(house.left().empty());
    house.define({{"networks", {{"web", network("eth1", 101, "legacy")}}}});
    CHECK(master(house, "tap0") == name("web"));
    CHECK_FALSE(is_there(house, "vb-eth1"));
    CHECK(house.left().empty());
}

TEST_CASE("a network that comes to a filtering bridge brings what others plugged into its own", "[plugged]") {
    House house{"eth0"};
    const json aware{{"nic", "eth0"}, {"vlan", 100}, {"switch", "vlan-aware"}, {"ipaddr", "192.0.2.10"}, {"prefix", 24}};
    house.define({{"networks", {{"web", network("eth0", 100, "legacy")}}}});
    house.meddle(told::foreign_tap("tap0", "web"));
    house.define({{"networks", {{"web", aware}}}});
    CHECK(house.link("web").as<bridges::Vlan>());
    CHECK(master(house, "tap0") == name("vb-eth0"));
    CHECK(house.link("tap0").vlans == untagged("100"));
    CHECK(house.left().empty());
}

TEST_CASE("a request that takes the bridge of others away for Open vSwitch is refused, and tells whose", "[plugged]") {
    House house{"eth0"};
    house.define({{"networks", {{"web", network("eth0", 100, "legacy")}, {"lan", json::object()}}}});
    const auto complaints = [&] {
        const auto request = house::read(R"({"networks": {"web": {"nic": "eth0", "vlan": 100, "switch": "ovs"}, "lan": {"switch": "ovs"}}})");
        const auto verdict = intent::validate(request, house.now.running, house.now.facts());
        REQUIRE(verdict.complaints.empty());
        return lower::cut_off_by(request, house.now.running, verdict.wanted, house.now.observed.kernel);
    };
    CHECK(complaints().empty());
    house.meddle(told::foreign_tap("tap0", "web"));
    REQUIRE(complaints().size() == 1);
    CHECK(complaints().front().code == 24);
    CHECK(complaints().front().path == "/networks/web/switch");
    CHECK(complaints().front().what == "tap0 is not netd's and is plugged into bridge web, which makes room for Open vSwitch: take it out first");
}

TEST_CASE("what others plugged in while a change waited keeps its bridge when that goes back", "[plugged]") {
    fakes::FakeKernel kernel{"eno1"};
    fakes::FakeSwitch ovs{&kernel};
    fakes::FakeClock clock;
    house::Disk disk;
    apply::Transactor transactor{{kernel, ovs, guests::nobody(), nullptr, lower::has_any_namespace}, disk.open(), clock};
    std::ignore = transactor.recover();
    const auto wanted = house::wanted(R"({"networks": {"web": {"nic": "eno1", "ipaddr": "192.0.2.10", "prefix": 24}}})", transactor.running(), kernel);
    REQUIRE(std::holds_alternative<apply::Waiting>(transactor.begin(wanted, house::to_be_confirmed)));
    REQUIRE(kernel.meddle(told::foreign_tap("tap0", "web")));
    REQUIRE(kernel.look());
    REQUIRE(std::holds_alternative<apply::RolledBack>(transactor.roll_back({topology::Fault::timeout, "", "nobody confirmed it"})));
    const Link *web = kernel.truth().links.find(name("web")), *tap = kernel.truth().links.find(name("tap0"));
    REQUIRE(web);
    CHECK(web->owner == Owner::foreign());
    CHECK(web->addresses->empty());
    CHECK(tap->master == bridges::Master{name("web")});
    CHECK(kernel.truth().links.find(name("eno1"))->master == bridges::Master{});
}

}  // namespace plugged_test
