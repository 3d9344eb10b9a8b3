// Walking down, without a stack that a strangely wired host could exhaust.
#include "topology/path.hpp"

#include "topology/names.hpp"
#include "topology/numbers.hpp"

#include <algorithm>

namespace topology {
namespace {

// Depth first; a node is written down when all below it is.
std::vector<NodeId> bottom_up(const Wiring& wiring, const NodeId& start) {
    struct Step {
        NodeId id;
        std::size_t left;  // edges not yet followed; taken from the last, so that the first comes first in the end
    };
    std::vector<NodeId> order;
    NodeIds seen = {start};
    std::vector<Step> steps = {{start, wiring.below(start).size()}};
    while (!steps.empty()) {
        auto& step = steps.back();
        if (step.left == 0) {
            order.push_back(step.id);
            steps.pop_back();
            continue;
        }
        const NodeId next = wiring.below(step.id)[--step.left]->from;
        if (seen.insert(next).second) steps.push_back({next, wiring.below(next).size()});
    }
    return order;
}

// True where the bridge realises that network and no other.
bool is_its_alone(const Wiring& wiring, const NodeId& bridge, const NodeId& network) {
    const auto& above = wiring.above(bridge);
    return std::all_of(above.begin(), above.end(), [&](const Edge* edge) {
        return edge->kind != EdgeKind::realises || edge->to == network;
    });
}

}  // namespace

Result<std::vector<Node>> path_down(const Graph& graph, const NodeId& from) {
    if (!graph.nodes.contains(from))
        return Error{Fault::not_found, escaped(from.text()), "there is no such thing on this host"};
    const Wiring wiring(graph);
    auto order = bottom_up(wiring, from);
    std::vector<Node> path;
    for (auto id = order.rbegin(); id != order.rend(); ++id) path.push_back(*graph.nodes.find(*id));
    return path;
}

NodeIds plugged_into(const Wiring& wiring, const NodeId& network) {
    NodeIds starts = {network};
    for (const Edge* edge : wiring.below(network)) {
        const bool is_bridge = edge->from.kind == NodeKind::bridge || edge->from.kind == NodeKind::ovs_bridge;
        if (is_bridge && is_its_alone(wiring, edge->from, network)) starts.insert(edge->from);
    }
    NodeIds found;
    for (const NodeId& id : wiring.all_above(starts)) {
        if (id.kind >= NodeKind::port) found.insert(id);
    }
    return found;
}

Population population(const Graph& graph, const Wiring& wiring, const NodeIds& ids) {
    const auto is_other_end = [&](const NodeId& id) {
        const auto& below = wiring.below(id);
        return !below.empty() && std::ranges::all_of(below, [](const Edge* edge) { return edge->kind == EdgeKind::peer; });
    };
    Population count;
    for (const NodeId& id : ids) {
        const Node* node = graph.nodes.find(id);
        if (!node || id.kind < NodeKind::port || is_other_end(id)) continue;
        const auto folded = parse_number(node->attribute(attribute::folded), 1, 1'000'000);
        if (id.kind == NodeKind::port) count.ports += folded ? static_cast<std::size_t>(*folded) : 1;
        else ++count.guests;
    }
    return count;
}

}  // namespace topology
