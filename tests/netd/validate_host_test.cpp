// What a definition meets on the host: devices of Open vSwitch, devices that netd made for something else; and rules of guests' NICs.
#include "netd/intent/validate.hpp"
#include "netd/wire/read_definition.hpp"
#include "tests/fakes/fake_kernel.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

namespace validate_host_test {

namespace {

using namespace intent;
using Told = std::vector<std::pair<int, std::string>>;

topology::IfName name(const char* text) { return *topology::IfName::parse(text); }

struct Host {
    fakes::FakeKernel kernel{"eno1", "eno2", "eno3"};
    ovs::State ovs;
    Intent running;

    Facts facts() { return {.kernel = kernel.state(), .abilities = kernel.abilities(), .ovs_connected = true, .ovs = &ovs}; }
    void make(const char* device, bridges::Kind kind, topology::Owner owner) {
        bridges::Link link{name(device)};
        link.kind = std::move(kind);
        link.owner = std::move(owner);
        REQUIRE_FALSE(kernel.apply(std::vector<bridges::Op>{topology::Create<bridges::Link>{link}}).stopped);
        REQUIRE(kernel.hear());
    }
    Told told(const char* text) {
        Complaints complaints;
        const Request request = wire::read_setup(nlohmann::json::parse(text), complaints);
        const auto more = validate(request, running, facts()).complaints;
        complaints.add(more);
        Told told;
        for (const auto& complaint : complaints) told.emplace_back(complaint.code, complaint.path);
        return told;
    }
    Told told(const GuestNic& nic) {
        Told told;
        for (const auto& complaint : validate_nic(nic, running, facts(), 49).complaints) told.emplace_back(complaint.code, complaint.path);
        return told;
    }
};

}  // namespace

TEST_CASE("what somebody else's Open vSwitch has is not taken from it") {
    Host host;
    host.ovs.bridges.put(ovs::Bridge{.name = name("br-ex"), .owner = topology::Owner::foreign()});
    host.ovs.bridges.put(ovs::Bridge{.name = name("ovs-eno3"), .owner = topology::Owner::ours("base eno3")});
    host.ovs.ports.put(ovs::Port{.name = name("eno1"), .bridge = name("br-ex"), .owner = topology::Owner::foreign(), .internal = false});
    host.ovs.ports.put(ovs::Port{.name = name("eno3"), .bridge = name("ovs-eno3"), .owner = topology::Owner::ours("base eno3"), .internal = false});
    CHECK(host.told(R"({"networks": {"web": {"nic": "eno1", "vlan": 5, "switch": "ovs"}}})") == Told{{24, "/networks/web/nic"}});
    CHECK(host.told(R"({"networks": {"web": {"nic": "eno1"}}})") == Told{{24, "/networks/web/nic"}});
    CHECK(host.told(R"({"bondings": {"bond0": {"nics": ["eno1", "eno2"]}}})") == Told{{24, "/bondings/bond0/nics"}});
    CHECK(host.told(R"({"networks": {"web": {"nic": "eno3", "vlan": 5, "switch": "ovs"}}})").empty());
    // Its own devices are no NICs.
    host.ovs.ports.put(ovs::Port{.name = name("eno2"), .bridge = name("ovs-eno3"), .owner = topology::Owner::ours("network eno2"), .internal = true});
    CHECK(host.told(R"({"networks": {"web": {"nic": "eno2"}}})") == Told{{23, "/networks/web/nic"}});
    CHECK(host.told(R"({"bondings": {"bond0": {"nics": ["eno2"]}}})") == Told{{23, "/bondings/bond0/nics"}});
}

TEST_CASE("no guest has the MAC of the host's end of another's NIC") {
    Host host;
    const auto nic = [](const char* vm, const char* mac) { return GuestNic{vm, *topology::Mac::parse(mac)}; };
    for (const auto& [one, other] : {std::pair{"56:6f:00:00:01:02", "fe:6f:00:00:01:02"}, {"fe:6f:00:00:01:02", "fa:6f:00:00:01:02"}}) {
        host.running = {};
        host.running.put(nic("b", other));
        CHECK(host.told(nic("a", one)) == Told{{49, "/nic/macAddr"}});
        // What a hypervisor has made is there already.
        GuestNic adopted = nic("a", one);
        adopted.adopted = IfName::observed("vnet7");
        CHECK(host.told(adopted).empty());
    }
    CHECK(host.told(nic("a", "56:6f:00:00:01:03")).empty());
}

TEST_CASE("a network has no name of a device that netd made for something else") {
    Host host;
    host.running.put(Network{.name = *NetworkName::parse("web"), .nic = name("eno1"), .vlan = *VlanId::from(100)});
    host.make("eno1.100", bridges::Vlan{name("eno1"), *VlanId::from(100)}, topology::Owner::ours("network web"));
    host.make("nic-2f0ad4c4", bridges::Tap{}, topology::Owner::ours("guest vm1"));
    host.make("lan", bridges::Bridge{}, topology::Owner::ours("network lan"));
    CHECK(host.told(R"({"networks": {"nic-2f0ad4c4": {}}})") == Told{{27, "/networks/nic-2f0ad4c4"}});
    CHECK(host.told(R"({"networks": {"eno1.100": {"nic": "eno2", "switch": "vlan-aware", "ipaddr": "10.0.0.1", "prefix": 24}}})") == Told{{27, "/networks/eno1.100"}});
    CHECK(host.told(R"({"networks": {"lan": {}}})").empty());
    // What goes in the same request is in nobody's way.
    CHECK(host.told(R"({"networks": {"web": {"remove": true}, "eno1.100": {"nic": "eno2", "switch": "vlan-aware", "ipaddr": "10.0.0.1", "prefix": 24}}})").empty());
    host.running.remove(*NetworkName::parse("web"));
    // Nor the other way round.
    host.running.put(Network{.name = *NetworkName::parse("vb-eno1")});
    host.running.put(Network{.name = *NetworkName::parse("eno2.7"), .nic = name("eno3"), .vlan = *VlanId::from(5), .switch_kind = SwitchKind::ovs});
    CHECK(host.told(R"({"networks": {"db": {"nic": "eno1", "vlan": 10, "switch": "vlan-aware"}}})") == Told{{27, "/networks/db/switch"}});
    CHECK(host.told(R"({"networks": {"db": {"nic": "eno2", "vlan": 7}}})") == Told{{26, "/networks/db/vlan"}});
}

TEST_CASE("one filtering bridge has STP for all of its networks or for none") {
    Host host;
    CHECK(host.told(R"({"networks": {"a": {"nic": "eno1", "vlan": 10, "switch": "vlan-aware", "stp": true},
                                     "b": {"nic": "eno1", "vlan": 20, "switch": "vlan-aware", "custom": {"bridge_opts": "stp_state=0"}}}})") ==
          Told{{21, "/networks/a/stp"}, {21, "/networks/b/custom"}});
    host.running.put(Network{.name = *NetworkName::parse("b"), .nic = name("eno1"), .vlan = *VlanId::from(20), .switch_kind = SwitchKind::vlan_aware,
                             .custom = {.bridge_opts = {{"forward_delay", "0"}}}});
    CHECK(host.told(R"({"networks": {"a": {"nic": "eno1", "vlan": 10, "switch": "vlan-aware", "stp": true}}})") == Told{{21, "/networks/a/stp"}});
    CHECK(host.told(R"({"networks": {"a": {"nic": "eno1", "vlan": 10, "switch": "vlan-aware"}}})").empty());
}

TEST_CASE("a complaint is about the attribute that was sent") {
    Host host;
    CHECK(host.told(R"({"networks": {"a": {"nic": "eno1", "addresses": ["fe80::1/64"]}}})") == Told{{22, "/networks/a/addresses/0"}});
    CHECK(host.told(R"({"networks": {"a": {"nic": "eno1", "ipaddr": "10.0.0.1", "netmask": "255.0.255.0"}}})") == Told{{22, "/networks/a/netmask"}});
    CHECK(host.told(R"({"networks": {"a": {"nic": "eno1", "ipaddr": "10.0.0.1", "prefix": 24, "routes": [{"to": "10.9.0.0/16", "via": "10.0.0.2"}]},
                                     "b": {"nic": "eno2", "addresses": ["10.9.0.1/16"]}}})") ==
          Told{{22, "/networks/a/routes/0"}, {22, "/networks/b/addresses/0"}});
}

TEST_CASE("a guest's own tags are none of the untagged network, and each kind of NIC has its own attributes", "[guests]") {
    Host host;
    host.running.put(Network{.name = *NetworkName::parse("web"), .nic = name("eno1"), .vlan = *VlanId::from(100), .switch_kind = SwitchKind::ovs});
    host.running.put(Network{.name = *NetworkName::parse("lan")});
    GuestNic nic{"vm1", *topology::Mac::parse("02:00:00:00:77:01")};
    nic.network = "web";
    nic.vlan = *VlanId::from(0);
    CHECK(host.told(nic) == Told{{49, "/nic/vlan"}});
    nic.vlan.reset();
    nic.trunk = *VlanSet::parse("0-4094");
    CHECK(host.told(nic) == Told{{49, "/nic/trunk"}});
    nic.trunk = *VlanSet::parse("1-4094");
    CHECK(host.told(nic).empty());
    GuestNic plain{"vm2", *topology::Mac::parse("02:00:00:00:77:02")};
    plain.network = "lan";
    plain.queues = 4, plain.model = "e1000e";
    CHECK(host.told(plain) == Told{{49, "/nic/queues"}});
    plain.model = "virtio", plain.kind = GuestKind::netns, plain.user = 1000;
    CHECK(host.told(plain) == Told{{49, "/nic/queues"}, {49, "/nic/user"}});
    plain.queues = 1, plain.kind = GuestKind::tap, plain.ifname = name("eth5");
    CHECK(host.told(plain) == Told{{49, "/nic/ifname"}});
    plain.ifname.reset();
    CHECK(host.told(plain).empty());
}

TEST_CASE("a tap has its queues for as long as it is plugged in", "[guests]") {
    Host host;
    host.running.put(Network{.name = *NetworkName::parse("lan")});
    GuestNic nic{"vm1", *topology::Mac::parse("02:00:00:00:77:01")};
    nic.kind = GENERATE(GuestKind::tap, GuestKind::libvirt);
    nic.network = "lan", nic.queues = 4;
    REQUIRE(host.told(nic).empty());
    GuestNic coming = nic;
    coming.incoming = true;
    for (const std::uint8_t queues : {1, 2, 8}) {
        host.running.put(nic);
        GuestNic other = nic;
        other.queues = queues;
        CHECK(host.told(other) == Told{{49, "/nic/queues"}});
        // Nobody holds the tap of one that is awaited.
        host.running.put(coming);
        CHECK(host.told(other).empty());
    }
    host.running.put(nic);
    nic.isolated = true;
    CHECK(host.told(nic).empty());
}

TEST_CASE("a route is by another host in a subnet of the network; one that nobody knows before may be any") {
    Host host;
    const auto told = [&](const std::string& rest, const std::string& to, const std::string& via) {
        return host.told((R"({"networks": {"a": {"nic": "eno1", )" + rest + R"("routes": [{"to": ")" + to + R"(", "via": ")" + via + R"("}]}}})").c_str());
    };
    const std::string v4 = R"("ipaddr": "10.0.0.1", "prefix": 24, )", v6 = R"("ipv6addr": "2001:db8::1/64", )", more = R"("addresses": ["10.2.0.1/16", "2001:db8:2::1/64"], )";
    const Told refused{{22, "/networks/a/routes/0"}};
    for (const char* via : {"10.0.1.2", "10.0.0.1", "10.0.0.255", "10.0.0.0"}) CHECK(told(v4, "10.9.0.0/16", via) == refused);
    CHECK(told("", "10.9.0.0/16", "10.0.0.2") == refused);
    // What only follows from an address that is not whole is left out.
    CHECK(told(R"("ipaddr": "10.0.0.1", )", "10.9.0.0/16", "10.0.0.2") == Told{{21, "/networks/a/ipaddr"}});
    CHECK(told(v6, "10.9.0.0/16", "10.0.0.2") == refused);
    CHECK(told(v4, "2001:db8:9::/48", "fe80::1") == refused);
    for (const char* via : {"2001:db8:1::1", "2001:db8::1"}) CHECK(told(v6, "2001:db8:9::/48", via) == refused);
    CHECK(told(R"("bootproto": "dhcp", )", "2001:db8:9::/48", "2001:db8::1") == refused);

    CHECK(told(v4 + more, "10.9.0.0/16", "10.2.3.4").empty());
    CHECK(told(v4 + more, "2001:db8:9::/48", "2001:db8:2::2").empty());
    CHECK(told(v6, "2001:db8:9::/48", "fe80::1").empty());
    CHECK(told(R"("ipaddr": "10.0.0.1", "prefix": 31, )", "10.9.0.0/16", "10.0.0.0").empty());
    CHECK(told(R"("bootproto": "dhcp", )", "10.9.0.0/16", "10.7.0.1").empty());
    for (const char* automatic : {R"("ipv6autoconf": true, )", R"("dhcpv6": true, )"})
        for (const char* via : {"fe80::1", "2001:db8:8::1"}) CHECK(told(automatic, "2001:db8:9::/48", via).empty());
}

TEST_CASE("all that is wrong with a guest's NIC is told, and none of it hides the rest") {
    Host host;
    host.running.put(Network{.name = *NetworkName::parse("web"), .nic = name("eno1")});
    host.running.put(Network{.name = *NetworkName::parse("inside"), .switch_kind = SwitchKind::vlan_aware});
    GuestNic there{"vm", *topology::Mac::parse("fe:00:00:00:00:01")}, nic{"vm", *topology::Mac::parse("02:00:00:00:00:01")};
    there.kind = nic.kind = GuestKind::netns;
    there.alias = nic.alias = "one";
    host.running.put(there);
    nic.vlan = *VlanId::from(0);
    for (const char* network : {"web", "inside"}) {
        nic.network = network;
        CHECK(host.told(nic) == Told{{49, "/nic/macAddr"}, {49, "/nic/alias"}, {49, "/nic/ifname"}, {49, "/nic/vlan"}, {49, "/nic/vlan"}});
    }
    nic.network = "nowhere";
    nic.port_mirroring = {*NetworkName::parse("gone"), *NetworkName::parse("lost")};
    CHECK(host.told(nic) == Told{{49, "/nic/macAddr"}, {49, "/nic/alias"}, {49, "/nic/ifname"}, {49, "/nic/network"}, {49, "/nic/vlan"}, {49, "/nic/portMirroring"}, {49, "/nic/portMirroring"}});
}

TEST_CASE("an address is of one network, of those in the request and of those that run") {
    Host host;
    CHECK(host.told(R"({"networks": {"a": {"nic": "eno1", "ipaddr": "192.0.2.5", "prefix": 24, "ipv6addr": "2001:db8::5/64"},
                                     "b": {"nic": "eno2", "ipaddr": "192.0.2.6", "prefix": 24, "addresses": ["192.0.2.5/16", "2001:db8::5/64"]}}})") ==
          Told{{22, "/networks/a/ipaddr"}, {22, "/networks/a/ipv6addr"}, {22, "/networks/b/addresses/0"}, {22, "/networks/b/addresses/1"}});
    host.running.put(Network{.name = *NetworkName::parse("a"), .nic = name("eno1"), .ipaddr = *topology::IpAddress::parse("192.0.2.5"), .prefix = 24});
    CHECK(host.told(R"({"networks": {"b": {"nic": "eno2", "ipaddr": "192.0.2.5", "prefix": 24}}})") == Told{{22, "/networks/b/ipaddr"}});
    CHECK(host.told(R"({"networks": {"b": {"nic": "eno2", "ipaddr": "192.0.2.6", "prefix": 24}}})").empty());
    CHECK(host.told(R"({"networks": {"a": {"nic": "eno1"}, "b": {"nic": "eno2", "ipaddr": "192.0.2.5", "prefix": 24}}})").empty());
    CHECK(host.told(R"({"networks": {"a": {"remove": true}, "b": {"nic": "eno2", "ipaddr": "192.0.2.5", "prefix": 24}}})").empty());
    // What was so before, a netd of older times took: nobody has to mend it with another change.
    host.running.put(Network{.name = *NetworkName::parse("b"), .nic = name("eno2"), .ipaddr = *topology::IpAddress::parse("192.0.2.5"), .prefix = 24});
    CHECK(host.told(R"({"networks": {"b": {"nic": "eno2", "mtu": 1400, "ipaddr": "192.0.2.5", "prefix": 24}}})").empty());
}

}  // namespace validate_host_test
