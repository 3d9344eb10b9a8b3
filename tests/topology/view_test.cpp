// Views: what one asked for is in them, and nothing else.
#include "tests/topology/sample_host.hpp"
#include "topology/view.hpp"

#include <catch2/catch.hpp>

namespace view_test {

using namespace sample;

namespace {

NodeIds ids(const Graph& graph) {
    NodeIds all;
    for (const Node& node : graph.nodes) all.insert(node.id);
    return all;
}

const NodeIds uplink = {bond("bond0"), nic("eno1"), nic("eno2")};

NodeIds with_uplink(NodeIds ids) {
    ids.insert(uplink.begin(), uplink.end());
    return ids;
}

void set_state(Graph& graph, const NodeId& id, NodeState state) {
    Node node = *graph.nodes.find(id);
    node.state = state;
    graph.nodes.put(node);
}

}  // namespace

TEST_CASE("a network is seen with what it stands on and what is plugged into it") {
    const auto view = of_network(host(), "web");
    REQUIRE(view);
    REQUIRE(ids(*view) == with_uplink({network("web"), bridge("web"), vlan("bond0.100"), port("vnet0"), port("vnet1"),
                                       guest("web1"), guest("web2")}));
    REQUIRE_FALSE(view->edges.contains(edge(EdgeKind::plugged, port("vnet2"), guest("web2")).key()));
    REQUIRE(ids(*of_network(host(), "lab")) == NodeIds{network("lab"), bridge("lab"), port("vnet3"), guest("test")});
}

TEST_CASE("a guest is seen with all its NICs and not with its neighbours") {
    REQUIRE(ids(*of_guest(host(), "web2")) ==
            with_uplink({guest("web2"), port("vnet1"), port("vnet2"), network("web"), network("db"), bridge("web"),
                         bridge("db"), vlan("bond0.100"), vlan("bond0.200")}));
}

TEST_CASE("a name that nobody has is told as not found") {
    REQUIRE(of_network(host(), "wep").error() == Error{Fault::not_found, "wep", "there is no network of that name"});
    REQUIRE(of_guest(host(), "web").error() == Error{Fault::not_found, "web", "there is no guest of that name"});
    REQUIRE(of_network(host(), "web1").error().fault == Fault::not_found);
    REQUIRE(around(host(), nic("eno7")).error().fault == Fault::not_found);
}

TEST_CASE("a guest is found by its label where only one has it") {
    Graph graph = host();
    Node labelled = node(NodeKind::guest, "2f1c");
    labelled.label = "mail";
    graph.nodes.put(labelled);
    REQUIRE(ids(*of_guest(graph, "mail")) == NodeIds{guest("2f1c")});
    labelled.id.name = "77aa";
    graph.nodes.put(labelled);
    REQUIRE(of_guest(graph, "mail").error() ==
            Error{Fault::conflict, "mail", "2 are called that: ask for one by its name, as in 2f1c"});
    REQUIRE(of_guest(graph, "77aa"));
}

TEST_CASE("around a NIC is all that would feel its loss") {
    const auto view = ids(*around(host(), nic("eno2")));
    REQUIRE(view.contains(network("db")));
    REQUIRE(view.contains(guest("web1")));
    REQUIRE_FALSE(view.contains(nic("eno1")));
    REQUIRE_FALSE(view.contains(network("lab")));
}

TEST_CASE("only problems: the drifted network and what it stands on, and not the NIC that nobody uses") {
    REQUIRE(ids(problems_only(host())) == with_uplink({network("db"), bridge("db"), vlan("bond0.200")}));
}

TEST_CASE("a healthy host has no problems to show") {
    Graph graph = host();
    Node healthy = *graph.nodes.find(network("db"));
    healthy.problem.reset();
    graph.nodes.put(healthy);
    REQUIRE(problems_only(graph) == Graph{});
    set_state(graph, port("vnet0"), NodeState::down);
    set_state(graph, guest("web1"), NodeState::down);
    set_state(graph, bridge("lab"), NodeState::no_carrier);
    set_state(graph, network("lab"), NodeState::no_carrier);
    REQUIRE(problems_only(graph) == Graph{});
}

TEST_CASE("a bond that is up and does not do what it is for is a problem") {
    Graph graph = only(host(), {nic("eno1"), nic("eno2"), bond("bond0"), vlan("bond0.100")});
    Node bonded = *graph.nodes.find(bond("bond0"));
    bonded.attributes["verdict"] = "nobody answers LACP";
    graph.nodes.put(bonded);
    REQUIRE(ids(problems_only(graph)) == uplink);
}

TEST_CASE("a dead leg is shown with its bond and the leg that lives") {
    Graph graph = only(host(), {nic("eno1"), nic("eno2"), bond("bond0"), vlan("bond0.100")});
    set_state(graph, nic("eno2"), NodeState::no_carrier);
    REQUIRE(ids(problems_only(graph)) == uplink);
    set_state(graph, vlan("bond0.100"), NodeState::no_carrier);
    REQUIRE(ids(problems_only(graph)) == with_uplink({vlan("bond0.100")}));
}

TEST_CASE("a NIC is shown with the switch that has it, and is unused only where nothing has it") {
    Graph graph;
    graph.nodes.put(node(NodeKind::bridge, "br0"));
    for (const auto* name : {"eno1", "eno2"}) {
        graph.nodes.put(node(NodeKind::nic, name));
        graph.edges.put(edge(EdgeKind::enslaved, nic(name), bridge("br0")));
    }
    REQUIRE(problems_only(graph) == Graph{});
    set_state(graph, nic("eno1"), NodeState::no_carrier);
    REQUIRE(ids(problems_only(graph)) == NodeIds{nic("eno1"), nic("eno2"), bridge("br0")});
}

TEST_CASE("an idle pair is no problem, as a NIC that nobody uses is none") {
    Graph graph;
    for (const auto* name : {"v0", "v1"}) graph.nodes.put(node(NodeKind::nic, name));
    graph.edges.put(edge(EdgeKind::peer, nic("v0"), nic("v1")));
    for (const auto* name : {"v0", "v1"}) set_state(graph, nic(name), NodeState::down);
    REQUIRE(problems_only(graph) == Graph{});
}

TEST_CASE("what is missing is a problem wherever it is") {
    Graph graph;
    graph.nodes.put(node(NodeKind::guest, "web1"));
    set_state(graph, guest("web1"), NodeState::missing);
    REQUIRE(ids(problems_only(graph)) == NodeIds{guest("web1")});
}

TEST_CASE("many ports of a network become one, and their guests go with them") {
    Graph graph;
    add_network(graph, "web", NodeId{});
    add_network(graph, "db", NodeId{});
    for (int i = 0; i < 37; ++i) plug(graph, "web", "vnet" + std::to_string(i), "web" + std::to_string(i));
    plug(graph, "db", "vnet99", "web7");
    const Graph view = folded(graph, 8);
    REQUIRE(ids(view) == NodeIds{bridge("web"), bridge("db"), network("web"), network("db"), port("web/*"), port("vnet99"),
                                 guest("web7")});
    const Node& sum = *view.nodes.find(port("web/*"));
    REQUIRE(sum.title() == "web · 37 NICs");
    REQUIRE(sum.attribute("folded") == "37");
    REQUIRE(sum.state == NodeState::up);
    REQUIRE_FALSE(sum.problem);
    REQUIRE(view.edges == Keyed<Edge>{edge(EdgeKind::realises, bridge("web"), network("web")),
                                      edge(EdgeKind::realises, bridge("db"), network("db")),
                                      edge(EdgeKind::enslaved, bridge("db"), port("vnet99")),
                                      edge(EdgeKind::plugged, network("web"), port("web/*")),
                                      edge(EdgeKind::plugged, network("db"), port("vnet99")),
                                      edge(EdgeKind::plugged, port("web/*"), guest("web7")),
                                      edge(EdgeKind::plugged, port("vnet99"), guest("web7"))});
}

TEST_CASE("few ports stay as they are") {
    REQUIRE(folded(host(), 2) == host());
    REQUIRE_FALSE(folded(host(), 1) == host());
    REQUIRE(folded(Graph{}, 0) == Graph{});
}

TEST_CASE("folding forgets no trouble and no byte") {
    Graph graph = host();
    Node troubled = *graph.nodes.find(port("vnet0"));
    troubled.problem = "is not filtered";
    troubled.counters = Counters{1, 2, 3, 4};
    troubled.state = NodeState::down;
    graph.nodes.put(troubled);
    Node other = *graph.nodes.find(port("vnet1"));
    other.counters = Counters{10, 20, 30, 40};
    graph.nodes.put(other);
    const Node sum = *folded(graph, 1).nodes.find(port("web/*"));
    REQUIRE(sum.problem == "1 of 2: vnet0 is not filtered");
    REQUIRE(sum.counters == Counters{11, 22, 33, 44});
    REQUIRE(sum.state == NodeState::up);
}

}  // namespace view_test
