// Parts of the host to look at: each view is a graph made of a graph. The whole one is the graph itself.
#pragma once

#include "topology/graph.hpp"

#include <cstddef>
#include <string_view>

namespace topology {

// A network, what it stands on down to the NICs, and what is plugged into it. By its name or, where only one has it,
// its label.
Result<Graph> of_network(const Graph& graph, std::string_view name);

// A guest or namespace with its NICs, and what they stand on.
Result<Graph> of_guest(const Graph& graph, std::string_view name);

// Any node with all below and all above it.
Result<Graph> around(const Graph& graph, const NodeId& id);

// Networks with more than so many ports show them as one node, "web · 37 NICs". Guests that have no other NIC go into
// it; its problem tells how many of them have one.
Graph folded(const Graph& graph, std::size_t more_than = 8);

// What is not as it should be, and what it stands on. A port that its guest switched off is no problem; a NIC that
// nobody uses is none either.
Graph problems_only(const Graph& graph);

}  // namespace topology
