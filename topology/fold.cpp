// Many ports of one network as one node, so that a host with a thousand guests still fits a screen.
#include "topology/view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace topology {
namespace {

struct Fold {
    NodeId network, stand_in;
    std::vector<const Node*> ports;
};

// A device can't have '/' in its name, so no real port is called that.
NodeId stand_in_for(const NodeId& network) { return {NodeKind::port, network.name + "/*"}; }

std::vector<Fold> folds_of(const Graph& graph, const Wiring& wiring, std::size_t more_than) {
    std::vector<Fold> folds;
    for (const Node& node : graph.nodes) {
        if (node.kind() != NodeKind::network) continue;
        Fold fold{node.id, stand_in_for(node.id), {}};
        for (const Edge* edge : wiring.above(node.id)) {
            if (edge->to.kind == NodeKind::port) fold.ports.push_back(graph.nodes.find(edge->to));
        }
        if (fold.ports.size() > more_than) folds.push_back(std::move(fold));
    }
    return folds;
}

std::optional<std::string> problem_of(const std::vector<const Node*>& ports) {
    const auto has_one = [](const Node* port) { return port->problem.has_value(); };
    const auto first = std::find_if(ports.begin(), ports.end(), has_one);
    if (first == ports.end()) return {};
    const auto count = std::count_if(ports.begin(), ports.end(), has_one);
    return fmt::format("{} of {}: {} {}", count, ports.size(), (*first)->title(), *(*first)->problem);
}

Node sum_of(const Fold& fold, const std::string& network) {
    Node sum{.id = fold.stand_in, .label = fmt::format("{} · {} NICs", network, fold.ports.size())};
    sum.attributes[attribute::folded] = std::to_string(fold.ports.size());
    sum.problem = problem_of(fold.ports);
    sum.owner = fold.ports[0]->owner;
    sum.state = fold.ports[0]->state;
    for (const Node* port : fold.ports) {
        if (port->state == NodeState::up) sum.state = NodeState::up;
        if (!port->counters) continue;
        auto& total = sum.counters ? *sum.counters : sum.counters.emplace();
        total.rx_bytes += port->counters->rx_bytes;
        total.tx_bytes += port->counters->tx_bytes;
        total.rx_packets += port->counters->rx_packets;
        total.tx_packets += port->counters->tx_packets;
    }
    return sum;
}

using StandIns = std::map<NodeId, NodeId>;

// Guests all of whose ports went into a fold.
NodeIds guests_without_ports(const Graph& graph, const Wiring& wiring, const StandIns& stand_ins) {
    NodeIds guests;
    for (const auto& [port, stand_in] : stand_ins) {
        for (const Edge* edge : wiring.above(port)) {
            const auto& below = wiring.below(edge->to);
            const bool is_left_alone =
                std::all_of(below.begin(), below.end(), [&](const Edge* other) { return stand_ins.contains(other->from); });
            if (is_left_alone && graph.nodes.contains(edge->to)) guests.insert(edge->to);
        }
    }
    return guests;
}

// Edges of folded ports lead to and from their stand-in; a bridge's own edge to such a port says nothing new.
void redirect(Graph& into, const Edge& edge, const StandIns& stand_ins) {
    const auto from = stand_ins.find(edge.from);
    const auto to = stand_ins.find(edge.to);
    if (to != stand_ins.end() && edge.from.kind != NodeKind::network) return;
    Edge moved = edge;
    if (from != stand_ins.end()) moved.from = from->second;
    // A trunk is in several networks: each shows it in a fold of its own, if it has one.
    const auto own = stand_in_for(edge.from);
    if (to != stand_ins.end()) moved.to = into.nodes.contains(own) ? own : to->second;
    into.edges.put(moved);
}

}  // namespace

Graph folded(const Graph& graph, std::size_t more_than) {
    const Wiring wiring(graph);
    const auto folds = folds_of(graph, wiring, more_than);
    if (folds.empty()) return graph;
    StandIns stand_ins;
    Graph result;
    for (const Fold& fold : folds) {
        for (const Node* port : fold.ports) stand_ins.insert_or_assign(port->id, fold.stand_in);
        result.nodes.put(sum_of(fold, graph.nodes.find(fold.network)->title()));
    }
    const auto gone = guests_without_ports(graph, wiring, stand_ins);
    for (const Node& node : graph.nodes) {
        if (!stand_ins.contains(node.id) && !gone.contains(node.id)) result.nodes.put(node);
    }
    for (const Edge& edge : graph.edges) {
        if (!gone.contains(edge.to)) redirect(result, edge, stand_ins);
    }
    return result;
}

}  // namespace topology
