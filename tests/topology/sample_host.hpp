// A host as oVirt users have it: one bond, a management network, two tagged ones, one inside the host.
#pragma once

#include "topology/graph.hpp"

#include <string>

namespace sample {

using namespace topology;

inline Node node(NodeKind kind, const std::string& name, std::map<std::string, std::string> attributes = {}) {
    return Node{.id = {kind, name}, .attributes = std::move(attributes)};
}

inline Node ours(Node node) {
    node.owner = Owner::ours("network " + node.id.name);
    return node;
}

inline Edge edge(EdgeKind kind, NodeId from, NodeId to, std::string label = {}) {
    return {kind, std::move(from), std::move(to), std::move(label)};
}

inline NodeId nic(const std::string& name) { return {NodeKind::nic, name}; }
inline NodeId bond(const std::string& name) { return {NodeKind::bond, name}; }
inline NodeId vlan(const std::string& name) { return {NodeKind::vlan, name}; }
inline NodeId bridge(const std::string& name) { return {NodeKind::bridge, name}; }
inline NodeId network(const std::string& name) { return {NodeKind::network, name}; }
inline NodeId port(const std::string& name) { return {NodeKind::port, name}; }
inline NodeId guest(const std::string& name) { return {NodeKind::guest, name}; }

// A network of a Linux bridge of its own on `base`, as the `legacy` switch makes it.
inline void add_network(Graph& graph, const std::string& name, const NodeId& base, const std::string& tag = {},
                        std::map<std::string, std::string> attributes = {}) {
    auto on = base;
    if (!tag.empty()) {
        on = vlan(base.name + "." + tag);
        graph.nodes.put(ours(node(NodeKind::vlan, on.name, {{"vlan", tag}})));
        graph.edges.put(edge(EdgeKind::stacked, base, on, tag));
        attributes["vlan"] = tag;
    }
    graph.nodes.put(ours(node(NodeKind::bridge, name, {{"mtu", "1500"}})));
    if (!base.name.empty()) graph.edges.put(edge(EdgeKind::enslaved, on, bridge(name)));
    graph.nodes.put(ours(node(NodeKind::network, name, std::move(attributes))));
    graph.edges.put(edge(EdgeKind::realises, bridge(name), network(name)));
}

inline void plug(Graph& graph, const std::string& into, const std::string& tap, const std::string& who) {
    Node made = ours(node(NodeKind::port, tap, {{"mac", "52:54:00:00:00:01"}}));
    made.parent = guest(who);
    graph.nodes.put(made);
    if (!graph.nodes.contains(guest(who))) graph.nodes.put(node(NodeKind::guest, who));
    graph.edges.put(edge(EdgeKind::enslaved, bridge(into), port(tap)));
    graph.edges.put(edge(EdgeKind::plugged, network(into), port(tap)));
    graph.edges.put(edge(EdgeKind::plugged, port(tap), guest(who)));
}

inline Graph host() {
    Graph graph;
    graph.nodes.put(node(NodeKind::nic, "eno1", {{"speed", "10000"}, {"mac", "00:1b:21:00:00:01"}}));
    graph.nodes.put(node(NodeKind::nic, "eno2", {{"speed", "10000"}, {"mac", "00:1b:21:00:00:02"}}));
    Node spare = node(NodeKind::nic, "eno3");
    spare.state = NodeState::no_carrier;
    graph.nodes.put(spare);
    graph.nodes.put(ours(node(NodeKind::bond, "bond0", {{"mode", "active-backup"}, {"active", "eno1"}})));
    for (const auto* name : {"eno1", "eno2"}) graph.edges.put(edge(EdgeKind::enslaved, nic(name), bond("bond0")));
    add_network(graph, "ovirtmgmt", bond("bond0"), "", {{"addresses", "192.0.2.10/24"}, {"roles", "management"}});
    add_network(graph, "web", bond("bond0"), "100");
    add_network(graph, "db", bond("bond0"), "200");
    Node drifted = *graph.nodes.find(network("db"));
    drifted.problem = "mtu is 1500, wanted 9000";
    graph.nodes.put(drifted);
    add_network(graph, "lab", NodeId{});
    plug(graph, "web", "vnet0", "web1");
    plug(graph, "web", "vnet1", "web2");
    plug(graph, "db", "vnet2", "web2");
    plug(graph, "lab", "vnet3", "test");
    return graph;
}

}  // namespace sample
