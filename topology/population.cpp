// See population.hpp.
#include "topology/population.hpp"

#include "topology/numbers.hpp"

#include <algorithm>

namespace topology {
namespace {

// True where the bridge realises that network and no other.
bool is_its_alone(const Wiring& wiring, const NodeId& bridge, const NodeId& network) {
    const auto& above = wiring.above(bridge);
    return std::all_of(above.begin(), above.end(), [&](const Edge* edge) {
        return edge->kind != EdgeKind::realises || edge->to == network;
    });
}

}  // namespace

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
