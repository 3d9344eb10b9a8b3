// The terminal's picture, held against pictures that a person looked at.
#include "tests/topology/sample_host.hpp"
#include "topology/render.hpp"
#include "topology/utf8.hpp"
#include "topology/view.hpp"

#include <catch2/catch.hpp>

#include <sstream>
#include <string>

namespace tree_test {

using namespace sample;

namespace {

std::string without_colors(std::string text) {
    for (auto at = text.find('\x1b'); at != std::string::npos; at = text.find('\x1b'))
        text.erase(at, text.find('m', at) - at + 1);
    return text;
}

std::size_t widest_line(const std::string& text) {
    std::istringstream lines(text);
    std::size_t widest = 0;
    for (std::string line; std::getline(lines, line);) widest = std::max(widest, columns_of(line));
    return widest;
}

}  // namespace

TEST_CASE("the host as a tree: NICs, what carries them, networks, and what stays inside") {
    REQUIRE("\n" + to_tree(host()) == R"(
eno1 ─ 10G up ─┬─ bond0 (active-backup, eno1*) ─┬──────── ovirtmgmt  192.0.2.10/24            in sync
eno2 ─ 10G up ─┘                                ├─ .100 ─ web                       2 guests  in sync
                                                └─ .200 ─ db                        1 guest   DRIFT mtu is 1500, wanted 9000
eno3 ─ no carrier  unused
(inside the host) ─── lab  1 guest  in sync
)");
}

TEST_CASE("on a narrow terminal the networks go under their NICs") {
    REQUIRE("\n" + to_tree(host(), {.width = 60}) == R"(
eno1 ─ 10G up ─┬─ bond0 (active-backup, eno1*)
eno2 ─ 10G up ─┘
  ├──────── ovirtmgmt  192.0.2.10/24  in sync
  ├─ .100 ─ web  2 guests  in sync
  └─ .200 ─ db  1 guest  DRIFT mtu is 1500, wanted 9000
eno3 ─ no carrier  unused
(inside the host)
  └─ lab  1 guest  in sync
)");
}

TEST_CASE("on a terminal of ASCII it is the same tree") {
    REQUIRE("\n" + to_tree(host(), {.ascii = true}) == R"(
eno1 - 10G up -+- bond0 (active-backup, eno1*) -+-------- ovirtmgmt  192.0.2.10/24            in sync
eno2 - 10G up -'                                +- .100 - web                       2 guests  in sync
                                                `- .200 - db                        1 guest   DRIFT mtu is 1500, wanted 9000
eno3 - no carrier  unused
(inside the host) --- lab  1 guest  in sync
)");
}

TEST_CASE("one bridge for many networks is named once, and a NIC without a bond needs none") {
    Graph graph;
    graph.nodes.put(node(NodeKind::nic, "eno4", {{"speed", "2500"}}));
    graph.nodes.put(node(NodeKind::ovs_bridge, "br-eno4"));
    graph.edges.put(edge(EdgeKind::enslaved, nic("eno4"), {NodeKind::ovs_bridge, "br-eno4"}));
    for (const auto* tag : {"9", "10", "100"}) {
        graph.nodes.put(ours(node(NodeKind::network, std::string("tenant") + tag)));
        graph.edges.put(
            edge(EdgeKind::realises, {NodeKind::ovs_bridge, "br-eno4"}, network(std::string("tenant") + tag), tag));
    }
    REQUIRE("\n" + to_tree(graph) == R"(
eno4 ─ 2.5G up ─── br-eno4 (ovs-bridge) ─┬─ .9 ─── tenant9    in sync
                                         ├─ .10 ── tenant10   in sync
                                         └─ .100 ─ tenant100  in sync
)");
}

TEST_CASE("a NIC that carries nothing is unused, unless the host has addresses on it") {
    Graph graph;
    graph.nodes.put(node(NodeKind::nic, "eno1", {{"addresses", "192.0.2.10/24 2001:db8::10/64"}}));
    graph.nodes.put(node(NodeKind::nic, "eno2"));
    Node drifted = node(NodeKind::nic, "eno3", {{"addresses", "192.0.2.11/24"}});
    drifted.problem = "master.of is none, wanted web";
    graph.nodes.put(drifted);
    REQUIRE("\n" + to_tree(graph) == R"(
eno1 ─ up  192.0.2.10/24 2001:db8::10/64
eno2 ─ up  unused
eno3 ─ up DRIFT master.of is none, wanted web  192.0.2.11/24
)");
}

TEST_CASE("what nobody defined is shown, and called foreign") {
    Graph graph;
    graph.nodes.put(node(NodeKind::nic, "eno1"));
    graph.nodes.put(node(NodeKind::vlan, "eno1.77", {{"vlan", "77"}}));
    graph.edges.put(edge(EdgeKind::stacked, nic("eno1"), vlan("eno1.77"), "77"));
    graph.nodes.put(node(NodeKind::bridge, "virbr0"));
    graph.nodes.put(node(NodeKind::port, "vnet9"));
    graph.edges.put(edge(EdgeKind::enslaved, bridge("virbr0"), port("vnet9")));
    REQUIRE("\n" + to_tree(graph) == R"(
eno1 ─ up ───── .77 ─ eno1.77 (vlan)  foreign
(inside the host) ─── virbr0 (bridge)  1 NIC  foreign
)");
}

TEST_CASE("a bond whose NICs are gone, and a network whose NIC is missing, are shown as that") {
    Graph graph;
    graph.nodes.put(node(NodeKind::bond, "bond1"));
    add_network(graph, "web", bond("bond1"));
    Node lost = node(NodeKind::nic, "eno9");
    lost.state = NodeState::missing;
    graph.nodes.put(lost);
    add_network(graph, "db", nic("eno9"), "0");
    Node missing = *graph.nodes.find(network("db"));
    missing.state = NodeState::missing;
    missing.problem = "eno9 is not there";
    missing.attributes["mtu"] = "9000";
    graph.nodes.put(missing);
    REQUIRE("\n" + to_tree(graph) == R"(
eno9 ─ missing ───── .0 ─ db  mtu 9000, DRIFT eno9 is not there, missing
(no NIC) ─ bond1 ─── web  in sync
)");
}

TEST_CASE("what is missing is told once, and a bond that does not do what it is for says why in short") {
    Graph graph = only(host(), {nic("eno1"), nic("eno2"), nic("eno3"), bond("bond0")});
    Node bonded = *graph.nodes.find(bond("bond0"));
    bonded.attributes["verdict"] = "the two ports are not in one aggregator (eno1 in 1, eno2 in 2), eno2 carries nothing";
    graph.nodes.put(bonded);
    Node lost = *graph.nodes.find(nic("eno3"));
    lost.state = NodeState::missing;
    lost.problem = "is missing";
    graph.nodes.put(lost);
    REQUIRE("\n" + to_tree(graph) == R"(
eno1 ─ 10G up ─┬─ bond0 (active-backup, eno1*) up, the two ports are not in one aggregator
eno2 ─ 10G up ─┘
eno3 ─ missing
)");
}

TEST_CASE("a network that has lost its NIC to somebody else's bridge is not inside the host") {
    Graph graph;
    graph.nodes.put(node(NodeKind::nic, "eno2"));
    graph.nodes.put(node(NodeKind::bridge, "br0"));
    graph.edges.put(edge(EdgeKind::enslaved, nic("eno2"), bridge("br0")));
    add_network(graph, "web", NodeId{}, "", {{"base", "eno2"}});
    add_network(graph, "lab", NodeId{});
    Node loose = node(NodeKind::nic, "eno3");
    loose.problem = "master.of is none, wanted web";
    graph.nodes.put(loose);
    REQUIRE("\n" + to_tree(graph) == R"(
eno2 ─ up ───── br0 (bridge)  foreign
eno3 ─ up DRIFT master.of is none, wanted web
(not on eno2) ─── web  in sync
(inside the host) ─── lab  in sync
)");
}

TEST_CASE("folded guests are counted as the NICs that they are") {
    REQUIRE(to_tree(folded(host(), 1)).find("web                       2 NICs   in sync") != std::string::npos);
}

TEST_CASE("an empty host is told so") {
    REQUIRE(to_tree(Graph{}) == "nothing to show\n");
    Graph guests;
    guests.nodes.put(node(NodeKind::guest, "web1"));
    REQUIRE(to_tree(guests) == "nothing to show\n");
}

TEST_CASE("colours add nothing but colours, and each one ends") {
    const auto colored = to_tree(host(), {.color = true});
    REQUIRE(colored.find("\x1b[33mDRIFT mtu is 1500, wanted 9000\x1b[0m\n") != std::string::npos);
    REQUIRE(colored.find("\x1b[32m10G up\x1b[0m") != std::string::npos);
    REQUIRE(without_colors(colored) == to_tree(host()));
}

TEST_CASE("no line is wider than the terminal, with colours or without") {
    for (std::size_t width = 1; width < 130; ++width) {
        CAPTURE(width);
        REQUIRE(widest_line(to_tree(host(), {.width = width})) <= width);
        REQUIRE(widest_line(without_colors(to_tree(host(), {.width = width, .color = true}))) <= width);
        REQUIRE(widest_line(to_tree(host(), {.width = width, .ascii = true})) <= width);
    }
}

TEST_CASE("names of others can't draw on the terminal") {
    const std::string evil = "\x1b]0;pwned\x07\r\n\xe2\x80\xae";
    Graph graph = host();
    Node drifted = *graph.nodes.find(network("db"));
    drifted.label = evil;
    drifted.problem = evil;
    drifted.attributes = {{"addresses", evil}, {"vlan", evil}, {"mtu", evil}};
    graph.nodes.put(drifted);
    graph.edges.put(edge(EdgeKind::stacked, bond("bond0"), vlan("bond0.200"), evil));
    Node bonded = *graph.nodes.find(bond("bond0"));
    bonded.attributes = {{"mode", evil}, {"active", evil}};
    graph.nodes.put(bonded);
    const auto tree = to_tree(graph);
    REQUIRE(tree.find('\x1b') == std::string::npos);
    REQUIRE(tree.find('\r') == std::string::npos);
    REQUIRE(tree.find("\xe2\x80\xae") == std::string::npos);
    REQUIRE(std::count(tree.begin(), tree.end(), '\n') == 5);
    for (const char c : to_tree(graph, {.ascii = true})) REQUIRE(((c >= ' ' && c <= '~') || c == '\n'));
}

TEST_CASE("a host wired in a circle is drawn and ends") {
    Graph graph;
    graph.nodes.put(node(NodeKind::nic, "eno1"));
    for (const auto* name : {"a", "b"}) graph.nodes.put(node(NodeKind::bridge, name));
    graph.edges.put(edge(EdgeKind::enslaved, nic("eno1"), bridge("a")));
    graph.edges.put(edge(EdgeKind::peer, bridge("a"), bridge("b")));
    graph.edges.put(edge(EdgeKind::peer, bridge("b"), bridge("a")));
    graph.edges.put(edge(EdgeKind::peer, bridge("a"), nic("eno1")));
    REQUIRE("\n" + to_tree(graph) == R"(
eno1 ─ up ─── a (bridge) ─── b (bridge)  foreign
)");
    REQUIRE(to_svg(graph).find("data-node=\"bridge:b\"") != std::string::npos);
}

}  // namespace tree_test
