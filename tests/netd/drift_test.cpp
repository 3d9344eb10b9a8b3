// What netd would change is what it reports as drift, and nothing else.
#include "tests/netd/host_house.hpp"

#include <algorithm>

namespace drift_test {

using observe::Deviation;
using observe::Drift;
using observe::find_drift;
using told::House;
using told::name;

namespace {

const told::json three_networks = {{"networks",
                                    {{"web", {{"nic", "eth0"}, {"vlan", 100}, {"ipaddr", "192.0.2.10"}, {"prefix", 24}, {"gateway", "192.0.2.1"}}},
                                     {"db", {{"nic", "eth0"}, {"vlan", 200}, {"mtu", 9000}}},
                                     {"lab", told::json::object()}}}};

bridges::Link with_mtu(const char* device, std::uint32_t mtu) {
    bridges::Link link{name(device)};
    link.mtu = topology::Mtu::observed(mtu);
    return link;
}

Drift::Deviations only(const std::string& network, std::vector<Deviation> deviations) { return {{network, std::move(deviations)}}; }

}  // namespace

TEST_CASE("a host that is as defined has no drift, whatever its switches are", "[drift]") {
    for (const char* kind : {"legacy", "vlan-aware", "ovs"}) {
        CAPTURE(kind);
        House house{"eth0", "eth1", "eth2"};
        house.define({{"bondings", {{"bond0", {{"nics", {"eth1", "eth2"}}, {"options", "mode=4 miimon=100"}, {"switch", kind}}}}},
                      {"networks",
                       {{"web", {{"nic", "eth0"}, {"vlan", 100}, {"switch", kind}, {"ipaddr", "192.0.2.10"}, {"prefix", 24}, {"gateway", "192.0.2.1"}}},
                        {"db", {{"bonding", "bond0"}, {"vlan", 200}, {"mtu", 9000}, {"switch", kind}}},
                        {"mgmt", {{"bonding", "bond0"}, {"switch", kind}, {"defaultRoute", true}, {"ipaddr", "198.51.100.2"}, {"prefix", 24}, {"gateway", "198.51.100.1"}}}}}});
        house.plug(told::nic("guest1", "db"));
        REQUIRE(house.left().empty());
        REQUIRE(find_drift(house.now) == Drift{});
    }
}

TEST_CASE("an attribute that somebody changed is told with what is wanted and what is there", "[drift]") {
    House house{"eth0"};
    house.define(three_networks);
    house.meddle(with_mtu("web", 1400));
    REQUIRE(find_drift(house.now).networks == only("web", {{"web", "mtu", "1500", "1400"}}));
    REQUIRE(words_of(Deviation{"web", "mtu", "1500", "1400"}) == "mtu is 1400, wanted 1500");
}

TEST_CASE("what goes without saying beside the bridge that a port left is told where it is all that differs", "[drift]") {
    House house{"eth0"};
    house.define(three_networks);
    const auto nic = told::nic("guest1", "lab");
    house.plug(nic);
    bridges::Link port = house.link(lower::port_of(nic).text());
    port.isolated.reset();
    house.now.observed.kernel.links.put(port);
    REQUIRE(house.left().size() == 1);
    REQUIRE(find_drift(house.now).networks == only("lab", {{port.name.text(), "isolated", "false", "none"}}));
    port.master = bridges::Master{};
    house.now.observed.kernel.links.put(port);
    const auto found = find_drift(house.now).networks.at("lab");
    REQUIRE(std::ranges::count(found, "master.of", &Deviation::attribute) == 1);
    REQUIRE(std::ranges::count(found, "isolated", &Deviation::attribute) == 0);
}

TEST_CASE("a device that is gone is missing, and so are its routes and rules", "[drift]") {
    House house{"eth0"};
    house.define(three_networks);
    house.lose("web");
    const auto drift = find_drift(house.now);
    const auto& found = drift.networks.at("web");
    REQUIRE(drift.networks.size() == 1);
    REQUIRE(std::count(found.begin(), found.end(), Deviation{"web", "presence", "there", "missing"}) == 1);
    REQUIRE(std::count(found.begin(), found.end(), Deviation{"eth0.100", "master.of", "web", "none"}) == 1);
    const auto table = std::to_string(lower::table_of(house.now.running.network("web")->name));
    REQUIRE(std::count(found.begin(), found.end(), Deviation{"web", "route default via 192.0.2.1 in table " + table, "there", "missing"}) == 1);
    REQUIRE(words_of(Deviation{"web", "presence", "there", "missing"}) == "is missing");
}

TEST_CASE("what is wrong with a base is wrong with every network on it", "[drift]") {
    House house{"eth0"};
    house.define(three_networks);
    bridges::Link down{name("eth0")};
    down.up = false;
    house.meddle(down);
    const auto drift = find_drift(house.now);
    REQUIRE(drift.networks.size() == 2);
    for (const char* network : {"web", "db"}) {
        const auto& found = drift.networks.at(network);
        REQUIRE(std::count(found.begin(), found.end(), Deviation{"eth0", "up", "true", "false"}) == 1);
    }
}

TEST_CASE("the address of a bridgeless network on the NIC itself is no affair of the VLANs beside it", "[drift]") {
    House house{"eth0"};
    house.define({{"networks",
                   {{"storage", {{"nic", "eth0"}, {"bridged", false}, {"ipaddr", "192.0.2.10"}, {"prefix", 24}}},
                    {"web", {{"nic", "eth0"}, {"vlan", 100}}}}}});
    bridges::Link bare{name("eth0")};
    bare.addresses.emplace();
    house.meddle(bare);
    REQUIRE(find_drift(house.now).networks == only("storage", {{"eth0", "addresses", "192.0.2.10/24", "none"}}));
}

TEST_CASE("a guest's port counts to its network, a NIC without a network to its guest", "[drift]") {
    House house{"eth0"};
    house.define(three_networks);
    const auto plugged = told::nic("guest1", "web", 1), loose = told::nic("guest2", "", 2);
    house.plug(plugged);
    house.plug(loose);
    const auto port = told::port_of(plugged), other = told::port_of(loose);
    house.lose(port);
    house.lose(other);
    Drift expected;
    expected.networks = only("web", {{port, "presence", "there", "missing"}});
    expected.guests = only("guest2", {{other, "presence", "there", "missing"}});
    REQUIRE(find_drift(house.now) == expected);
}

TEST_CASE("a bond that carries nothing has its own drift", "[drift]") {
    House house{"eth0", "eth1"};
    house.define({{"bondings", {{"bond0", {{"nics", {"eth0", "eth1"}}, {"options", "mode=1 miimon=100"}}}}}});
    bridges::Link changed{name("bond0")};
    changed.kind = bridges::Bond{{{"miimon", "200"}}};
    house.meddle(changed);
    Drift expected;
    expected.bonds = only("bond0", {{"bond0", "options.miimon", "100", "200"}});
    REQUIRE(find_drift(house.now) == expected);
}

TEST_CASE("another thing of the same name is told by its kind", "[drift]") {
    House house{"eth0"};
    house.define({{"networks", {{"lab", told::json::object()}}}});
    house.lose("lab");
    house.kernel.plug_in("lab");
    house.look();
    const auto found = find_drift(house.now).networks.at("lab");
    REQUIRE(found.front() == Deviation{"lab", "kind", "bridge", "device"});
}

TEST_CASE("what others have beside us is no drift", "[drift]") {
    House house{"eth0", "eth1"};
    house.define(three_networks);
    house.meddle(told::foreign_tap("vnet7", "web"));
    house.meddle(with_mtu("eth1", 9000));
    REQUIRE(find_drift(house.now) == Drift{});
}

TEST_CASE("that Open vSwitch does not answer is no drift of what is plugged into it, whichever its datapath is", "[drift]") {
    for (const char* datapath : {"netdev", "system"}) {
        CAPTURE(datapath);
        House house{"eth0"};
        house.now.abilities.checksums = true;
        house.now.ovs_datapath = house.ovs.datapath = datapath;
        house.define({{"networks", {{"web", {{"nic", "eth0"}, {"vlan", 100}, {"switch", "ovs"}}}}}});
        house.plug(told::nic("guest1", "web"));
        REQUIRE(house.link(told::port_of(told::nic("guest1", "web"))).traffic->checksums == (datapath == std::string("system")));
        REQUIRE(find_drift(house.now) == Drift{});
        house.now.ovs_connected = false;
        REQUIRE(find_drift(house.now) == Drift{});
    }
}

TEST_CASE("rows of OVS are told like devices", "[drift]") {
    House house{"eth0"};
    house.define({{"networks", {{"web", {{"nic", "eth0"}, {"vlan", 100}, {"switch", "ovs"}}}}}});
    ovs::Port foot = *house.now.observed.ovs.ports.find(name("web"));
    foot.tagging = ovs::Access{*topology::VlanId::from(7)};
    house.now.observed.ovs.ports.put(foot);
    house.now.observed.ovs.bridges.erase(name("ovs-eth0"));
    REQUIRE(find_drift(house.now).networks ==
            only("web", {{"web", "tagging.tag", "100", "7"}, {"ovs-eth0", "presence", "there", "missing"}}));
}

namespace {

// A bond's port that is gone is drift about which nothing can be planned.
bool can_be_planned(const Deviation& deviation, const House& house) {
    return deviation.attribute != "presence" || !house.now.running.bond_of(name(deviation.subject));
}

// Drift and plan agree about this host.
void agree(const House& house) {
    for (const auto& step : house.left()) UNSCOPED_INFO(plan::describe(step.op));
    const Drift drift = find_drift(house.now);
    bool differs = false;
    for (const auto* kind : {&drift.networks, &drift.bonds, &drift.guests})
        for (const auto& [who, found] : *kind) differs = differs || std::any_of(found.begin(), found.end(), [&](const auto& one) { return can_be_planned(one, house); });
    CHECK(differs != house.left().empty());
}

// What can happen to a link, attribute by attribute.
std::vector<bridges::Link> mishaps(const bridges::Link& link) {
    std::vector<bridges::Link> changed(10, link);
    changed[0].mtu = topology::Mtu::observed(1400);
    changed[1].up = !*link.up;
    changed[2].master = bridges::Master{name("elsewhere")};
    changed[3].mac = topology::Mac::of({2, 9, 9, 9, 9, 9});
    changed[4].addresses = {*topology::Subnet::parse("203.0.113.9/24")};
    changed[5].stack = bridges::HostStack{true, true, false, true};
    changed[6].owner = topology::Owner::foreign();
    changed[7].kind = bridges::Device{};
    changed[8].vlans = bridges::PortVlans{};
    changed[9].facts.carrier = false;
    return changed;
}

void try_mishaps(House& house) {
    const observe::Snapshot sound = house.now;
    for (const bridges::Link& link : sound.observed.kernel.links) {
        CAPTURE(link.name.text());
        for (const bridges::Link& changed : mishaps(link)) {
            house.now = sound;
            house.now.observed.kernel.links.put(changed);
            agree(house);
        }
        house.now = sound;
        house.now.observed.kernel.links.erase(link.name);
        agree(house);
    }
    for (const bridges::Route& route : sound.observed.kernel.routes) {
        CAPTURE(describe(route));
        house.now = sound;
        house.now.observed.kernel.routes.erase(route.key());
        agree(house);
        bridges::Route other = route;
        other.via = *topology::IpAddress::parse(route.to.is_v6() ? "2001:db8::9" : "192.0.2.9");
        house.now.observed.kernel.routes.put(other);
        agree(house);
    }
    for (const bridges::Rule& rule : sound.observed.kernel.rules) {
        CAPTURE(describe(rule));
        house.now = sound;
        house.now.observed.kernel.rules.erase(rule.key());
        agree(house);
    }
    for (const ovs::Port& port : sound.observed.ovs.ports) {
        CAPTURE(describe(port));
        house.now = sound;
        ovs::Port changed = port;
        changed.tagging = ovs::Access{*topology::VlanId::from(7)};
        house.now.observed.ovs.ports.put(changed);
        agree(house);
        house.now.observed.ovs.ports.erase(port.name);
        agree(house);
    }
    house.now = sound;
    house.now.observed.ovs.bridges = {};
    agree(house);
}

}  // namespace

TEST_CASE("there is drift where there is a plan, and only there", "[drift]") {
    for (const char* kind : {"legacy", "vlan-aware", "ovs"}) {
        CAPTURE(kind);
        House house{"eth0", "eth1", "eth2"};
        house.define({{"bondings", {{"bond0", {{"nics", {"eth1", "eth2"}}, {"options", "mode=1 miimon=100"}, {"switch", kind}}}}},
                      {"networks",
                       {{"mgmt", {{"nic", "eth0"}, {"switch", kind}, {"defaultRoute", true}, {"ipaddr", "192.0.2.10"}, {"prefix", 24}, {"gateway", "192.0.2.1"}}},
                        {"web", {{"bonding", "bond0"}, {"vlan", 100}, {"switch", kind}, {"ipv6addr", "2001:db8::2/64"}, {"ipv6gateway", "2001:db8::1"}}}}}});
        house.plug(told::nic("guest1", "web"));
        agree(house);
        try_mishaps(house);
    }
}

TEST_CASE("a network that has no IPv6 any more is brought about, whoever put an IPv6 address there", "[drift]") {
    House house{"eth0"};
    for (const bool bridged : {true, false}) {
        const char* device = bridged ? "web" : "eth0";
        CAPTURE(device);
        house.define({{"networks", {{"web", {{"nic", "eth0"}, {"bridged", bridged}, {"ipv6addr", "2001:db8:1::5/64"}}}}}});
        bridges::Link more = house.link(device);
        more.addresses->insert(*topology::Subnet::parse("2001:db8:9::9/64"));
        more.addresses->insert(*topology::Subnet::parse("203.0.113.9/24"));
        bridges::Link changed{name(device)};
        changed.addresses = more.addresses;
        house.meddle(changed);
        house.define({{"networks", {{"web", {{"nic", "eth0"}, {"bridged", bridged}}}}}});
        REQUIRE(house.link(device).addresses == std::set{*topology::Subnet::parse("203.0.113.9/24")});
        REQUIRE(house.left().empty());
        house.define({{"networks", {{"web", {{"remove", true}}}}}});
    }
}

TEST_CASE("an IPv6 address that another host has is missing, and it is told why", "[drift]") {
    House house{"eth0"};
    house.define({{"networks", {{"web", {{"nic", "eth0"}, {"ipv6addr", "2001:db8:1::5/64"}, {"ipaddr", "192.0.2.5"}, {"prefix", 24}}}}}});
    bridges::Link told = house.link("web");
    told.addresses->erase(*topology::Subnet::parse("2001:db8:1::5/64"));
    told.facts.rare.edit().duplicate = {*topology::Subnet::parse("2001:db8:1::5/64"), *topology::Subnet::parse("2001:db8:1::6/64")};
    house.now.observed.kernel.links.put(told);
    REQUIRE(find_drift(house.now).networks ==
            only("web", {{"web", "addresses", "192.0.2.5/24 2001:db8:1::5/64", "192.0.2.5/24; 2001:db8:1::5/64 is another host's"}}));
}

}  // namespace drift_test
