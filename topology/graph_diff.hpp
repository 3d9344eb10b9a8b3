// What is different between two versions of the host: the body of every event, and what a page has to draw anew.
#pragma once

#include "topology/graph.hpp"

#include <string>
#include <vector>

namespace topology {

struct GraphDiff {
    std::vector<Change<Node>> nodes = {};
    std::vector<Change<Edge>> edges = {};

    bool empty() const { return nodes.empty() && edges.empty(); }
    bool operator==(const GraphDiff&) const = default;
};

// Costs what differs. Counters that went on counting are no difference: they change with every look.
GraphDiff diff(const Graph& was, const Graph& now);

// One line a change, fit for a terminal: "+ network web", "- port vnet3", "~ nic eno1: state up → no carrier".
std::vector<std::string> explain(const GraphDiff& changes);

}  // namespace topology
