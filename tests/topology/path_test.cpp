// Where a frame goes: every step once, in an order that one can follow with a finger.
#include "tests/topology/sample_host.hpp"
#include "topology/path.hpp"
#include "topology/render.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

namespace path_test {

using namespace sample;

namespace {

std::vector<NodeId> ids(const std::vector<Node>& nodes) {
    std::vector<NodeId> all;
    for (const auto& node : nodes) all.push_back(node.id);
    return all;
}

}  // namespace

TEST_CASE("from a guest the way leads over port, network and bond to the NICs") {
    const auto path = path_down(host(), guest("web1"));
    REQUIRE(path);
    REQUIRE(ids(*path) == std::vector{guest("web1"), port("vnet0"), network("web"), bridge("web"), vlan("bond0.100"),
                                      bond("bond0"), nic("eno1"), nic("eno2")});
    REQUIRE(to_chain(*path) == "web1 ─ vnet0 ─ web ─ web ─ bond0.100 ─ bond0 ─ eno1 + eno2");
    REQUIRE(to_chain(*path, {.ascii = true}) == "web1 - vnet0 - web - web - bond0.100 - bond0 - eno1 + eno2");
}

TEST_CASE("a network inside the host ends at its bridge") {
    REQUIRE(ids(*path_down(host(), network("lab"))) == std::vector{network("lab"), bridge("lab")});
    REQUIRE(ids(*path_down(host(), nic("eno3"))) == std::vector{nic("eno3")});
}

TEST_CASE("there is no way from what is not there") {
    const auto path = path_down(host(), guest("web9"));
    REQUIRE_FALSE(path);
    REQUIRE(path.error() == Error{Fault::not_found, "guest:web9", "there is no such thing on this host"});
}

TEST_CASE("in any host without circles each step comes before all that it stands on") {
    std::mt19937 random(8);
    for (int round = 0; round < 300; ++round) {
        Graph graph;
        for (int i = 0; i < 12; ++i) graph.nodes.put(node(NodeKind::bridge, std::to_string(i)));
        for (int i = 0; i < 20; ++i) {
            const auto a = random() % 12, b = random() % 12;
            if (a != b)
                graph.edges.put(
                    edge(EdgeKind::peer, bridge(std::to_string(std::min(a, b))), bridge(std::to_string(std::max(a, b)))));
        }
        const auto path = ids(*path_down(graph, bridge("11")));
        REQUIRE(NodeIds(path.begin(), path.end()) == Wiring(graph).all_below({bridge("11")}));
        const auto at = [&](const NodeId& id) { return std::find(path.begin(), path.end(), id); };
        for (const Edge& edge : graph.edges) {
            if (at(edge.from) != path.end() && at(edge.to) != path.end()) REQUIRE(at(edge.to) < at(edge.from));
        }
    }
}

TEST_CASE("a host wired in a circle has an end all the same") {
    Graph graph;
    for (int i = 0; i < 5; ++i) graph.nodes.put(node(NodeKind::bridge, std::to_string(i)));
    for (int i = 0; i < 5; ++i)
        graph.edges.put(edge(EdgeKind::peer, bridge(std::to_string(i)), bridge(std::to_string((i + 1) % 5))));
    REQUIRE(path_down(graph, bridge("2"))->size() == 5);
}

TEST_CASE("a very long chain needs no deep stack") {
    Graph graph;
    for (int i = 0; i < 20'000; ++i) {
        graph.nodes.put(node(NodeKind::bridge, std::to_string(i)));
        graph.edges.put(edge(EdgeKind::peer, bridge(std::to_string(i)), bridge(std::to_string(i + 1))));
    }
    REQUIRE(path_down(graph, bridge("19999"))->size() == 20'000);
}

TEST_CASE("plugged into a network is what is on its own bridge, and not what is on a shared one") {
    Graph graph = host();
    graph.nodes.put(node(NodeKind::port, "foreign0"));
    graph.edges.put(edge(EdgeKind::enslaved, bridge("web"), port("foreign0")));
    REQUIRE(plugged_into(Wiring(graph), network("web")) ==
            NodeIds{port("vnet0"), port("vnet1"), port("foreign0"), guest("web1"), guest("web2")});
    graph.nodes.put(node(NodeKind::network, "other"));
    graph.edges.put(edge(EdgeKind::realises, bridge("web"), network("other")));
    REQUIRE(plugged_into(Wiring(graph), network("web")) ==
            NodeIds{port("vnet0"), port("vnet1"), guest("web1"), guest("web2")});
    REQUIRE(plugged_into(Wiring(graph), network("other")).empty());
}

TEST_CASE("guests are counted once, ports each, and a fold for as many as it stands for") {
    Graph graph = host();
    const auto count = [&](const NodeIds& ids) { return population(graph, Wiring(graph), ids); };
    REQUIRE(count({port("vnet1"), port("vnet2"), guest("web2"), network("web"), guest("nobody")}) ==
            Population{1, 2});
    graph.nodes.put(node(NodeKind::port, "web/*", {{"folded", "37"}}));
    REQUIRE(count({port("web/*"), port("vnet1")}) == Population{0, 38});
    REQUIRE(count({}) == Population{});
}

TEST_CASE("the other end of a pair is no further port of the network") {
    Graph graph = host();
    for (const char* pair : {"a", "b"}) {
        const std::string end = pair;
        graph.nodes.put(node(NodeKind::port, end + "0"));
        graph.nodes.put(node(NodeKind::port, end + "1"));
        graph.edges.put(edge(EdgeKind::plugged, network("web"), port(end + "0")));
        graph.edges.put(edge(EdgeKind::peer, port(end + "0"), port(end + "1")));
    }
    const Wiring wiring(graph);
    const auto before = population(host(), Wiring(graph), plugged_into(wiring, network("web")));
    const auto now = population(graph, wiring, plugged_into(wiring, network("web")));
    REQUIRE(now == Population{before.guests, before.ports + 2});
}

}  // namespace path_test
