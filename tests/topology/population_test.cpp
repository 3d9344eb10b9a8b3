// Who is in a network: on its own bridge, counted once.
#include "tests/topology/sample_host.hpp"
#include "topology/population.hpp"

#include <catch2/catch.hpp>

namespace population_test {

using namespace sample;

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

}  // namespace population_test
