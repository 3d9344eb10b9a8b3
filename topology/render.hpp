// Pictures of the host: for a terminal, a browser, graphviz, and for texts that draw Mermaid.
//
// Everything in them that others named is escaped for where it goes. The same graph gives the same bytes.
#pragma once

#include "topology/graph.hpp"

#include <cstddef>
#include <string>

namespace topology {

struct TreeOptions {
    std::size_t width = 0;  // columns of the terminal; 0 is as many as it takes
    bool color = false;
    bool ascii = false;
};

// NICs at the left, what carries them together in the middle, networks at the right; then what stays inside the host.
// Where the terminal is too narrow, the networks go under the NICs; what is still too long is cut.
std::string to_tree(const Graph& graph, const TreeOptions& options = {});

// A picture in fixed columns that follows the browser's light or dark, and stands alone in a file.
std::string to_svg(const Graph& graph);

std::string to_dot(const Graph& graph);
std::string to_mermaid(const Graph& graph);

}  // namespace topology
