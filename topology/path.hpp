// Where a frame goes: the chain from a guest or a network down to the NICs, and what is plugged into a network.
#pragma once

#include "topology/graph.hpp"

#include <vector>

namespace topology {

// From the node itself down to its NICs; everything comes after all that stands on it, once, also where the host is
// wired in a circle. Says not_found where there is no such node.
Result<std::vector<Node>> path_down(const Graph& graph, const NodeId& from);

// The ports and guests of a network: what is plugged into it, and into a bridge that is made for it alone.
NodeIds plugged_into(const Wiring& wiring, const NodeId& network);

// The guests of these nodes, or the ports where no guest is known; a folded node counts for as many as it stands for, the other end of
// a pair for none: it is in no network by that.
struct Population {
    std::size_t guests = 0, ports = 0;
    bool operator==(const Population&) const = default;
};
Population population(const Graph& graph, const Wiring& wiring, const NodeIds& ids);

}  // namespace topology
