// Engines are told what there is, entry by entry, whatever was defined.
#include "netd/wire/write_capabilities.hpp"

#include "tests/netd/host_house.hpp"

namespace capabilities_test {

using nlohmann::json;
using told::House;
using wire::write_capabilities;

namespace {

json capabilities_of(const House& house) { return json::parse(write_capabilities(house.now, false)); }

// An entry without addresses, laid over with what it has.
json entry(const json& has) {
    json whole = {{"addr", ""}, {"netmask", ""}, {"ipv4addrs", json::array()}, {"ipv6addrs", json::array()}, {"gateway", ""}, {"ipv6gateway", "::"},
                  {"ipv4defaultroute", false}, {"ipv6defaultroute", false}, {"dhcpv4", false}, {"dhcpv6", false}, {"ipv6autoconf", false}, {"mtu", 1500}};
    whole.update(has);
    return whole;
}

// The same of a device, with its own index and MAC.
json device(const House& house, const std::string& name, const json& has) {
    const auto& link = house.link(name);
    json whole = entry({{"ifindex", link.facts.index}, {"hwaddr", link.mac->text()}});
    whole.update(has);
    return whole;
}

json names_of(const json& entries) {
    json names = json::array();
    for (const auto& [name, one] : entries.items()) names.push_back(name);
    return names;
}

}  // namespace

TEST_CASE("a legacy network is told with its bridge, its VLAN and its NIC", "[capabilities]") {
    House house{"eth0"};
    house.define({{"networks", {{"web", {{"nic", "eth0"}, {"vlan", 100}, {"ipaddr", "192.0.2.10"}, {"prefix", 24}}}}}});
    const json told = capabilities_of(house);
    const json addresses = {{"addr", "192.0.2.10"}, {"netmask", "255.255.255.0"}, {"ipv4addrs", {"192.0.2.10/24"}}};
    json network = entry(addresses);
    network.update({{"iface", "web"}, {"bridged", true}, {"ports", {"eth0.100"}}, {"stp", "off"}, {"southbound", "eth0.100"}, {"vlanid", 100},
                    {"switch", "legacy"}, {"roles", {"vm"}}, {"services", json::array()}, {"inSync", true}});
    REQUIRE(told["networks"] == json{{"web", network}});
    json bridge = device(house, "web", addresses);
    bridge.update({{"ports", {"eth0.100"}}, {"stp", "off"}, {"opts", std::get<bridges::Bridge>(*house.link("web").kind).options.map()}});
    REQUIRE(told["bridges"] == json{{"web", bridge}});
    REQUIRE(told["vlans"] == json{{"eth0.100", device(house, "eth0.100", {{"iface", "eth0"}, {"vlanid", 100}})}});
    json nic = device(house, "eth0", {{"permhwaddr", house.link("eth0").mac->text()}, {"speed", 0}});  // no IPv6 where only tags are
    REQUIRE(told["nics"] == json{{"eth0", nic}});
    REQUIRE(told["bondings"] == json::object());
}

TEST_CASE("the rest says what the host can do and whether something would be gone after a boot", "[capabilities]") {
    House house{"eth0"};
    json told = capabilities_of(house);
    for (const char* kind : {"networks", "bridges", "vlans", "bondings", "nics"}) told.erase(kind);
    const json expected = {
        {"nameservers", json::array()},
        {"supportsIPv6", true},
        {"netConfigDirty", false},
        {"ovnConfigured", false},
        {"backends",
         {{"kernel", {{"release", "6.1.0-fake"}, {"vlan", true}, {"vlan_filtering", true}, {"bond", true}, {"tap", true}, {"filter", true}, {"services", true},
                      {"hfsc", true}, {"htb", true}, {"police", true}, {"mirred", true}, {"gates", false}}},
          {"ovs", {{"connected", true}, {"where", "fake"}, {"datapath", "netdev"}}}}}};
    REQUIRE(told == expected);
    house.define({{"networks", {{"lab", json::object()}}}});
    REQUIRE(capabilities_of(house)["netConfigDirty"] == true);
    house.now.committed = house.now.running;
    REQUIRE(capabilities_of(house)["netConfigDirty"] == false);
    house.plug(told::nic("guest1", "lab"));  // which a boot unplugs, whatever is committed
    REQUIRE(capabilities_of(house)["netConfigDirty"] == false);
    house.define({{"networks", {{"lab", {{"mtu", 1400}}}}}});
    REQUIRE(capabilities_of(house)["netConfigDirty"] == true);
}

TEST_CASE("what is beside the snapshot is told as it is given", "[capabilities]") {
    House house{"eth0"};
    house.now.paces.put({told::name("eth0"), 10000, "full"});
    house.now.nameservers = {"192.0.2.53"};
    const json told = json::parse(write_capabilities(house.now, {}, {.text_mtu = true}));
    REQUIRE(told["nameservers"] == json{"192.0.2.53"});
    REQUIRE(told["nics"]["eth0"]["speed"] == 10000);
    REQUIRE(told["nics"]["eth0"]["mtu"] == "1500");
}

TEST_CASE("a network whose device is gone is left out, and one that has drifted says so", "[capabilities]") {
    House house{"eth0"};
    house.define({{"networks", {{"web", {{"nic", "eth0"}, {"vlan", 100}}}, {"db", {{"nic", "eth0"}, {"vlan", 200}}}}}});
    house.lose("web");
    bridges::Link small{told::name("db")};
    small.mtu = topology::Mtu::observed(1400);
    house.meddle(small);
    const json told = capabilities_of(house);
    REQUIRE(names_of(told["networks"]) == json{"db"});
    REQUIRE(told["networks"]["db"]["inSync"] == false);
    REQUIRE(told["networks"]["db"]["mtu"] == 1400);
}

TEST_CASE("a bridge that lost its way to the wire does not claim it", "[capabilities]") {
    House house{"eth0"};
    house.define({{"networks", {{"web", {{"nic", "eth0"}, {"vlan", 100}}}}}});
    bridges::Link alone{told::name("eth0.100")};
    alone.master = bridges::Master{};
    house.meddle(alone);
    const json told = capabilities_of(house)["networks"]["web"];
    REQUIRE(told["southbound"] == "");
    REQUIRE(told["ports"] == json::array());
    REQUIRE_FALSE(told.contains("vlanid"));
}

TEST_CASE("a bridgeless network is told with its interface, tagged or not", "[capabilities]") {
    House house{"eth0"};
    house.define({{"networks", {{"storage", {{"nic", "eth0"}, {"bridged", false}}}, {"backup", {{"nic", "eth0"}, {"vlan", 7}, {"bridged", false}}}}}});
    const json told = capabilities_of(house);
    json storage = entry({{"iface", "eth0"}, {"interface", "eth0"}, {"bridged", false}, {"ports", json::array()}, {"stp", "off"}, {"southbound", "eth0"},
                          {"switch", "legacy"}, {"roles", json::array()}, {"inSync", true}});
    json backup = storage;
    backup.update({{"iface", "eth0.7"}, {"interface", "eth0.7"}, {"southbound", "eth0.7"}, {"vlanid", 7}});
    REQUIRE(told["networks"] == json{{"storage", storage}, {"backup", backup}});
    REQUIRE(told["bridges"] == json::object());
}

TEST_CASE("a bond is told with its ports and what differs from its mode's defaults", "[capabilities]") {
    House house{"eth0", "eth1"};
    house.define({{"bondings", {{"bond0", {{"nics", {"eth0", "eth1"}}, {"options", "mode=active-backup miimon=150"}}}}}});
    auto bond = house.link("bond0");
    bond.facts.rare.edit().active_port = told::name("eth1");
    house.now.observed.kernel.links.put(bond);
    const json told = capabilities_of(house)["bondings"]["bond0"];
    json expected = device(house, "bond0", {{"slaves", {"eth0", "eth1"}}, {"active_slave", "eth1"}, {"opts", {{"mode", "active-backup"}, {"miimon", "150"}}},
                                            {"speed", 0}, {"switch", "legacy"}, {"verdict", ""}, {"ipv6autoconf", told["ipv6autoconf"]}});
    REQUIRE(told == expected);
}

TEST_CASE("LACP is told where there is LACP, and nowhere else", "[capabilities]") {
    House house{"eth0", "eth1"};
    house.define({{"bondings", {{"bond0", {{"nics", {"eth0"}}, {"options", "mode=802.3ad"}}}}}});
    auto bond = house.link("bond0"), port = house.link("eth0");
    bond.facts.rare.edit().aggregator = port.facts.rare.edit().aggregator = 3;
    bond.facts.rare.edit().partner_mac = *topology::Mac::parse("00:11:22:33:44:55");
    house.now.observed.kernel.links.put(bond);
    house.now.observed.kernel.links.put(port);
    const json told = capabilities_of(house);
    REQUIRE(told["bondings"]["bond0"]["ad_aggregator_id"] == 3);
    REQUIRE(told["bondings"]["bond0"]["ad_partner_mac"] == "00:11:22:33:44:55");
    REQUIRE(told["bondings"]["bond0"]["active_slave"] == "");
    REQUIRE(told["bondings"]["bond0"]["opts"] == json{{"mode", "802.3ad"}});
    REQUIRE(told["nics"]["eth0"]["ad_aggregator_id"] == 3);
    REQUIRE_FALSE(told["nics"]["eth1"].contains("ad_aggregator_id"));
}

TEST_CASE("a gateway is told wherever it leads, the default route only where it is", "[capabilities]") {
    House house{"eth0"};
    house.define({{"networks",
                   {{"mgmt", {{"nic", "eth0"}, {"defaultRoute", true}, {"ipaddr", "192.0.2.10"}, {"prefix", 24}, {"gateway", "192.0.2.1"}}},
                    {"web", {{"nic", "eth0"}, {"vlan", 100}, {"ipaddr", "198.51.100.2"}, {"netmask", "255.255.255.128"}, {"gateway", "198.51.100.1"},
                             {"ipv6addr", "2001:db8:0:0::2/64"}, {"ipv6gateway", "2001:db8::1"}}}}}});
    const json told = capabilities_of(house)["networks"];
    REQUIRE(told["mgmt"]["gateway"] == "192.0.2.1");
    REQUIRE(told["mgmt"]["ipv4defaultroute"] == true);
    REQUIRE(told["mgmt"]["ipv6gateway"] == "::");
    REQUIRE(told["web"]["gateway"] == "198.51.100.1");
    REQUIRE(told["web"]["ipv4defaultroute"] == false);
    REQUIRE(told["web"]["netmask"] == "255.255.255.128");
    REQUIRE(told["web"]["ipv6gateway"] == "2001:db8::1");
    REQUIRE(told["web"]["ipv6addrs"] == json{"2001:db8::2/64"});
    REQUIRE(told["web"]["ipv6defaultroute"] == false);
    // Somebody else's better route takes it away.
    bridges::Route better = *house.now.observed.kernel.routes.begin();
    for (const auto& route : house.now.observed.kernel.routes)
        if (route.table == bridges::Route::main_table && route.to.length() == 0) better = route;
    bridges::Route worse = better;
    house.now.observed.kernel.routes.erase(better.key());
    worse.metric = 100;
    better.device = told::name("eth0");
    house.now.observed.kernel.routes.put(worse);
    house.now.observed.kernel.routes.put(better);
    const json now = capabilities_of(house);
    REQUIRE(now["networks"]["mgmt"]["ipv4defaultroute"] == false);
    REQUIRE(now["networks"]["mgmt"]["gateway"] == "192.0.2.1");
    REQUIRE(now["nics"]["eth0"]["ipv4defaultroute"] == true);
}

TEST_CASE("of several gateways by one device the defined one is told", "[capabilities]") {
    House house{"eth0"};
    house.define({{"networks", {{"web", {{"nic", "eth0"}, {"bridged", false}, {"ipaddr", "192.0.2.10"}, {"prefix", 24}, {"gateway", "192.0.2.1"}}}}}});
    house.now.observed.kernel.routes.put({254, *topology::Subnet::parse("0.0.0.0/0"), 100, *topology::IpAddress::parse("192.0.2.254"), told::name("eth0"), 16});
    const json told = capabilities_of(house)["networks"]["web"];
    REQUIRE(told["gateway"] == "192.0.2.1");
    REQUIRE(told["ipv4defaultroute"] == true);
}

TEST_CASE("of several addresses the defined one is the first, on other devices the one that reaches the gateway", "[capabilities]") {
    House house{"eth0", "eth1"};
    house.define({{"networks", {{"web", {{"nic", "eth0"}, {"vlan", 100}, {"ipaddr", "192.0.2.10"}, {"prefix", 24}, {"addresses", {"10.0.0.1/8"}}}}}}});
    bridges::Link nic = house.link("eth1");
    nic.addresses = {*topology::Subnet::parse("10.1.0.1/16"), *topology::Subnet::parse("203.0.113.5/24"), *topology::Subnet::parse("fe80::1/64")};
    house.now.observed.kernel.links.put(nic);
    house.now.observed.kernel.routes.put({254, *topology::Subnet::parse("0.0.0.0/0"), 0, *topology::IpAddress::parse("203.0.113.1"), told::name("eth1"), 3});
    const json told = capabilities_of(house);
    REQUIRE(told["networks"]["web"]["addr"] == "192.0.2.10");
    REQUIRE(told["networks"]["web"]["ipv4addrs"] == json{"10.0.0.1/8", "192.0.2.10/24"});
    REQUIRE(told["nics"]["eth1"]["addr"] == "203.0.113.5");
    REQUIRE(told["nics"]["eth1"]["ipv6addrs"] == json::array());
}

TEST_CASE("guests' taps are ports of the bridge, also those that others made", "[capabilities]") {
    House house{"eth0"};
    house.define({{"networks", {{"web", {{"nic", "eth0"}}}}}});
    const auto guest = told::nic("guest1", "web");
    house.plug(guest);
    house.meddle(told::foreign_tap("vnet0", "web"));
    const json told = capabilities_of(house);
    const json ports = {"eth0", told::port_of(guest), "vnet0"};
    REQUIRE(told["networks"]["web"]["ports"] == ports);
    REQUIRE(told["bridges"]["web"]["ports"] == ports);
    REQUIRE(names_of(told["nics"]) == json{"eth0"});
}

TEST_CASE("networks of a filtering bridge have the ports with their tag", "[capabilities]") {
    House house{"eth0"};
    house.define({{"networks",
                   {{"web", {{"nic", "eth0"}, {"vlan", 100}, {"switch", "vlan-aware"}, {"ipaddr", "192.0.2.10"}, {"prefix", 24}}},
                    {"db", {{"nic", "eth0"}, {"vlan", 200}, {"switch", "vlan-aware"}}}}}});
    const auto guest = told::nic("guest1", "db");
    house.plug(guest);
    const json told = capabilities_of(house);
    const std::string port = told::port_of(guest);
    REQUIRE(told["networks"]["db"]["iface"] == "vb-eth0");
    REQUIRE(told["networks"]["db"]["ports"] == json{"eth0", port});
    REQUIRE(told["networks"]["db"]["southbound"] == "eth0");
    REQUIRE(told["networks"]["db"]["vlanid"] == 200);
    REQUIRE(told["networks"]["web"]["iface"] == "web");
    REQUIRE(told["networks"]["web"]["ports"] == json{"eth0"});
    REQUIRE(names_of(told["bridges"]) == json{"vb-eth0"});
    REQUIRE(told["vlans"] == json{{"web", device(house, "web", {{"iface", "vb-eth0"}, {"vlanid", 100}, {"addr", "192.0.2.10"},
                                                                {"netmask", "255.255.255.0"}, {"ipv4addrs", {"192.0.2.10/24"}}})}});
}

TEST_CASE("a network that is a tag of its bridge only has its own MTU, whatever others there have", "[capabilities]") {
    House house{"eth0"};
    house.define({{"networks",
                   {{"web", {{"nic", "eth0"}, {"vlan", 100}, {"switch", "vlan-aware"}}}, {"big", {{"nic", "eth0"}, {"vlan", 200}, {"switch", "vlan-aware"}, {"mtu", 9000}}}}}});
    const json told = capabilities_of(house);
    REQUIRE(told["networks"]["web"]["mtu"] == 1500);
    REQUIRE(told["networks"]["big"]["mtu"] == 9000);
    REQUIRE(told["bridges"]["vb-eth0"]["mtu"] == 9000);
}

TEST_CASE("whichever device a network is in the host, that asks by DHCP", "[capabilities]") {
    House house{"eth0", "eth1"};
    house.define({{"networks", {{"web", {{"nic", "eth0"}, {"bootproto", "dhcp"}}}, {"store", {{"nic", "eth1"}, {"vlan", 5}, {"bridged", false}, {"dhcpv6", true}}}}}});
    const json told = capabilities_of(house);
    REQUIRE(told["networks"]["web"]["dhcpv4"] == true);
    REQUIRE(told["bridges"]["web"]["dhcpv4"] == true);
    REQUIRE(told["vlans"]["eth1.5"]["dhcpv6"] == true);
    REQUIRE(told["nics"]["eth0"]["dhcpv4"] == false);
    REQUIRE(told["nics"]["eth1"]["dhcpv6"] == false);
}

TEST_CASE("an OVS network is told as a bridge and a VLAN too", "[capabilities]") {
    House house{"eth0"};
    house.define({{"networks", {{"web", {{"nic", "eth0"}, {"vlan", 100}, {"switch", "ovs"}, {"ipaddr", "192.0.2.10"}, {"prefix", 24}}}}}});
    const auto guest = told::nic("guest1", "web");
    house.plug(guest);
    const json told = capabilities_of(house);
    const json ports = {"eth0.100", told::port_of(guest)};
    const json addresses = {{"addr", "192.0.2.10"}, {"netmask", "255.255.255.0"}, {"ipv4addrs", {"192.0.2.10/24"}}};
    json network = entry(addresses);
    network.update({{"iface", "web"}, {"bridged", true}, {"ports", ports}, {"stp", "off"}, {"southbound", "eth0"}, {"vlanid", 100}, {"switch", "ovs"},
                    {"roles", {"vm"}}, {"services", json::array()}, {"inSync", true}});
    REQUIRE(told["networks"] == json{{"web", network}});
    json bridge = device(house, "web", addresses);
    bridge.update({{"ports", ports}, {"stp", "off"}, {"opts", json::object()}});
    REQUIRE(told["bridges"] == json{{"web", bridge}});
    REQUIRE(told["vlans"] == json{{"eth0.100", device(house, "eth0", {{"iface", "eth0"}, {"vlanid", 100}})}});
    REQUIRE(names_of(told["nics"]) == json{"eth0"});
}

TEST_CASE("a network with a long name is told with the name of its device", "[capabilities]") {
    House house{"eth0"};
    house.define({{"networks", {{"a network with a long name", {{"nic", "eth0"}, {"vlan", 100}, {"switch", "ovs"}}}}}});
    const json told = capabilities_of(house);
    const std::string device = lower::device_of(*topology::NetworkName::parse("a network with a long name")).text();
    REQUIRE(told["networks"]["a network with a long name"]["iface"] == device);
    REQUIRE(names_of(told["bridges"]) == json{device});
}

}  // namespace capabilities_test
