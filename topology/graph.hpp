// The host as one value: things and how they belong together. Two versions share all that did not change.
#pragma once

#include "topology/edge.hpp"
#include "topology/keyed.hpp"
#include "topology/node.hpp"

#include <set>
#include <unordered_map>
#include <vector>

namespace topology {

// An edge may name a node that is not there (an uplink nobody has plugged in yet); who walks the graph skips it.
struct Graph {
    Keyed<Node> nodes = {};
    Keyed<Edge> edges = {};

    bool operator==(const Graph&) const = default;
};

using NodeIds = std::set<NodeId>;

// The edges of a graph by their ends, made for one walk. Points into the graph, which must outlive it.
class Wiring {
public:
    explicit Wiring(const Graph& graph);
    explicit Wiring(Graph&&) = delete;

    // Both in the order of the graph's edges; edges whose other end is not in the graph are left out.
    const std::vector<const Edge*>& below(const NodeId& id) const;  // edges that lead to it
    const std::vector<const Edge*>& above(const NodeId& id) const;  // edges that lead away from it

    // All that these stand on, or all that stands on these, themselves included. Circles are walked once.
    NodeIds all_below(const NodeIds& ids) const;
    NodeIds all_above(const NodeIds& ids) const;

private:
    using Edges = std::vector<const Edge*>;
    struct Ends {
        Edges below, above;
    };
    NodeIds closure(const NodeIds& starts, Edges Ends::*side, NodeId Edge::*next) const;

    std::unordered_map<NodeId, Ends, NodeIdHash> ends_;
};

// The graph of these nodes only, with the edges among them.
Graph only(const Graph& graph, const NodeIds& ids);

}  // namespace topology
