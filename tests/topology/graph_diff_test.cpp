// What an event says: all that changed, nothing that did not, and no word about counters.
#include "tests/topology/sample_host.hpp"
#include "topology/graph_diff.hpp"

#include <catch2/catch.hpp>

namespace graph_diff_test {

using namespace sample;
using Lines = std::vector<std::string>;

namespace {

Node changed(const Graph& graph, const NodeId& id, auto change) {
    Node node = *graph.nodes.find(id);
    change(node);
    return node;
}

}  // namespace

TEST_CASE("a host that did not change has no difference") {
    REQUIRE(diff(host(), host()).empty());
    REQUIRE(diff(Graph{}, Graph{}).empty());
    REQUIRE(explain(diff(host(), host())).empty());
}

TEST_CASE("a cable that is pulled is one change, told in words") {
    const Graph was = host();
    Graph now = was;
    now.nodes.put(changed(was, nic("eno1"), [](Node& node) { node.state = NodeState::no_carrier; }));
    const auto changes = diff(was, now);
    REQUIRE(changes.nodes ==
            std::vector<Change<Node>>{Update<Node>{*was.nodes.find(nic("eno1")), *now.nodes.find(nic("eno1"))}});
    REQUIRE(changes.edges.empty());
    REQUIRE(explain(changes) == Lines{"~ nic eno1: state up → no carrier"});
}

TEST_CASE("counters that count are no news, counters that count beside a change are") {
    const Graph was = host();
    Graph now = was;
    now.nodes.put(changed(was, nic("eno1"), [](Node& node) { node.counters = Counters{100, 200, 1, 2}; }));
    REQUIRE_FALSE(was == now);
    REQUIRE(diff(was, now).empty());
    now.nodes.put(changed(now, nic("eno1"), [](Node& node) { node.state = NodeState::down; }));
    REQUIRE(diff(was, now).nodes.size() == 1);
}

TEST_CASE("a guest that is plugged in brings its nodes and edges") {
    const Graph was = host();
    Graph now = was;
    plug(now, "web", "vnet7", "web7");
    REQUIRE(explain(diff(was, now)) == Lines{"+ port vnet7", "+ guest web7", "+ bridge:web → port:vnet7 enslaved",
                                             "+ network:web → port:vnet7 plugged", "+ port:vnet7 → guest:web7 plugged"});
    REQUIRE(explain(diff(now, was)).front() == "- port vnet7");
}

TEST_CASE("a VLAN that changes is told at its edge") {
    const Graph was = host();
    Graph now = was;
    now.edges.put(edge(EdgeKind::stacked, bond("bond0"), vlan("bond0.100"), "101"));
    REQUIRE(explain(diff(was, now)) == Lines{"~ bond:bond0 → vlan:bond0.100 stacked with VLAN 101"});
}

TEST_CASE("every attribute that changed is in the line, and those that came or went") {
    const Graph was = host();
    Graph now = was;
    now.nodes.put(changed(was, network("db"), [](Node& node) {
        node.problem.reset();
        node.owner = Owner::foreign();
        node.attributes = {{"mtu", "9000"}};
        node.parent = guest("x");
        node.label = "database";
    }));
    REQUIRE(
        explain(diff(was, now)) ==
        Lines{"~ network db: label db → database, owner netd: network db → none, inside none → guest:x, mtu none → 9000, "
              "vlan 200 → none, problem mtu is 1500, wanted 9000 → none"});
}

TEST_CASE("a name that would move the cursor does not") {
    Graph now;
    now.nodes.put(node(NodeKind::guest, "\x1b[2Jevil"));
    REQUIRE(explain(diff(Graph{}, now)) == Lines{"+ guest \\x1b[2Jevil"});
}

}  // namespace graph_diff_test
