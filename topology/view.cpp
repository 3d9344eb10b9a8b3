// Choosing nodes; fold.cpp has the one view that makes new ones.
#include "topology/view.hpp"

#include "topology/names.hpp"
#include "topology/population.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

namespace topology {
namespace {

// By name, which is unique within its kind; else by label, if that is.
Result<NodeId> named(const Graph& graph, std::initializer_list<NodeKind> kinds, std::string_view name) {
    for (const auto kind : kinds) {
        if (graph.nodes.contains({kind, std::string(name)})) return NodeId{kind, std::string(name)};
    }
    std::vector<NodeId> labelled;
    for (const Node& node : graph.nodes) {
        const bool is_asked_kind = std::find(kinds.begin(), kinds.end(), node.kind()) != kinds.end();
        if (is_asked_kind && node.title() == name) labelled.push_back(node.id);
    }
    if (labelled.size() == 1) return labelled[0];
    const auto kind = name_of(*kinds.begin());
    if (labelled.empty()) return Error{Fault::not_found, escaped(name), fmt::format("there is no {} of that name", kind)};
    return Error{
        Fault::conflict, escaped(name),
        escaped(fmt::format("{} are called that: ask for one by its name, as in {}", labelled.size(), labelled[0].name))};
}

// A bridge inside the host has no carrier until a port of it lives, so only what has a NIC under it can lack one.
bool is_troubled(const Node& node, const NodeIds& on_a_wire) {
    if (node.problem || node.state == NodeState::missing || !node.attribute(attribute::verdict).empty()) return true;
    if (node.state == NodeState::up) return false;
    switch (node.kind()) {
        case NodeKind::nic:
        case NodeKind::bond:
        case NodeKind::vlan:
        case NodeKind::bridge:
        case NodeKind::ovs_bridge:
        case NodeKind::network: return on_a_wire.contains(node.id);
        case NodeKind::port:
        case NodeKind::guest:
        case NodeKind::namespace_: return false;
    }
    return false;
}

// NICs that something stands on, and all of that. The other end of a pair stands on nothing.
NodeIds on_a_wire(const Graph& graph, const Wiring& wiring) {
    NodeIds nics;
    for (const Node& node : graph.nodes) {
        const auto& above = wiring.above(node.id);
        const bool is_used = std::any_of(above.begin(), above.end(), [](const Edge* edge) { return edge->kind != EdgeKind::peer; });
        if (node.kind() == NodeKind::nic && is_used) nics.insert(node.id);
    }
    return wiring.all_above(nics);
}

// What a NIC or bond is a part of.
bool is_joined(NodeKind kind) { return kind == NodeKind::bond || kind == NodeKind::bridge || kind == NodeKind::ovs_bridge; }

}  // namespace

Result<Graph> of_network(const Graph& graph, std::string_view name) {
    const auto network = named(graph, {NodeKind::network}, name);
    if (!network) return network.error();
    const Wiring wiring(graph);
    auto ids = wiring.all_below({*network});
    ids.merge(plugged_into(wiring, *network));
    return only(graph, ids);
}

Result<Graph> of_guest(const Graph& graph, std::string_view name) {
    const auto guest = named(graph, {NodeKind::guest, NodeKind::namespace_}, name);
    if (!guest) return guest.error();
    return only(graph, Wiring(graph).all_below({*guest}));
}

Result<Graph> around(const Graph& graph, const NodeId& id) {
    if (!graph.nodes.contains(id)) return Error{Fault::not_found, escaped(id.text()), "there is no such thing on this host"};
    const Wiring wiring(graph);
    auto ids = wiring.all_below({id});
    ids.merge(wiring.all_above({id}));
    return only(graph, ids);
}

Graph problems_only(const Graph& graph) {
    const Wiring wiring(graph);
    const auto wired = on_a_wire(graph, wiring);
    NodeIds troubled;
    for (const Node& node : graph.nodes) {
        if (!is_troubled(node, wired)) continue;
        troubled.insert(node.id);
        // A dead leg means little without its bond and the other leg, and a NIC without the switch that has it.
        for (const Edge* edge : wiring.above(node.id)) {
            if (node.kind() <= NodeKind::bond && is_joined(edge->to.kind)) troubled.insert(edge->to);
        }
    }
    return only(graph, wiring.all_below(troubled));
}

}  // namespace topology
