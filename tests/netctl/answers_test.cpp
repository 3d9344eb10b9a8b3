// What netctl makes of netd's answers; and that no answer makes it stumble.
#include "netctl/answer.hpp"
#include "netctl/before_us.hpp"
#include "netctl/definitions.hpp"
#include "netctl/diff.hpp"
#include "netctl/inventory.hpp"
#include "netctl/iproute2.hpp"
#include "netctl/missed.hpp"
#include "netctl/plan_view.hpp"
#include "netctl/read_graph.hpp"
#include "netctl/setup.hpp"
#include "topology/render.hpp"

#include <catch2/catch.hpp>

namespace answers_test {

using namespace netctl;
using nlohmann::json;

TEST_CASE("a bond in iproute2's words") {
    const json capabilities{{"bondings", {{"bond0", {{"hwaddr", "52:54:00:00:00:01"}, {"slaves", {"eth0"}}, {"active_slave", "eth0"},
                                                     {"opts", {{"mode", "active-backup"}}}, {"mtu", "9000"}, {"ipv6addrs", {"2001:db8::1/64"}}}}}},
                            {"bridges", {{"web", {{"ports", {"bond0"}}}}}}};
    const json statistics{{"network", {{"bond0", {{"rx", 5}, {"tx", 6}, {"state", "up"}, {"speed", 1000}}}}}};
    const auto links = links_of(capabilities, statistics);
    REQUIRE(links.size() == 2);
    REQUIRE(links[0] == json{{"ifname", "bond0"}, {"kind", "bond"}, {"address", "52:54:00:00:00:01"}, {"mtu", 9000}, {"operstate", "UP"},
                             {"speed", 1000}, {"master", "web"}, {"slaves", {"eth0"}},
                             {"addr_info", {{{"family", "inet6"}, {"local", "2001:db8::1"}, {"prefixlen", 64}}}},
                             {"linkinfo", {{"info_kind", "bond"}, {"info_data", {{"mode", "active-backup"}, {"active_slave", "eth0"}}}}},
                             {"stats64", {{"rx", {{"bytes", 5}}}, {"tx", {{"bytes", 6}}}}}});
}

TEST_CASE("a network that guests hold up without a wire has no carrier, and one inside the host is as its device is") {
    const json capabilities{{"networks", {{"web", {{"iface", "web"}}}, {"db", {{"iface", "db"}}}, {"lab", {{"iface", "lab"}}}}}};
    const json statistics{{"network", {{"web", {{"state", "up"}}}, {"db", {{"state", "up"}}}, {"lab", {{"state", "down"}}}}}};
    const json topology{{"nodes", {{{"id", "network:web"}, {"kind", "network"}, {"state", "no-carrier"}}, {{"id", "network:db"}, {"kind", "network"}, {"state", "up"}},
                                   {{"id", "network:lab"}, {"kind", "network"}, {"state", "no-carrier"}}, {{"id", "bridge:db"}, {"kind", "bridge"}, {"state", "no-carrier"}}}}};
    auto networks = networks_of(capabilities, statistics);
    add_wires(networks, topology);
    std::map<std::string, std::string> states;
    for (const auto& network : networks) states[network["network"]] = network["operstate"];
    REQUIRE(states == std::map<std::string, std::string>{{"web", "LOWERLAYERDOWN"}, {"db", "UP"}, {"lab", "DOWN"}});
}

TEST_CASE("a link without a carrier is told from one that is set down, and a network whose NIC is gone keeps its name") {
    const json topology{{"nodes", {{{"id", "nic:eth0"}, {"kind", "nic"}, {"state", "no-carrier"}}, {{"id", "nic:eth1"}, {"kind", "nic"}, {"state", "down"}},
                                   {{"id", "network:web"}, {"kind", "network"}, {"state", "no-carrier"}, {"attributes", {{"base", "eth0"}}}}}}};
    auto links = json::array({{{"ifname", "eth0"}, {"kind", "nic"}, {"operstate", "DOWN"}}, {{"ifname", "eth1"}, {"kind", "nic"}, {"operstate", "DOWN"}}});
    add_carriers(links, topology);
    REQUIRE(state_cell(links[0]).text == "no-carrier");
    REQUIRE(state_cell(links[1]).text == "down");
    auto networks = json::array({{{"network", "web"}, {"operstate", "DOWN"}}});
    add_wires(networks, topology);
    REQUIRE(networks == json{{{"network", "web"}, {"operstate", "DOWN"}, {"flags", {"NO-CARRIER"}}, {"link", "eth0"}}});
}

TEST_CASE("who comes while a change waits is told for how long") {
    REQUIRE(words_of_change_before_us(json()).empty());
    REQUIRE(words_of_change_before_us({{"transaction", nullptr}}).empty());
    REQUIRE(words_of_change_before_us({{"transaction", {{"id", 3}, {"phase", "working"}, {"secondsLeft", nullptr}}}}).empty());
    REQUIRE(words_of_change_before_us({{"transaction", {{"id", 3}, {"phase", "waiting"}, {"secondsLeft", 12.5}}}}).starts_with("change 3 waits to be confirmed, 12 s at most"));
}

TEST_CASE("a change is waited for longer while another one waits before it") {
    const json options{{"connectivityTimeout", 30}};
    const auto alone = longest(options, json());
    REQUIRE(longest(options, {{"transaction", nullptr}}) == alone);
    REQUIRE(longest(options, {{"transaction", {{"id", 3}, {"phase", "waiting"}, {"secondsLeft", 900.5}}}}) == alone + std::chrono::seconds(900));
    REQUIRE(longest(options, {{"transaction", {{"id", 3}, {"phase", "waiting"}, {"secondsLeft", 1e17}}}}) == alone + std::chrono::seconds(3600));
}

TEST_CASE("what differs has names that a person knows, and netd's own for programs") {
    const auto drift = drift_of({{"networks", {{"web", {{{"subject", "web"}, {"attribute", "stack.arp_strict"}, {"wanted", "true"}, {"found", "false"}}}}}}});
    REQUIRE(drift[0]["attribute"] == "stack.arp_strict");
    const auto line = draw(drift_table(drift), {}, false).at(1);
    REQUIRE(line.find("ARP for its own addresses only") != std::string::npos);
    REQUIRE(line.find("stack.") == std::string::npos);
}

TEST_CASE("a network that asks for an address in vain is told") {
    auto networks = json::array({{{"network", "dyn"}}, {{"network", "web"}}});
    add_leases(networks, {{"withoutLease", {"dyn", "gone"}}});
    REQUIRE(networks == json{{{"network", "dyn"}, {"lacks_lease", true}}, {{"network", "web"}, {"lacks_lease", false}}});
}

TEST_CASE("a network whose device is gone is told from the topology, and no other is told twice") {
    const json topology{{"nodes", {{{"id", "network:storage"}, {"kind", "network"}, {"state", "missing"},
                                    {"attributes", {{"base", "eno2"}, {"vlan", "7"}, {"device", "eno2.7"}, {"roles", "management migration"}, {"switch", "legacy"}}}},
                                   {{"id", "network:web"}, {"kind", "network"}, {"state", "missing"}}, {{"id", "network:db"}, {"kind", "network"}, {"state", "up"}},
                                   {{"id", "nic:eno2"}, {"kind", "nic"}, {"state", "missing"}}}}};
    auto networks = json::array({{{"network", "web"}}});
    add_missing(networks, topology);
    REQUIRE(networks.size() == 2);
    REQUIRE(networks[1] == json{{"network", "storage"}, {"operstate", "MISSING"}, {"link", "eno2"}, {"vlan", 7}, {"ifname", "eno2.7"}, {"switch", "legacy"},
                                {"roles", {"management", "migration"}}, {"in_sync", false}, {"addr_info", json::array()}, {"ports", json::array()}});
}

TEST_CASE("answers of no known shape are empty answers") {
    const json odd[] = {json(), json(7), json("x"), json::array({1, nullptr}), json{{"networks", 5}, {"nics", {{"eth0", 3}}}},
                        json{{"steps", {1, "x", nullptr, json::object()}}, {"nodes", {1, {{"id", 5}}}}, {"edges", {{{"kind", "x"}}}}},
                        json{{"networks", {{"web", {1, nullptr, {{"attribute", 5}}}}}}}};
    for (const auto& answer : odd) {
        INFO(answer.dump());
        (void)draw(plan_table(answer), {}, false);
        (void)draw(drift_table(drift_of(answer)), {}, false);
        (void)draw(uncommitted_table(uncommitted_of(answer, json())), {}, false);
        (void)links_of(answer, answer);
        auto networks = networks_of(answer, answer);
        add_wires(networks, answer);
        add_missing(networks, answer);
        add_carriers(networks, answer);
        add_leases(networks, answer);
        REQUIRE(read_graph(answer).graph == topology::Graph());
        REQUIRE(plan_summary(answer).size() > 0);
    }
}

TEST_CASE("a plan has a sign for each step, and is counted") {
    const json plan{{"steps", {{{"do", "create bridge web"}, {"because", "it is not there"}}, {{"do", "remove vlan x"}}, {{"do", "stop dhcp"}}}}};
    REQUIRE(draw(plan_table(plan), {}, false) ==
            std::vector<std::string>{"+ create bridge web  it is not there", "- remove vlan x      -", "~ stop dhcp          -"});
    REQUIRE(plan_summary(plan) == "3 steps: 1 to create, 1 to change, 1 to remove");
    REQUIRE(plan_summary(json::object()) == "nothing to do: the host is as it shall be");
}

TEST_CASE("uncommitted is what was added, changed or removed since") {
    const json committed{{"networks", {{"a", {{"mtu", 1500}, {"vlan", 5}}}, {"b", json::object()}, {"same", {{"nic", "x"}}}}}};
    const json running{{"networks", {{"a", {{"mtu", 9000}, {"vlan", 5}}}, {"same", {{"nic", "x"}}}}}, {"bondings", {{"bond0", json::object()}}}};
    const auto changes = uncommitted_of(committed, running);
    REQUIRE(changes == json{{{"kind", "network"}, {"name", "a"}, {"change", "changed"}, {"attributes", {{{"attribute", "mtu"}, {"committed", 1500}, {"running", 9000}}}}},
                            {{"kind", "network"}, {"name", "b"}, {"change", "removed"}, {"attributes", json::array()}},
                            {{"kind", "bond"}, {"name", "bond0"}, {"change", "added"}, {"attributes", json::array()}}});
    REQUIRE(uncommitted_of(running, running).empty());
}

TEST_CASE("holes in the numbers are told, and a new run of netd is no hole") {
    Missed missed;
    const auto at = [](int seq, const char* boot) { return json{{"seq", seq}, {"boot", boot}}; };
    REQUIRE(missed.before(at(5, "a")).empty());
    REQUIRE(missed.before(at(6, "a")).empty());
    REQUIRE(missed.before(at(8, "a")) == "1 event was missed before number 8 · try: netctl status");
    REQUIRE(missed.before(at(1, "b")).starts_with("netd was started anew"));
    REQUIRE(missed.before(at(2, "b")).empty());
    REQUIRE(missed.before(json::object()).empty());
    REQUIRE(missed.before(at(1, "b")).starts_with("netd was started anew"));
}

TEST_CASE("a graph comes over the wire whole") {
    const json answer{{"nodes", {{{"id", "nic:eth0"}, {"kind", "nic"}, {"label", "eth0"}, {"state", "no-carrier"}, {"owner", nullptr},
                                  {"attributes", {{"speed", 10000}}}, {"counters", {{"rx_bytes", 7}}}, {"problem", "loose"}},
                                 {{"id", "network:web"}, {"label", "Web"}, {"owner", "network web"}, {"counters", nullptr}, {"problem", nullptr}},
                                 {{"id", "wormhole:x"}}}},
                      {"edges", {{{"kind", "realises"}, {"from", "nic:eth0"}, {"to", "network:web"}, {"label", "100"}}, {{"kind", "odd"}}}}};
    using namespace topology;
    Node nic{{NodeKind::nic, "eth0"}};
    nic.state = NodeState::no_carrier;
    nic.attributes["speed"] = "10000";
    nic.counters = Counters{7, 0, 0, 0};
    nic.problem = "loose";
    Node network{{NodeKind::network, "web"}};
    network.label = "Web";
    network.owner = Owner::ours("network web");
    const auto [graph, left_out] = read_graph(answer);
    REQUIRE(graph == Graph{{nic, network}, {Edge{EdgeKind::realises, nic.id, network.id, "100"}}});
    REQUIRE(left_out == 2);
}

TEST_CASE("long lists are cut in words") {
    REQUIRE(joined({}) == "");
    REQUIRE(joined({"a", "b"}) == "a, b");
    REQUIRE(joined({"a", "b", "c"}, 2) == "a, b, c");
    REQUIRE(joined({"a", "b", "c", "d"}, 2) == "a, b and 2 more");
}

TEST_CASE("drift of networks, bonds and guests is one list") {
    const json answer{{"networks", {{"db", {{{"subject", "db"}, {"attribute", "mtu"}, {"wanted", "9000"}, {"found", "1500"}}}}}},
                      {"bondings", {{"bond0", {{{"subject", "bond0"}, {"attribute", "presence"}, {"wanted", "there"}, {"found", "missing"}}}}}},
                      {"guests", json::object()}};
    REQUIRE(draw(drift_table(drift_of(answer)), {}, false) ==
            std::vector<std::string>{"KIND     NAME   DEVICE  ATTRIBUTE  WANTED  FOUND", "network  db     db      mtu        9000    1500",
                                     "bond     bond0  bond0   presence   there   missing"});
}

TEST_CASE("definitions of one kind of switch are its networks with the bonds that they are on, and each is of one kind") {
    const json all{{"networks", {{"old", {{"nic", "eth0"}}}, {"web", {{"bonding", "bond0"}, {"switch", "ovs"}}}, {"db", {{"nic", "eth1"}, {"switch", "vlan-aware"}}}}},
                   {"bondings", {{"bond0", {{"switch", "legacy"}}}, {"bond1", {{"switch", "ovs"}}}, {"bond2", json::object()}}}};
    const auto part = [&](const char* kind, std::vector<std::string> networks, std::vector<std::string> bonds) {
        json expected{{"networks", json::object()}, {"bondings", json::object()}};
        for (const auto& name : networks) expected["networks"][name] = all["networks"][name];
        for (const auto& name : bonds) expected["bondings"][name] = all["bondings"][name];
        return of_kind(all, kind) == expected;
    };
    CHECK(part("legacy", {"old"}, {"bond2"}));
    CHECK(part("ovs", {"web"}, {"bond0", "bond1"}));
    CHECK(part("vlan-aware", {"db"}, {}));
}

}  // namespace answers_test
