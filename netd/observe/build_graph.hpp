// The host as a picture: every link and row that there is, what netd knows about it, and what should be there and is not.
#pragma once

#include "netd/observe/drift.hpp"
#include "topology/graph.hpp"

namespace observe {

// Edges are as the host is wired; what a definition wants and is not there stands where it should be, as missing. Foreign
// devices are in it too; only what OVS needs for itself (a bridge's own device, a datapath) is not. Pure.
topology::Graph build_graph(const Snapshot& snapshot, const Drift& drift);

}  // namespace observe
