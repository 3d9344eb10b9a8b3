// The graph and the drift as JSON: what pictures and reports of the host are drawn from.
#pragma once

#include "netd/observe/statistics.hpp"
#include "netd/observe/build_graph.hpp"
#include "netd/wire/json.hpp"

namespace wire {

// {revision, nodes: [{id, kind, label, state, owner, attributes, counters, problem, parent}], edges: [{kind, from, to,
// label}]}. `owner` is the mark as it stands on the device, or "foreign"; what a node has not is null.
nlohmann::json write_graph(const topology::Graph& graph, std::uint64_t revision);

// The part of it that {view: "whole", "folded" or "problems", network, guest} asks for: a network or guest first, then
// the view of that. Fault::invalid where params are not such, not_found where there is no such network or guest.
Result<topology::Graph> view_of(topology::Graph graph, const nlohmann::json& params);

// The answer to Host.getTopology.
Result<nlohmann::json> write_topology(const observe::Snapshot& snapshot, const nlohmann::json& params, const observe::Statistics& statistics = {});

// {networks: {name: [{subject, attribute, wanted, found}]}, bondings: {…}, guests: {…}}.
nlohmann::json write_drift(const observe::Drift& drift);

}  // namespace wire
