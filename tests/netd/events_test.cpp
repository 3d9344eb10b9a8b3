// What happened is read from two snapshots, so that a lost notification loses no event.
#include "netd/observe/events.hpp"

#include "netd/lower/naming.hpp"
#include "netd/observe/devices.hpp"

#include <catch2/catch.hpp>

namespace events_test {

using observe::Event;
using observe::events_between;
using observe::Snapshot;
using topology::IfName;

namespace {

IfName name(const char* text) { return IfName::observed(text); }

bridges::Link nic(const char* device, bool carrier = true) {
    bridges::Link link{name(device)};
    link.kind = bridges::Device{};
    link.up = true;
    link.mtu = topology::Mtu();
    link.facts.carrier = carrier;
    return link;
}

bridges::Link bond(const char* active) {
    bridges::Link link = nic("bond0");
    link.kind = bridges::Bond{{{"mode", "active-backup"}}};
    link.facts.rare.edit().active_port = name(active);
    return link;
}

bridges::Link bridge(const char* device) {
    bridges::Link link = nic(device);
    link.kind = bridges::Bridge{};
    return link;
}

intent::Network network(const char* called) { return {*topology::NetworkName::parse(called)}; }

Snapshot with(std::initializer_list<bridges::Link> links, std::initializer_list<intent::Network> networks = {}) {
    Snapshot snapshot;
    for (const auto& link : links) snapshot.observed.kernel.links.put(link);
    for (const auto& one : networks) snapshot.running.put(one);
    return snapshot;
}

intent::GuestNic guest_nic(const char* network) {
    intent::GuestNic nic{"web1", *topology::Mac::parse("52:54:00:00:00:01")};
    nic.network = network;
    return nic;
}

}  // namespace

TEST_CASE("nothing happened where nothing differs", "[events]") {
    const auto same = with({nic("eth0"), bond("eth0"), bridge("web")}, {network("web")});
    REQUIRE(events_between(same, same).empty());
    auto counted_on = same;
    counted_on.revision = 7;
    REQUIRE(events_between(same, counted_on).empty());
}

TEST_CASE("a NIC that loses its cable, is switched off, comes or goes", "[events]") {
    const auto up = with({nic("eth0")}), cut = with({nic("eth0", false)}), gone = with({});
    auto off = with({nic("eth0")});
    auto link = nic("eth0");
    link.up = false;
    off.observed.kernel.links.put(link);
    REQUIRE(events_between(up, cut) == std::vector<Event>{{"nic.link", "eth0", {{"was", "up"}, {"state", "no-carrier"}}}});
    REQUIRE(events_between(cut, up) == std::vector<Event>{{"nic.link", "eth0", {{"was", "no-carrier"}, {"state", "up"}}}});
    REQUIRE(events_between(up, off) == std::vector<Event>{{"nic.link", "eth0", {{"was", "up"}, {"state", "down"}}}});
    REQUIRE(events_between(up, gone) == std::vector<Event>{{"nic.link", "eth0", {{"was", "up"}, {"state", "missing"}}}});
    REQUIRE(events_between(gone, up) == std::vector<Event>{{"nic.link", "eth0", {{"was", "missing"}, {"state", "up"}}}});
}

TEST_CASE("a network that comes, changes or goes is told with its device, and what that is like", "[events]") {
    auto low = network("web");
    low.mtu = topology::Mtu::observed(1400);
    const auto without = with({}), there = with({bridge("web")}, {network("web")}), other = with({bridge("web")}, {low}), lost = with({}, {low});
    const auto told = [](const char* change, const char* state) {
        std::vector<Event> events{{"network.changed", "web", {{"change", change}, {"device", "web"}, {"state", state}}}};
        if (std::string_view(state) == "up") events[0].attributes["mtu"] = "1500";
        return events;
    };
    REQUIRE(events_between(without, there) == told("added", "up"));
    REQUIRE(events_between(there, other) == told("changed", "up"));
    REQUIRE(events_between(other, lost) == told("device", "missing"));
    REQUIRE(events_between(there, without) == told("removed", "missing"));
}

TEST_CASE("a network without a device of its own is told with the bridge that it shares", "[events]") {
    auto web = network("web"), db = network("db");
    web.nic = db.nic = name("eth0");
    web.vlan = topology::VlanId::parse("7").operator*();
    db.vlan = topology::VlanId::parse("8").operator*();
    web.switch_kind = db.switch_kind = intent::SwitchKind::vlan_aware;
    db.mtu = topology::Mtu::observed(1400);
    auto shared = bridge(observe::realisation_of(web, {}, {}).bridge.text().c_str());
    shared.owner = topology::Owner::ours("base eth0");
    const std::string device = shared.name.text();
    const auto one = with({shared}, {web}), both = with({shared}, {web, db}), gone = with({}, {web, db});
    const auto told = [&](const char* subject, std::map<std::string, std::string> attributes) {
        attributes.insert({"device", device});
        return Event{"network.changed", subject, attributes};
    };
    CHECK(events_between(one, both) == std::vector<Event>{told("db", {{"change", "added"}, {"state", "up"}, {"mtu", "1400"}})});
    CHECK(events_between(both, one) == std::vector<Event>{told("db", {{"change", "removed"}, {"state", "missing"}})});
    CHECK(events_between(both, gone) == std::vector<Event>{told("db", {{"change", "device"}, {"state", "missing"}}), told("web", {{"change", "device"}, {"state", "missing"}})});
}

TEST_CASE("a guest's tap that comes and goes is no event of a NIC", "[events]") {
    auto tap = nic("vnet0");
    tap.kind = bridges::Tap{};
    auto veth = nic("nic-1");
    veth.kind = bridges::Veth{};
    veth.owner = topology::Owner::ours("nic 52:54:00:00:00:01 of web1");
    REQUIRE(events_between(with({}), with({tap, veth})).empty());
}

TEST_CASE("a veth that is a bond's port is a NIC, one on a bridge is not", "[events]") {
    auto port = nic("veth1"), cut = nic("veth1", false);
    port.kind = cut.kind = bridges::Veth{};
    port.master = cut.master = bridges::Master{name("bond0")};
    REQUIRE(events_between(with({port, bond("eth0")}), with({cut, bond("eth0")})) ==
            std::vector<Event>{{"nic.link", "veth1", {{"was", "up"}, {"state", "no-carrier"}}}});
    port.master = cut.master = bridges::Master{name("docker0")};
    REQUIRE(events_between(with({port, bridge("docker0")}), with({cut, bridge("docker0")})).empty());
}

TEST_CASE("a bond that takes another port, or finds another partner", "[events]") {
    REQUIRE(events_between(with({bond("eth0")}), with({bond("eth1")})) ==
            std::vector<Event>{{"bond.failover", "bond0", {{"was", "eth0"}, {"active", "eth1"}}}});
    auto lacp = bond("eth0");
    lacp.facts.rare.edit().active_port.reset();
    auto found = lacp;
    found.facts.rare.edit().aggregator = 1;
    found.facts.rare.edit().partner_mac = topology::Mac::parse("00:11:22:33:44:55").operator*();
    REQUIRE(events_between(with({lacp}), with({found})) ==
            std::vector<Event>{{"bond.lacp", "bond0", {{"aggregator", "1"}, {"partner", "00:11:22:33:44:55"}}}});
}

TEST_CASE("addresses that come and go, with the device that has them", "[events]") {
    auto before = nic("eth0"), after = nic("eth0");
    before.addresses = {*topology::Subnet::parse("192.0.2.1/24"), *topology::Subnet::parse("192.0.2.2/24")};
    after.addresses = {*topology::Subnet::parse("192.0.2.1/24"), *topology::Subnet::parse("2001:db8::1/64")};
    REQUIRE(events_between(with({before}), with({after})) ==
            std::vector<Event>{{"address.changed", "eth0", {{"added", "2001:db8::1/64"}, {"removed", "192.0.2.2/24"}}}});
}

TEST_CASE("an address that the kernel makes of what routers announce is told, too", "[events]") {
    bridges::Link slaac = nic("web");
    slaac.facts.rare.edit().autoconf.insert(*topology::Subnet::parse("2001:db8::1/64"));
    const std::vector<Event> events = events_between(with({nic("web")}), with({slaac}));
    REQUIRE(events.size() == 1);
    REQUIRE(events.front().attributes == std::map<std::string, std::string>{{"added", "2001:db8::1/64"}, {"removed", ""}});
}

TEST_CASE("a network that is defined, redefined or removed", "[events]") {
    auto tall = network("web");
    tall.mtu = *topology::Mtu::from(9000);
    const auto none = with({}), one = with({}, {network("web")}), other = with({}, {tall});
    REQUIRE(events_between(none, one) == std::vector<Event>{{"network.changed", "web", {{"change", "added"}, {"device", "web"}, {"state", "missing"}}}});
    REQUIRE(events_between(one, other) == std::vector<Event>{{"network.changed", "web", {{"change", "changed"}, {"device", "web"}, {"state", "missing"}}}});
    REQUIRE(events_between(one, none) == std::vector<Event>{{"network.changed", "web", {{"change", "removed"}, {"device", "web"}, {"state", "missing"}}}});
}

TEST_CASE("a network whose device goes, or is made otherwise, has changed", "[events]") {
    const auto whole = with({bridge("web")}, {network("web")}), gone = with({}, {network("web")});
    REQUIRE(events_between(whole, gone) ==
            std::vector<Event>{{"network.changed", "web", {{"change", "device"}, {"device", "web"}, {"state", "missing"}}}});
    auto tall = bridge("web");
    tall.mtu = *topology::Mtu::from(9000);
    REQUIRE(events_between(whole, with({tall}, {network("web")})) ==
            std::vector<Event>{{"network.changed", "web", {{"change", "device"}, {"device", "web"}, {"state", "up"}, {"mtu", "9000"}}}});
}

TEST_CASE("a network of a derived device name is found by the mark on it, a bridgeless one by the NIC", "[events]") {
    auto long_named = network("a network with a long name");
    auto device = bridge(lower::device_of(long_named.name).c_str());
    device.owner = topology::Owner::ours("network a network with a long name");
    auto storage = network("storage");
    storage.bridged = false;
    storage.nic = name("eth0");
    const auto events = events_between(with({device, nic("eth0")}, {long_named, storage}), with({nic("eth0", false)}, {long_named, storage}));
    REQUIRE(events == std::vector<Event>{
                          {"nic.link", "eth0", {{"was", "up"}, {"state", "no-carrier"}}},
                          {"network.changed", "a network with a long name", {{"change", "device"}, {"device", device.name.text()}, {"state", "missing"}}},
                          {"network.changed", "storage", {{"change", "device"}, {"device", "eth0"}, {"state", "no-carrier"}, {"mtu", "1500"}}}});
}

TEST_CASE("a network on Open vSwitch of a derived device name is found though the mark is in a row, whichever goes first", "[events]") {
    auto long_named = network("a network with a long name"), other = network("another network with a long name");
    for (auto* one : {&long_named, &other}) {
        one->nic = name("eth0");
        one->switch_kind = intent::SwitchKind::ovs;
    }
    auto device = nic(lower::device_of(long_named.name).c_str());
    device.facts.kind = "openvswitch";
    const auto without = with({}, {long_named, other});
    auto unmarked = with({device}, {long_named, other});
    auto whole = unmarked;
    ovs::Port row{device.name};
    row.owner = topology::Owner::ours("network a network with a long name");
    whole.observed.ovs.ports.put(row);
    auto low = device;
    low.mtu = topology::Mtu::observed(1400);
    auto changed = whole;
    changed.observed.kernel.links.put(low);
    const auto told = [&](std::map<std::string, std::string> attributes) {
        attributes.insert({{"change", "device"}, {"device", device.name.text()}});
        return std::vector<Event>{{"network.changed", "a network with a long name", attributes}};
    };
    CHECK(events_between(whole, without) == told({{"state", "missing"}}));
    CHECK(events_between(whole, unmarked).empty());
    CHECK(events_between(unmarked, without) == told({{"state", "missing"}}));
    CHECK(events_between(without, whole) == told({{"state", "up"}, {"mtu", "1500"}}));
    CHECK(events_between(whole, changed) == told({{"state", "up"}, {"mtu", "1400"}}));
    CHECK(events_between(with({device}), with({})).empty());
}

TEST_CASE("a bridge that nobody defined is no network", "[events]") {
    REQUIRE(events_between(with({bridge("docker0")}), with({})).empty());
}

TEST_CASE("a guest's NIC that is plugged in, moved, or pulled out", "[events]") {
    Snapshot none, web, db;
    web.running.put(guest_nic("web"));
    db.running.put(guest_nic("db"));
    const auto port = lower::port_of(guest_nic("web").key()).text();
    const Event into_web{"guest.plugged", "web1", {{"mac", "52:54:00:00:00:01"}, {"network", "web"}, {"port", port}}};
    const Event out_of_web{"guest.unplugged", "web1", {{"mac", "52:54:00:00:00:01"}, {"network", "web"}, {"port", port}}};
    const Event into_db{"guest.plugged", "web1", {{"mac", "52:54:00:00:00:01"}, {"network", "db"}, {"port", port}}};
    REQUIRE(events_between(none, web) == std::vector<Event>{into_web});
    REQUIRE(events_between(web, none) == std::vector<Event>{out_of_web});
    REQUIRE(events_between(web, db) == std::vector<Event>{out_of_web, into_db});
    auto renamed = web;
    auto nic = guest_nic("web");
    nic.alias = "ua-1";
    renamed.running.put(nic);
    REQUIRE(events_between(web, renamed).empty());
}

}  // namespace events_test
