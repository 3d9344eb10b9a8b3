// The host in columns, as a browser shows it: which box stands where, and which way each line takes.
//
// Kinds are columns, so there is nothing to search for: only the order within a column is chosen, and then the places.
#pragma once

#include "topology/graph.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace topology {

struct Point {
    double x = 0, y = 0;
};

// A box, or (without a node) the place where a line passes through a column.
struct Cell {
    const Node* node = nullptr;
    const Node* maker = nullptr;  // the bridge or port that is there for this network alone, shown in the same box
    std::size_t column = 0;
    std::vector<std::size_t> left = {}, right = {};  // neighbours in the columns beside
    double y = 0, width = 0, height = 0;             // y of its middle

    bool is_waypoint() const { return !node; }
};

struct Link {
    const Edge* edge = nullptr;
    std::vector<std::size_t> cells = {};  // from left to right; two of the same column make a loop
    std::vector<Point> points = {};       // corners of the line
};

struct PictureColumn {
    std::string heading;
    std::vector<std::size_t> cells = {};  // from top to bottom
    double x = 0, width = 0;
};

struct Picture {
    std::vector<Cell> cells = {};
    std::vector<Link> links = {};
    std::vector<PictureColumn> columns = {};
    double width = 0, height = 0;
    bool is_dense = false;  // so many rows that each box has one line only
};

// Boxes, lines and their order; points into the graph, which must outlive it.
Picture arrange(const Graph& graph);
Picture arrange(Graph&&) = delete;

// Gives every box its place and every line its corners.
void place(Picture& picture);

// What a box says below its title, and in a line of its own where something is wrong.
std::string subtitle_of(const Picture& picture, const Cell& cell);
std::string warning_of(const Cell& cell);

}  // namespace topology
