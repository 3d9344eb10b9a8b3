// A graph in the making: nodes may still change until it is finished. The parts of build_graph each draw on it.
#pragma once

#include "netd/observe/devices.hpp"
#include "netd/observe/drift.hpp"
#include "topology/graph.hpp"

#include <map>

namespace observe {

struct Drawing {
    const Snapshot& snapshot;
    Devices devices{snapshot};
    std::map<NodeId, topology::Node> nodes = {};
    std::map<topology::Edge::Key, topology::Edge> edges = {};

    topology::Node& put(const NodeId& id) { return nodes.try_emplace(id, topology::Node{.id = id}).first->second; }
    void connect(topology::EdgeKind kind, const NodeId& from, const NodeId& to, std::string label = {});

    // A thing that a definition wants: as it is there, or as missing, ours by that role (a NIC is nobody's to make).
    NodeId want(const IfName& name, NodeKind kind, const std::string& role);

    // An edge that is not there because one of its ends is not.
    void connect_missing(topology::EdgeKind kind, const NodeId& from, const NodeId& to, std::string label = {});

    topology::Graph finished() &&;
};

// State, MTU, MAC and addresses of a link, on its own node or that of the network whose device it is.
void describe(const Link& link, topology::Node& node);

// What is there: links and OVS rows, and, once all nodes are, how they are wired.
void draw_devices(Drawing& drawing);
void draw_wires(Drawing& drawing);

// What the definitions say: networks, their guests' NICs, and what is missing of either.
void draw_definitions(Drawing& drawing);

// What is wrong, in words.
void draw_problems(Drawing& drawing, const Drift& drift);

}  // namespace observe
