// The host as an administrator would sketch it: NICs at the left, what carries them together, networks at the right.
//
// Pure choice of what stands where; render_tree.cpp draws it.
#pragma once

#include "topology/graph.hpp"
#include "topology/population.hpp"

#include <string>
#include <vector>

namespace topology {

// One line at the right: a network, or a device that carries none (a foreign VLAN, a bridge nobody defined).
struct OutlineRow {
    const Node* node = nullptr;
    std::string tag = {};  // the VLAN with which its frames are on the wire
    Population guests = {};
};

// One way to the wire, or none: `nics` is empty for what stays inside the host, and for what has lost its way to the wire.
struct OutlineTrunk {
    std::vector<const Node*> nics = {};
    const Node* bond = nullptr;
    const Node* bridge = nullptr;  // the one bridge that carries all rows, where it carries more than its namesake
    std::vector<OutlineRow> rows = {};
    std::string lost = {};         // of networks with no way to it, the NIC or bond that they are defined on
};

// Points into the graph, which must outlive it. What is inside the host comes last.
std::vector<OutlineTrunk> outline(const Graph& graph);
std::vector<OutlineTrunk> outline(Graph&&) = delete;

}  // namespace topology
