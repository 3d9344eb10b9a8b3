// From the order to places: the tallest column stands as it is, the others lean on their neighbours.
#include "topology/captions.hpp"
#include "topology/picture.hpp"
#include "topology/pixels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

namespace topology {
namespace {

constexpr double margin = 24, top = 64, bottom = 56;
constexpr double box_height = 44, dense_height = 28, warning_height = 18, waypoint_height = 8;
constexpr double narrowest = 112, widest = 270, dense_widest = 290, around_text = 26, glyph = 14;
constexpr double lane_gap = 9, lane_margin = 18, label_room = 30;
constexpr std::size_t most_lanes = 14;
constexpr std::size_t many_rows = 20;
constexpr double kink = 6;      // a bend so small that it looks like a mistake
constexpr double screen = 700;  // what a reader sees at once

double width_of(const Picture& picture, const Cell& cell) {
    if (cell.is_waypoint()) return 0;
    const auto title = pixels_of(caption_of(*cell.node), Font::title);
    const auto below = glyph + pixels_of(subtitle_of(picture, cell), Font::small);
    const auto warning = glyph + pixels_of(warning_of(cell), Font::bold);
    const auto needed = picture.is_dense ? std::max(title + below + glyph, warning) : std::max({title, below, warning});
    return std::clamp(needed + around_text, narrowest, picture.is_dense ? dense_widest : widest);
}

double height_of(const Picture& picture, const Cell& cell) {
    if (cell.is_waypoint()) return waypoint_height;
    return (picture.is_dense ? dense_height : box_height) + (warning_of(cell).empty() ? 0 : warning_height);
}

double row_gap(const Picture& picture) { return picture.is_dense ? 7 : 12; }

// How far apart the middles of two cells must be, one above the other.
double distance(const Picture& picture, std::size_t above, std::size_t below) {
    return (picture.cells[above].height + picture.cells[below].height) / 2 + row_gap(picture);
}

double height_of(const Picture& picture, const PictureColumn& column) {
    double height = -row_gap(picture);
    for (const auto i : column.cells) height += picture.cells[i].height + row_gap(picture);
    return height;
}

void stack(Picture& picture, const PictureColumn& column, double from) {
    for (const auto i : column.cells) {
        Cell& cell = picture.cells[i];
        cell.y = from + cell.height / 2;
        from += cell.height + row_gap(picture);
    }
}

// Amid its neighbours; or beside the first of them if they are too many to be seen at once, so that a reader who begins
// at the top finds the beginning there.
double wish_beside(const Picture& picture, const std::vector<std::size_t>& neighbours) {
    double sum = 0, first = picture.cells[neighbours[0]].y, last = first;
    for (const auto i : neighbours) {
        const auto y = picture.cells[i].y;
        sum += y;
        first = std::min(first, y);
        last = std::max(last, y);
    }
    if (last - first > screen) return first;
    const auto middle = sum / static_cast<double>(neighbours.size());
    for (const auto i : neighbours) {
        if (std::abs(picture.cells[i].y - middle) < kink) return picture.cells[i].y;
    }
    return middle;
}

// As near as possible to where each wants to be, in order and without overlap: neighbours that would overlap become a
// block, which stands where its members want to be in the middle ("pool adjacent violators").
void settle(Picture& picture, const PictureColumn& column, const std::vector<double>& wished) {
    struct Block {
        double sum;  // of the members' wishes for the place of the first
        std::size_t first, count;
        double place() const { return sum / static_cast<double>(count); }
    };
    std::vector<double> offset(column.cells.size(), 0);  // from the first cell of the column
    std::vector<Block> blocks;
    for (std::size_t i = 0; i < column.cells.size(); ++i) {
        if (i > 0) offset[i] = offset[i - 1] + distance(picture, column.cells[i - 1], column.cells[i]);
        blocks.push_back({wished[i] - offset[i], i, 1});
        while (blocks.size() > 1 && blocks[blocks.size() - 2].place() > blocks.back().place()) {
            const auto last = blocks.back();
            blocks.pop_back();
            blocks.back().sum += last.sum;
            blocks.back().count += last.count;
        }
    }
    for (const Block& block : blocks) {
        for (auto i = block.first; i < block.first + block.count; ++i)
            picture.cells[column.cells[i]].y = block.place() + offset[i];
    }
}

// Back between the top and the end of the tallest column.
void keep_inside(Picture& picture, const PictureColumn& column, double end) {
    double lowest = end;
    for (auto i = column.cells.rbegin(); i != column.cells.rend(); ++i) {
        Cell& cell = picture.cells[*i];
        cell.y = std::min(cell.y, lowest - cell.height / 2);
        lowest = cell.y - cell.height / 2 - row_gap(picture);
    }
    double highest = top;
    for (const auto i : column.cells) {
        Cell& cell = picture.cells[i];
        cell.y = std::max(cell.y, highest + cell.height / 2);
        highest = cell.y + cell.height / 2 + row_gap(picture);
    }
}

void lean(Picture& picture, const PictureColumn& column, std::vector<std::size_t> Cell::*side, double end) {
    std::vector<double> wished;
    for (const auto i : column.cells) {
        const Cell& cell = picture.cells[i];
        const auto& neighbours = (cell.*side).empty() ? (cell.left.empty() ? cell.right : cell.left) : cell.*side;
        const auto behind_the_last = wished.empty() ? top : wished.back() + cell.height + row_gap(picture);
        wished.push_back(neighbours.empty() ? behind_the_last : wish_beside(picture, neighbours));
    }
    settle(picture, column, wished);
    keep_inside(picture, column, end);
}

void place_rows(Picture& picture) {
    std::size_t tallest = 0;
    for (std::size_t i = 0; i < picture.columns.size(); ++i) {
        if (height_of(picture, picture.columns[i]) > height_of(picture, picture.columns[tallest])) tallest = i;
    }
    const auto end = top + height_of(picture, picture.columns[tallest]);
    stack(picture, picture.columns[tallest], top);
    for (auto i = tallest; i-- > 0;) lean(picture, picture.columns[i], &Cell::right, end);
    for (auto i = tallest + 1; i < picture.columns.size(); ++i) lean(picture, picture.columns[i], &Cell::left, end);
    picture.height = end + bottom;
}

// A piece of a line between two columns, and the vertical track it takes there.
struct Hop {
    std::size_t left, right;
    std::size_t lane = 0;
};

struct Track {
    double first, last;  // from where to where, vertically
    std::vector<Hop*> hops = {};
};

bool is_level(const Cell& left, const Cell& right) { return std::abs(left.y - right.y) < kink; }

// Hops that share an end share a track: those into one box where they come from boxes with nothing else, all others by
// where they come from.
std::vector<Track> tracks_of(const Picture& picture, std::vector<Hop>& hops) {
    std::map<std::pair<bool, std::size_t>, Track> by_end;
    for (Hop& hop : hops) {
        const Cell &left = picture.cells[hop.left], &right = picture.cells[hop.right];
        if (is_level(left, right)) continue;
        const bool gather = right.left.size() > 1 && std::all_of(right.left.begin(), right.left.end(),
                                                                 [&](auto i) { return picture.cells[i].right.size() == 1; });
        const auto [low, high] = std::minmax(left.y, right.y);
        auto& track = by_end.try_emplace({gather, gather ? hop.right : hop.left}, Track{low, high}).first->second;
        track.first = std::min(track.first, low);
        track.last = std::max(track.last, high);
        track.hops.push_back(&hop);
    }
    std::vector<Track> tracks;
    for (auto& [end, track] : by_end) tracks.push_back(std::move(track));
    std::sort(tracks.begin(), tracks.end(), [](const Track& a, const Track& b) { return a.first < b.first; });
    return tracks;
}

// The first lane that is free there; too many share the lanes there are. Returns how many are used.
std::size_t assign_lanes(const Picture& picture, std::vector<Hop>& hops) {
    std::vector<double> free_from;
    std::size_t turn = 0;
    for (Track& track : tracks_of(picture, hops)) {
        auto lane = static_cast<std::size_t>(
            std::find_if(free_from.begin(), free_from.end(), [&](double from) { return from < track.first; }) -
            free_from.begin());
        if (lane == free_from.size() && lane < most_lanes) free_from.push_back(0);
        if (lane == most_lanes) lane = turn++ % most_lanes;
        free_from[lane] = std::max(free_from[lane], track.last + 4);
        for (Hop* hop : track.hops) hop->lane = lane;
    }
    return free_from.size();
}

using Lanes = std::map<std::pair<std::size_t, std::size_t>, double>;  // by hop, x of its vertical piece

// Columns from left to right, each as wide as its texts, with as much room between as the lines need.
Lanes place_columns(Picture& picture) {
    std::vector<std::vector<Hop>> hops(picture.columns.size());
    std::set<std::size_t> labelled;
    for (const Link& link : picture.links) {
        for (std::size_t i = 0; i + 1 < link.cells.size(); ++i) {
            const auto column = picture.cells[link.cells[i]].column;
            if (column == picture.cells[link.cells[i + 1]].column) continue;
            hops[column].push_back({link.cells[i], link.cells[i + 1]});
            if (!link.edge->label.empty() && i + 2 == link.cells.size()) labelled.insert(column);
        }
    }
    Lanes lanes;
    double x = margin;
    for (std::size_t c = 0; c < picture.columns.size(); ++c) {
        auto& column = picture.columns[c];
        column.x = x;
        for (const auto i : column.cells) column.width = std::max(column.width, width_of(picture, picture.cells[i]));
        x += column.width;
        if (c + 1 == picture.columns.size()) break;
        const auto used = std::max<std::size_t>(assign_lanes(picture, hops[c]), 1);
        for (const Hop& hop : hops[c])
            lanes[{hop.left, hop.right}] = x + lane_margin + static_cast<double>(hop.lane) * lane_gap;
        x += 2 * lane_margin + static_cast<double>(used - 1) * lane_gap + (labelled.contains(c) ? label_room : 0);
    }
    picture.width = x + margin;
    for (Cell& cell : picture.cells) cell.width = picture.columns[cell.column].width;
    return lanes;
}

void route(Picture& picture, Link& link, const Lanes& lanes) {
    const auto right_of = [&](const Cell& cell) { return Point{picture.columns[cell.column].x + cell.width, cell.y}; };
    const auto left_of = [&](const Cell& cell) { return Point{picture.columns[cell.column].x, cell.y}; };
    for (std::size_t i = 0; i + 1 < link.cells.size(); ++i) {
        const Cell &from = picture.cells[link.cells[i]], &to = picture.cells[link.cells[i + 1]];
        const bool is_loop = from.column == to.column;
        const auto start = right_of(from), end = is_loop ? right_of(to) : left_of(to);
        if (!is_loop && is_level(from, to)) {
            link.points.insert(link.points.end(), {start, end});
            continue;
        }
        const auto turn = is_loop ? start.x + lane_gap : lanes.at({link.cells[i], link.cells[i + 1]});
        link.points.insert(link.points.end(), {start, {turn, start.y}, {turn, end.y}, end});
    }
}

}  // namespace

void place(Picture& picture) {
    if (picture.columns.empty()) return;
    const auto is_long = [](const PictureColumn& column) { return column.cells.size() > many_rows; };
    picture.is_dense = std::any_of(picture.columns.begin(), picture.columns.end(), is_long);
    for (Cell& cell : picture.cells) cell.height = height_of(picture, cell);
    place_rows(picture);
    const auto lanes = place_columns(picture);
    for (Link& link : picture.links) route(picture, link, lanes);
}

std::string subtitle_of(const Picture& picture, const Cell& cell) {
    const auto details = details_of(*cell.node), state = state_of(*cell.node);
    // Where room is short, the glyph alone says "up".
    if (picture.is_dense && state == text_of(NodeState::up)) return details;
    return details.empty() ? state : fmt::format("{} · {}", state, details);
}

std::string warning_of(const Cell& cell) {
    const auto own = problem_of(*cell.node);
    if (!own.empty() || !cell.maker) return own;
    if (const auto its = problem_of(*cell.maker); !its.empty()) return its;
    const bool is_worse = cell.maker->state != cell.node->state && cell.maker->state != NodeState::up;
    return is_worse ? fmt::format("{} {}", name_of(cell.maker->kind()), text_of(cell.maker->state)) : "";
}

}  // namespace topology
