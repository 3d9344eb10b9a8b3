// The graph: what a node is called, and walking along the edges of hosts that are wired well and badly.
#include "tests/topology/sample_host.hpp"
#include "topology/compare.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace graph_test {

using namespace sample;

TEST_CASE("a node is called by its kind and name, and found by that text") {
    for (const auto kind : every_node_kind) {
        const NodeId id{kind, "a:b c"};
        REQUIRE(id.text() == std::string(name_of(kind)) + ":a:b c");
        REQUIRE(*NodeId::parse(id.text()) == id);
    }
    REQUIRE(NodeId{NodeKind::namespace_, "dns"}.text() == "namespace:dns");
    REQUIRE(NodeId{NodeKind::ovs_bridge, "br0"}.text() == "ovs-bridge:br0");
}

TEST_CASE("a kind that does not exist, or no name, is no node") {
    const auto text = GENERATE("", "nic", "nic:", ":eth0", "vm:web1", "NIC:eth0", "nic :eth0", "networks:web");
    CAPTURE(text);
    REQUIRE_FALSE(NodeId::parse(text));
    REQUIRE(NodeId::parse(text).error().what == "a node is written as its kind and name, as in network:web");
}

TEST_CASE("every state and kind of edge has a name of its own") {
    std::set<std::string_view> names;
    for (const auto kind : every_edge_kind) names.insert(name_of(kind));
    REQUIRE(names == std::set<std::string_view>{"enslaved", "stacked", "realises", "plugged", "peer"});
    REQUIRE(name_of(NodeState::no_carrier) == "no-carrier");
    REQUIRE(words_of(NodeState::no_carrier) == "no carrier");
}

TEST_CASE("what a thing stands on, and what stands on it") {
    const Graph graph = host();
    const Wiring wiring(graph);
    REQUIRE(wiring.all_below({network("web")}) ==
            NodeIds{network("web"), bridge("web"), vlan("bond0.100"), bond("bond0"), nic("eno1"), nic("eno2")});
    REQUIRE(wiring.all_below({nic("eno1")}) == NodeIds{nic("eno1")});
    REQUIRE(wiring.all_above({network("db")}) == NodeIds{network("db"), port("vnet2"), guest("web2")});
    REQUIRE(wiring.all_above({nic("eno3")}) == NodeIds{nic("eno3")});
}

TEST_CASE("nothing stands on what is not there") {
    const Graph graph = host();
    const Wiring wiring(graph);
    REQUIRE(wiring.all_below({network("nowhere")}).empty());
    REQUIRE(wiring.below(network("nowhere")).empty());
    REQUIRE(wiring.above(network("nowhere")).empty());
}

TEST_CASE("an edge to a node that is not there is no way") {
    Graph graph;
    graph.nodes.put(node(NodeKind::bridge, "web"));
    graph.edges.put(edge(EdgeKind::enslaved, nic("eno9"), bridge("web")));
    graph.edges.put(edge(EdgeKind::realises, bridge("web"), network("web")));
    const Wiring wiring(graph);
    REQUIRE(wiring.all_below({bridge("web")}) == NodeIds{bridge("web")});
    REQUIRE(wiring.all_above({bridge("web")}) == NodeIds{bridge("web")});
}

TEST_CASE("a host wired in a circle is walked once") {
    Graph graph;
    for (const auto* name : {"a", "b", "c"}) graph.nodes.put(node(NodeKind::bridge, name));
    graph.edges.put(edge(EdgeKind::peer, bridge("a"), bridge("b")));
    graph.edges.put(edge(EdgeKind::peer, bridge("b"), bridge("c")));
    graph.edges.put(edge(EdgeKind::peer, bridge("c"), bridge("a")));
    graph.edges.put(edge(EdgeKind::peer, bridge("a"), bridge("a")));
    REQUIRE(Wiring(graph).all_below({bridge("b")}) == NodeIds{bridge("a"), bridge("b"), bridge("c")});
    REQUIRE(Wiring(graph).all_above({bridge("b")}) == NodeIds{bridge("a"), bridge("b"), bridge("c")});
}

TEST_CASE("a part of the host has the edges among its own nodes and no others") {
    const Graph part = only(host(), {network("web"), port("vnet0"), guest("web2")});
    REQUIRE(part.nodes.size() == 3);
    REQUIRE(part.edges == Keyed<Edge>{edge(EdgeKind::plugged, network("web"), port("vnet0"))});
    REQUIRE(only(host(), {}) == Graph{});
}

TEST_CASE("two ways between the same two nodes are two edges") {
    Graph graph;
    graph.edges.put(edge(EdgeKind::peer, port("a"), port("b")));
    graph.edges.put(edge(EdgeKind::plugged, port("a"), port("b")));
    graph.edges.put(edge(EdgeKind::peer, port("a"), port("b"), "5"));
    REQUIRE(graph.edges ==
            Keyed<Edge>{edge(EdgeKind::peer, port("a"), port("b"), "5"), edge(EdgeKind::plugged, port("a"), port("b"))});
}

TEST_CASE("the list of a node's attributes forgets none") {
    Node was = node(NodeKind::nic, "eno1"), now = was;
    now.label = "uplink";
    now.parent = guest("web1");
    now.state = NodeState::down;
    now.owner = Owner::ours("base eno1");
    now.attributes["mtu"] = "9000";
    now.counters = Counters{1, 2, 3, 4};
    now.problem = "mtu is 1500";
    REQUIRE(differences(now, was).size() == 7);
    REQUIRE(differences(now, now).empty());
}

}  // namespace graph_test
