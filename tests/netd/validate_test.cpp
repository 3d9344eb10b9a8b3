// Each rule of the protocol's tables, by a request that breaks it: the code, the place, and that all are told at once.
#include "netd/intent/follow_ups.hpp"
#include "netd/intent/validate.hpp"
#include "netd/wire/read_definition.hpp"
#include "netd/wire/write_state.hpp"
#include "tests/fakes/fake_kernel.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

namespace validate_test {

namespace {

using namespace intent;
using Told = std::vector<std::pair<int, std::string>>;

// A host with three NICs; `web` and `old` are there, as is bond0 with a network on it.
struct Host {
    fakes::FakeKernel kernel{"eno1", "eno2", "eno3", "eno4"};
    Intent running;
    bool ovs = true;

    Host() {
        running.put(Network{.name = *NetworkName::parse("web"), .nic = *IfName::parse("eno1"), .vlan = *VlanId::from(100)});
        running.put(Network{.name = *NetworkName::parse("flat"), .nic = *IfName::parse("eno1")});
        running.put(Bond{.name = *IfName::parse("bond0"), .nics = {*IfName::parse("eno3")}, .options = {{"mode", "balance-rr"}}});
        running.put(Network{.name = *NetworkName::parse("onbond"), .bonding = *IfName::parse("bond0"), .vlan = *VlanId::from(5)});
        running.put(Network{.name = *NetworkName::parse("gw"), .nic = *IfName::parse("eno2"), .default_route = true});
    }

    Told told(const char* text) {
        Complaints complaints;
        const Request request = wire::read_setup(nlohmann::json::parse(text), complaints);
        add_broken_rules(complaints, validate(request, running, {kernel.state(), kernel.abilities(), ovs, "unix:/nowhere"}).complaints);
        Told told;
        for (const auto& complaint : complaints) {
            CHECK_FALSE(complaint.what.empty());
            told.emplace_back(complaint.code, complaint.path);
        }
        return told;
    }
};

struct Case {
    const char* request;
    Told told;
};

}  // namespace

TEST_CASE("what breaks a rule is told with its code and its place") {
    const Case cases[] = {
        {R"({"networks": {"a": {"nic": "eno9"}}})", {{23, "/networks/a/nic"}}},
        {R"({"networks": {"a": {"nic": "eno3"}}})", {{24, "/networks/a/nic"}}},
        {R"({"networks": {"a": {"nic": "eno1"}}})", {{24, "/networks/a/nic"}}},
        {R"({"networks": {"a": {"nic": "eno4", "bonding": "bond0"}}})", {{21, "/networks/a/bonding"}}},
        {R"({"networks": {"a": {"bonding": "bond7"}}})", {{25, "/networks/a/bonding"}}},
        {R"({"networks": {"a": {"vlan": 5}}})", {{26, "/networks/a/vlan"}}},
        {R"({"networks": {"a": {"nic": "eno4", "vlan": 4095}}})", {{26, "/networks/a/vlan"}}},
        {R"({"networks": {"a": {"nic": "eno4", "vlan": true}}})", {{26, "/networks/a/vlan"}}},
        {R"({"networks": {"a": {"nic": "eno1", "vlan": "100"}}})", {{21, "/networks/a/vlan"}}},
        {R"({"networks": {"a": {"bridged": false}}})", {{21, "/networks/a/bridged"}}},
        {R"({"networks": {"a": {"nic": "eno4", "vlan": 6, "switch": "vlan-aware", "custom": {"bridge_opts": "max_age=1000"}}, "b": {"nic": "eno4", "vlan": 7, "switch": "vlan-aware", "custom": {"bridge_opts": "max_age=900"}}}})",
         {{21, "/networks/a/custom"}, {21, "/networks/b/custom"}}},
        {R"({"networks": {"vb-eno4": {"switch": "vlan-aware"}, "a": {"nic": "eno4", "vlan": 6, "switch": "vlan-aware"}}})", {{27, "/networks/vb-eno4"}}},
        {R"({"networks": {"a": {"bridged": "no", "vlan": 3}}})", {{26, "/networks/a/vlan"}, {26, "/networks/a/bridged"}}},
        {R"({"networks": {"a": {"nic": "eno4", "bridged": false, "stp": "yes"}}})", {{21, "/networks/a/stp"}}},
        {R"({"networks": {"a": {"nic": "eno4", "mtu": 67}}})", {{21, "/networks/a/mtu"}}},
        {R"({"networks": {"a": {"nic": "eno4", "mtu": 65522}}})", {{21, "/networks/a/mtu"}}},
        {R"({"networks": {"a": {"nic": "eno4", "mtu": 1500.5}}})", {{21, "/networks/a/mtu"}}},
        {R"({"networks": {"a": {"nic": "eno4", "colour": "red"}}})", {{21, "/networks/a/colour"}}},
        {R"({"networks": {"a": {"nic": "eno4", "ipaddr": "192.0.2.1"}}})", {{21, "/networks/a/ipaddr"}}},
        {R"({"networks": {"a": {"nic": "eno4", "ipaddr": "192.0.2.300", "prefix": 24}}})", {{22, "/networks/a/ipaddr"}}},
        {R"({"networks": {"a": {"nic": "eno4", "ipaddr": "192.0.2.1", "netmask": "255.0.255.0"}}})", {{22, "/networks/a/netmask"}}},
        {R"({"networks": {"a": {"nic": "eno4", "ipaddr": "192.0.2.1", "prefix": 24, "netmask": "255.255.255.0"}}})", {{21, "/networks/a/netmask"}}},
        {R"({"networks": {"a": {"nic": "eno4", "ipaddr": "192.0.2.1", "prefix": 24, "gateway": "198.51.100.1"}}})", {{22, "/networks/a/gateway"}}},
        {R"({"networks": {"a": {"nic": "eno4", "gateway": "198.51.100.1"}}})", {{22, "/networks/a/gateway"}}},
        {R"({"networks": {"a": {"nic": "eno4", "ipv6addr": "2001:db8::1/129"}}})", {{22, "/networks/a/ipv6addr"}}},
        {R"({"networks": {"net%d": {"nic": "eno4"}}})", {{27, "/networks/net%d"}}},
        {R"({"networks": {"all": {"nic": "eno4"}}})", {{27, "/networks/all"}}},
        {R"({"networks": {"sixteen-letters-": {"nic": "eno4"}}})", {{27, "/networks/sixteen-letters-"}}},
        {R"({"networks": {"a/b": {"nic": "eno4"}}})", {{27, "/networks/a~1b"}}},
        {R"({"networks": {"eno2": {"nic": "eno4"}}})", {{27, "/networks/eno2"}}},
        {R"({"networks": {"nosuch": {"remove": true}}})", {{27, "/networks/nosuch"}}},
        {R"({"networks": {"web": {"remove": "true", "nic": "eno1"}}})", {{21, "/networks/web/nic"}}},
        {R"({"networks": {"a": {"nic": "eno4", "custom": {"bridge_opts": "no_such=1"}}}})", {{21, "/networks/a/custom/bridge_opts"}}},
        {R"({"networks": {"a": {"nic": "eno4", "switch": "token-ring"}}})", {{21, "/networks/a/switch"}}},
        {R"({"networks": {"a": {"nic": "eno4"}, "b": {"switch": "ovs"}}})", {{21, "/networks/b/switch"}}},
        {R"({"networks": {"a": {"nic": "eno1", "vlan": 7, "switch": "ovs"}}})", {{21, "/networks/a/switch"}}},
        {R"({"networks": {"a": {"nic": "eno4", "defaultRoute": true}, "b": {"defaultRoute": true}}})", {{21, "/networks/a/defaultRoute"}, {21, "/networks/b/defaultRoute"}}},
        {R"({"networks": {"a": {"nic": "eno4", "dhcpv6": true, "ipv6addr": "2001:db8::1/64"}}})", {{22, "/networks/a/ipv6addr"}}},
        {R"({"networks": {"a": {"nic": "eno4", "nameservers": ["192.0.2.53"]}}})", {{21, "/networks/a/nameservers"}}},
        {R"({"bondings": {"bond1": {"nics": []}}})", {{21, "/bondings/bond1/nics"}}},
        {R"({"bondings": {"bond1": {"nics": ["eno9"]}}})", {{23, "/bondings/bond1/nics"}}},
        {R"({"bondings": {"bond1": {"nics": ["eno1"]}}})", {{24, "/bondings/bond1/nics"}}},
        {R"({"bondings": {"bond1": {"nics": ["eno3"]}}})", {{24, "/bondings/bond1/nics"}}},
        {R"({"bondings": {"team0": {"nics": ["eno4"]}}})", {{25, "/bondings/team0"}}},
        {R"({"bondings": {"bond1": {"nics": ["eno4"], "options": "mode=9"}}})", {{25, "/bondings/bond1/options"}}},
        {R"({"bondings": {"bond0": {"remove": true}}})", {{31, "/bondings/bond0"}}},
        {R"({"bondings": {"bond5": {"remove": true}}})", {{25, "/bondings/bond5"}}},
        {R"({"nets": {}})", {{-32602, "/nets"}}},
        {R"({"options": {"connectivityTimeout": 0}})", {{21, "/options/connectivityTimeout"}}},
        {R"({"options": {"connectivityTimeout": 1.5, "timeout": 3601}})", {{21, "/options/connectivityTimeout"}, {21, "/options/timeout"}}},
    };
    for (const auto& one : cases) {
        CAPTURE(one.request);
        CHECK(Host().told(one.request) == one.told);
    }
}

TEST_CASE("every wrong entry of a list, and every wrong member of an object, is told by its own place") {
    const Case cases[] = {
        {R"({"networks": {"a": {"nic": "eno4", "defaultRoute": true, "nameservers": ["192.0.2.1", "x", "192.0.2.2", 7, "y"], "search": ["lab.example", 5, "-", "a..b"]}}})",
         {{21, "/networks/a/nameservers/1"}, {21, "/networks/a/nameservers/3"}, {21, "/networks/a/nameservers/4"}, {21, "/networks/a/search/1"}, {21, "/networks/a/search/3"}}},
        {R"({"networks": {"a": {"nic": "eno4", "ipaddr": "192.0.2.9", "prefix": 24, "routes": [{"to": "x", "via": "y"}, {"to": "198.51.100.0/24", "via": "192.0.2.1"}, {"to": "0.0.0.0/0", "via": "192.0.2.1"}, 5,
                                                          {"to": "203.0.113.0/24", "via": "192.0.2.1", "metric": 5}, {"via": "192.0.2.1"}]}}})",
         {{22, "/networks/a/routes/0/to"}, {22, "/networks/a/routes/0/via"}, {22, "/networks/a/routes/3"}, {22, "/networks/a/routes/4/metric"},
          {22, "/networks/a/routes/2"}, {22, "/networks/a/routes/5"}}},
        {R"({"networks": {"a": {"nic": "eno4", "addresses": ["x/24", "224.0.0.1/24", "192.0.2.5/24", "192.0.2.0/24", "192.0.2.300/24"]}}})",
         {{22, "/networks/a/addresses/0"}, {22, "/networks/a/addresses/4"}, {22, "/networks/a/addresses/1"}, {22, "/networks/a/addresses/3"}}},
        {R"({"networks": {"a": {"nic": "eno4", "ipaddr": "x", "prefix": 24, "routes": [{"to": "10.9.0.0/16", "via": "10.0.0.2"}]}}})", {{22, "/networks/a/ipaddr"}}},
        {R"({"networks": {"a": {"nic": "eno4", "roles": ["vm", "king", "storage", "queen"]}}})", {{21, "/networks/a/roles/1"}, {21, "/networks/a/roles/3"}}},
        {R"({"networks": {"a": {"nic": "eno4", "hostQos": {"out": {"ls": {"m2": "much"}, "ul": 5}, "off": 1}}}})",
         {{21, "/networks/a/hostQos/out/ls/m2"}, {21, "/networks/a/hostQos/out/ul"}, {21, "/networks/a/hostQos/off"}}},
        {R"({"bondings": {"bond1": {"nics": ["a b", "eno4", 5]}}})", {{23, "/bondings/bond1/nics/0"}, {23, "/bondings/bond1/nics/2"}}},
        {R"({"bondings": {"bond1": {"nics": ["a b", "eno9"]}}})", {{23, "/bondings/bond1/nics/0"}, {23, "/bondings/bond1/nics"}}},
    };
    for (const auto& one : cases) {
        CAPTURE(one.request);
        CHECK(Host().told(one.request) == one.told);
    }
    GuestNic nic{"vm1", *topology::Mac::parse("02:00:00:00:00:01")};
    Complaints complaints;
    wire::read_nic(nlohmann::json::parse(R"({"filterParameters": ["x", "192.0.2.1", "y"], "portMirroring": [5], "specParams": {"inbound": {"average": "x", "peak": "y"}}})"), nic, 49, complaints);
    std::vector<std::string> paths;
    for (const auto& complaint : complaints) paths.push_back(complaint.path);
    CHECK(paths == std::vector<std::string>{"/nic/filterParameters/0", "/nic/filterParameters/2", "/nic/specParams/inbound/average", "/nic/specParams/inbound/peak", "/nic/portMirroring/0"});
}

TEST_CASE("what only follows from what can't be read is not told beside it, and all else is") {
    const Case cases[] = {
        {R"({"networks": {"a": {"nic": "eno4", "ipaddr": "x", "netmask": "255.255.255.0", "gateway": "192.0.2.1"}}})", {{22, "/networks/a/ipaddr"}}},
        {R"({"networks": {"a": {"nic": "eno4", "ipaddr": "192.0.2.1", "prefix": "x", "gateway": "192.0.2.7"}}})", {{22, "/networks/a/prefix"}}},
        {R"({"networks": {"a": {"nic": 5, "vlan": 7, "bridged": false}}})", {{23, "/networks/a/nic"}}},
        {R"({"networks": {"a": {"nic": "eno1", "vlan": "x"}}})", {{26, "/networks/a/vlan"}}},
        {R"({"networks": {"a": {"nic": "eno4", "vlan": "x"}, "b": {"nic": "eno4"}, "c": {"nic": "eno1"}}})", {{26, "/networks/a/vlan"}, {24, "/networks/c/nic"}}},
        {R"({"networks": {"a": {"nic": "eno4", "defaultRoute": "perhaps", "nameservers": ["192.0.2.1"]}}})", {{21, "/networks/a/defaultRoute"}}},
        {R"({"networks": {"a": {"nic": "eno4", "switch": "osv"}, "b": {"nic": "eno4", "vlan": 7, "switch": "ovs"}}})", {{21, "/networks/a/switch"}}},
        {R"({"networks": {"a.b": {"nic": "eno4", "switch": "osv", "mtu": "x"}}})", {{21, "/networks/a.b/switch"}, {21, "/networks/a.b/mtu"}}},
        {R"({"networks": {"a": 5, "b": {"nic": "eno9", "vlan": "x", "mtu": "y"}}})", {{21, "/networks/a"}, {26, "/networks/b/vlan"}, {21, "/networks/b/mtu"}, {23, "/networks/b/nic"}}},
        {R"({"networks": {"a.b": {"nic": "eno4", "mtu": "x"}}})", {{21, "/networks/a.b/mtu"}, {27, "/networks/a.b"}}},
        {R"({"bondings": {"bond1": {"nics": ["x y"], "options": "mode=1 primary=eno4"}}})", {{23, "/bondings/bond1/nics/0"}}},
    };
    for (const auto& one : cases) {
        CAPTURE(one.request);
        CHECK(Host().told(one.request) == one.told);
    }
}

TEST_CASE("what is loose is taken, and what is legal is not complained of") {
    const char* requests[] = {
        R"({"networks": {"a": {"nic": "eno4", "vlan": "200", "bridged": "true", "mtu": "9000", "ipaddr": "", "stp": null}}})",
        R"({"networks": {"a": {"nic": "eno4", "vlan": 0}}})",
        R"({"networks": {"web": {"nic": "eno1", "vlan": 101}}})",
        R"({"networks": {"inside": {}}})",
        R"({"networks": {"a": {"nic": "eno4", "ipaddr": "192.0.2.10", "netmask": "255.255.255.0", "gateway": "192.0.2.1", "defaultRoute": "yes"}}})",
        R"({"networks": {"A long name, with spaces: für alle": {"nic": "eno4", "vlan": 3, "switch": "vlan-aware"}}})",
        R"({"networks": {"onbond": {"remove": true}}, "bondings": {"bond0": {"remove": true}}})",
        R"({"networks": {"onbond": {"nic": "eno3", "vlan": 5}}, "bondings": {"bond0": {"remove": true}}})",
        R"({"bondings": {"bond0": {"nics": ["eno4", "eno3"], "options": "miimon=100 mode=4 lacp_rate=1"}}})",
    };
    for (const char* request : requests) {
        CAPTURE(request);
        CHECK(Host().told(request).empty());
    }
}

TEST_CASE("seconds are whole ones, and the complaint says so") {
    Complaints complaints;
    wire::read_setup(nlohmann::json::parse(R"({"options": {"connectivityTimeout": 1.5}})"), complaints);
    REQUIRE(complaints.size() == 1);
    CHECK(complaints.front().what == "connectivityTimeout: a whole number of seconds from 1 to 3600 is due here");
}

TEST_CASE("what says nothing, or the same twice, is taken for what it means") {
    Complaints complaints;
    const auto read = wire::read_setup(nlohmann::json::parse(R"({"networks": {
        "a": {"nic": "eno4", "hostQos": {}, "defaultRoute": true, "nameservers": ["192.0.2.2", "192.0.2.1", "192.0.2.2"], "ipaddr": "192.0.2.10", "prefix": 24, "ipv6addr": "2001:db8:1::9/64",
              "routes": [{"to": "10.0.0.5/8", "via": "192.0.2.1"}, {"to": "2001:db8::5/32", "via": "2001:db8:1::1"}]},
        "b": {"nic": "eno4", "vlan": 7, "hostQos": {"out": {}}}}})"), complaints);
    Host host;
    const auto verdict = validate(read, host.running, {host.kernel.state(), host.kernel.abilities(), true, ""});
    REQUIRE(complaints.empty());
    REQUIRE(verdict.complaints.empty());
    const Network& a = *verdict.wanted.network("a");
    CHECK_FALSE(a.host_qos);
    CHECK_FALSE(verdict.wanted.network("b")->host_qos);
    CHECK(a.nameservers == std::vector{*topology::IpAddress::parse("192.0.2.2"), *topology::IpAddress::parse("192.0.2.1")});
    CHECK(a.routes[0].to->text() == "10.0.0.0/8");
    CHECK(a.routes[1].to->text() == "2001:db8::/32");
}

TEST_CASE("options of the filtering bridge that all agree on, or that one alone has, are taken") {
    Host host;
    CHECK(host.told(R"({"networks": {"a": {"nic": "eno4", "vlan": 6, "switch": "vlan-aware", "custom": {"bridge_opts": "max_age=1000"}}, "b": {"nic": "eno4", "vlan": 7, "switch": "vlan-aware", "custom": {"bridge_opts": "max_age=1000"}}, "c": {"nic": "eno4", "vlan": 8, "switch": "vlan-aware"}}})").empty());
}

TEST_CASE("whatever an attribute is given as, it is read or refused", "[request]") {
    const nlohmann::json values[] = {nullptr, true, 0, -1, 1.5, 1e300, "", "text", nlohmann::json::array(), {1, "a", nullptr}, nlohmann::json::object(), {{"name", 5}}, {{"name", nullptr}, {"value", 1}},
                                     {{{"name", 5}, {"value", "10.0.0.2"}}}, {{"bridge_opts", 5}}, {{"inbound", 5}}, {{"out", {{"ls", "x"}}}}};
    const auto try_all = [&]<class Owner>(const Owner& blank, const auto& read) {
        topology::for_each_field<Owner>([&](const auto& field) {
            for (const nlohmann::json& value : values) {
                CAPTURE(field.name, value.dump());
                Owner whole = blank;
                CHECK_NOTHROW(read(whole, nlohmann::json{{field.name, value}}));
                CHECK_NOTHROW(read(whole, nlohmann::json{{field.name, nlohmann::json::array({value})}}));
            }
        });
    };
    const Network network{.name = *NetworkName::parse("web")};
    const Bond bond{.name = *IfName::parse("bond0")};
    const GuestNic nic{"vm1", *topology::Mac::parse("02:00:00:00:00:01")};
    Complaints complaints;
    try_all(network, [&](Network& whole, const nlohmann::json& value) { whole = wire::read_network(network.name, value, complaints); });
    try_all(bond, [&](Bond& whole, const nlohmann::json& value) { whole = wire::read_bond(bond.name, value, complaints); });
    try_all(nic, [&](GuestNic& whole, const nlohmann::json& value) { wire::read_nic(value, whole, 49, complaints); });
    CHECK(complaints.size() > 100);
}

TEST_CASE("a network does not change under a guest's own tags", "[guests]") {
    Host host;
    host.running = {};
    host.running.put(Network{.name = *NetworkName::parse("web"), .nic = *IfName::parse("eno1"), .vlan = *VlanId::from(100), .switch_kind = SwitchKind::vlan_aware});
    GuestNic tagged{"vm1", *topology::Mac::parse("02:00:00:00:00:01")};
    tagged.network = "web";
    tagged.vlan = *VlanId::from(200);
    host.running.put(tagged);
    CHECK(host.told(R"({"networks": {"web": {"nic": "eno1", "vlan": 100, "switch": "vlan-aware", "mtu": 1400}}})").empty());
    CHECK(host.told(R"({"networks": {"web": {"nic": "eno1", "vlan": 100}}})") == Told{{21, "/networks/web"}});
    CHECK(host.told(R"({"networks": {"web": {"switch": "vlan-aware"}}})") == Told{{21, "/networks/web"}});
    // What a network without a tag is inside of the bridge nobody else's guest may have.
    const Facts facts{host.kernel.state(), host.kernel.abilities(), true, "unix:/nowhere"};
    const auto codes = [&](const GuestNic& nic, const Intent& running) {
        Told told;
        for (const auto& complaint : validate_nic(nic, running, facts, 49).complaints) told.emplace_back(complaint.code, complaint.path);
        return told;
    };
    GuestNic inside = tagged;
    inside.vlan = *VlanId::from(4094);
    CHECK(codes(inside, host.running).empty());
    const Intent without = host.running;
    host.running.put(inside);
    CHECK(host.told(R"({"networks": {"mgmt": {"nic": "eno1", "switch": "vlan-aware"}}})") == Told{{21, "/networks/web"}});
    host.running = without;
    host.running.put(Network{.name = *NetworkName::parse("mgmt"), .nic = *IfName::parse("eno1"), .switch_kind = SwitchKind::vlan_aware});
    CHECK(codes(tagged, host.running).empty());
    CHECK(codes(inside, host.running) == Told{{49, "/nic/vlan"}});
    inside.vlan = *VlanId::from(4093);
    CHECK(codes(inside, host.running).empty());
    host.running.put(inside);
    CHECK(host.told(R"({"networks": {"high": {"nic": "eno1", "vlan": 4094, "switch": "vlan-aware"}}})") == Told{{21, "/networks/web"}});
    CHECK(host.told(R"({"networks": {"high": {"nic": "eno1", "vlan": 4092, "switch": "vlan-aware"}}})").empty());
}

TEST_CASE("what a hypervisor has made is not held against what netd makes, and is read again", "[guests]") {
    Host host;
    GuestNic found{"vm1", *topology::Mac::parse("02:00:00:00:00:01")};
    found.kind = GuestKind::libvirt;
    found.network = "web";
    found.model = "e1000";
    found.adopted = IfName::observed("vm@1");
    const Facts facts{host.kernel.state(), host.kernel.abilities(), true, "unix:/nowhere"};
    host.running.put(found);
    CHECK(validate_nic(found, host.running, facts, 56).complaints.empty());
    const auto again = wire::read_intent(wire::write_intent(host.running));
    REQUIRE(again);
    CHECK(*again == host.running);
    GuestNic own{"vm2", *topology::Mac::parse("02:00:00:00:77:02")};
    own.model = "e1000";
    CHECK(validate_nic(own, host.running, facts, 49).complaints.front().path == "/nic/nicModel");
}

TEST_CASE("what is plugged in can't become another thing", "[guests]") {
    Host host;
    GuestNic nic{"vm1", *topology::Mac::parse("02:00:00:00:00:01")};
    nic.network = "web";
    host.running.put(nic);
    const Facts facts{host.kernel.state(), host.kernel.abilities(), true, "unix:/nowhere"};
    const auto paths = [&](const GuestNic& now) {
        std::vector<std::string> all;
        for (const auto& complaint : validate_nic(now, host.running, facts, 56).complaints) all.push_back(complaint.path);
        return all;
    };
    CHECK(paths(nic).empty());
    GuestNic other = nic;
    other.kind = GuestKind::netns;
    other.ifname = *IfName::parse("eth1");
    CHECK(paths(other) == std::vector<std::string>{"/nic/kind", "/nic/ifname"});
    other = nic;
    other.user = 107;
    CHECK(paths(other) == std::vector<std::string>{"/nic/user"});
    // That a hypervisor has brought along another guest with its MAC keeps nobody from drawing its cable.
    GuestNic twin{"vm2", nic.mac};
    twin.adopted = IfName::observed("vnet7");
    host.running.put(twin);
    CHECK(paths(nic).empty());
}

TEST_CASE("a new holder takes the default route from the old one, which keeps all else") {
    Host host;
    Complaints complaints;
    const auto request = wire::read_setup(nlohmann::json::parse(R"({"networks": {"a": {"nic": "eno4", "defaultRoute": true}}})"), complaints);
    const auto verdict = validate(request, host.running, {host.kernel.state(), host.kernel.abilities(), true, ""});
    REQUIRE(verdict.complaints.empty());
    CHECK(verdict.wanted.default_route()->name.text() == "a");
    Network old = *host.running.network("gw");
    old.default_route = false;
    CHECK(*verdict.wanted.network("gw") == old);
}

TEST_CASE("what the host lacks is refused by name before anything is touched") {
    Host host;
    host.kernel.able = {.vlan = false, .vlan_filtering = false, .bond = false, .tap = true, .filter = true, .release = "6.1-poor"};
    host.ovs = false;
    CHECK(host.told(R"({"networks": {"a": {"nic": "eno4", "vlan": 7}}})") == Told{{29, "/networks/a/vlan"}});
    CHECK(host.told(R"({"networks": {"a": {"nic": "eno4", "vlan": 7, "switch": "vlan-aware"}}})") == Told{{29, "/networks/a/switch"}});
    CHECK(host.told(R"({"networks": {"a": {"nic": "eno4", "vlan": 7, "switch": "ovs"}}})") == Told{{32, "/networks/a/switch"}});
    CHECK(host.told(R"({"bondings": {"bond1": {"nics": ["eno4"]}}})") == Told{{29, "/bondings/bond1"}});
    CHECK(host.told(R"({"networks": {"a": {"nic": "eno4"}}})").empty());
}

}  // namespace validate_test
