// Names of kinds, and walking along the edges.
#include "topology/graph.hpp"

#include "topology/names.hpp"

#include <fmt/format.h>

namespace topology {

std::string_view name_of(NodeKind kind) {
    switch (kind) {
        case NodeKind::nic: return "nic";
        case NodeKind::bond: return "bond";
        case NodeKind::vlan: return "vlan";
        case NodeKind::bridge: return "bridge";
        case NodeKind::ovs_bridge: return "ovs-bridge";
        case NodeKind::network: return "network";
        case NodeKind::port: return "port";
        case NodeKind::guest: return "guest";
        case NodeKind::namespace_: return "namespace";
    }
    return {};
}

std::string_view name_of(NodeState state) {
    return state == NodeState::no_carrier ? "no-carrier" : words_of(state);
}

std::string_view words_of(NodeState state) {
    switch (state) {
        case NodeState::up: return "up";
        case NodeState::no_carrier: return "no carrier";
        case NodeState::down: return "down";
        case NodeState::missing: return "missing";
    }
    return {};
}

std::string_view name_of(EdgeKind kind) {
    switch (kind) {
        case EdgeKind::enslaved: return "enslaved";
        case EdgeKind::stacked: return "stacked";
        case EdgeKind::realises: return "realises";
        case EdgeKind::plugged: return "plugged";
        case EdgeKind::peer: return "peer";
    }
    return {};
}

Result<NodeId> NodeId::parse(std::string_view text) {
    const auto colon = text.find(':');
    const auto kind_name = text.substr(0, colon);
    const auto name = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
    for (const auto kind : every_node_kind) {
        if (name_of(kind) == kind_name && !name.empty()) return NodeId{kind, std::string(name)};
    }
    return Error{Fault::invalid, escaped(text.substr(0, 64)), "a node is written as its kind and name, as in network:web"};
}

std::string NodeId::text() const {
    return fmt::format("{}:{}", name_of(kind), name);
}

std::string Node::attribute(const std::string& name) const {
    const auto found = attributes.find(name);
    return found == attributes.end() ? std::string() : found->second;
}

std::string Edge::Key::text() const {
    return fmt::format("{} {} {}", from.text(), name_of(kind), to.text());
}

Wiring::Wiring(const Graph& graph) {
    ends_.reserve(graph.nodes.size());
    for (const Node& node : graph.nodes) ends_.try_emplace(node.id);
    for (const Edge& edge : graph.edges) {
        const auto from = ends_.find(edge.from);
        const auto to = ends_.find(edge.to);
        if (from == ends_.end() || to == ends_.end()) continue;
        from->second.above.push_back(&edge);
        to->second.below.push_back(&edge);
    }
}

const std::vector<const Edge*>& Wiring::below(const NodeId& id) const {
    static const Edges none;
    const auto found = ends_.find(id);
    return found == ends_.end() ? none : found->second.below;
}

const std::vector<const Edge*>& Wiring::above(const NodeId& id) const {
    static const Edges none;
    const auto found = ends_.find(id);
    return found == ends_.end() ? none : found->second.above;
}

NodeIds Wiring::all_below(const NodeIds& ids) const { return closure(ids, &Ends::below, &Edge::from); }
NodeIds Wiring::all_above(const NodeIds& ids) const { return closure(ids, &Ends::above, &Edge::to); }

NodeIds Wiring::closure(const NodeIds& starts, Edges Ends::*side, NodeId Edge::*next) const {
    NodeIds reached;
    std::vector<const Ends*> waiting;
    const auto reach = [&](const NodeId& id) {
        const auto found = ends_.find(id);
        if (found != ends_.end() && reached.insert(id).second) waiting.push_back(&found->second);
    };
    for (const NodeId& start : starts) reach(start);
    while (!waiting.empty()) {
        const Ends& here = *waiting.back();
        waiting.pop_back();
        for (const Edge* edge : here.*side) reach(edge->*next);
    }
    return reached;
}

Graph only(const Graph& graph, const NodeIds& ids) {
    Graph part;
    for (const Node& node : graph.nodes) {
        if (ids.contains(node.id)) part.nodes.put(node);
    }
    for (const Edge& edge : graph.edges) {
        if (ids.contains(edge.from) && ids.contains(edge.to)) part.edges.put(edge);
    }
    return part;
}

}  // namespace topology
