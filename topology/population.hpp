// What is plugged into a network, and how many guests and ports that are.
#pragma once

#include "topology/graph.hpp"

namespace topology {

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
