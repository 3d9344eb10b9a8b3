// The graph that Host.getTopology answers, as the value that pictures are made of.
#pragma once

#include "topology/graph.hpp"

#include <nlohmann/json.hpp>

namespace netctl {

// What is of a kind that this netctl does not know is left out; its number is told, so that nobody takes the picture
// for the whole.
struct ReadGraph {
    topology::Graph graph = {};
    std::size_t left_out = 0;
};
ReadGraph read_graph(const nlohmann::json& answer);

}  // namespace netctl
