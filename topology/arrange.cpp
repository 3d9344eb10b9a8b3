// Who is in which column, and in what order so that few lines cross (barycentres).
#include "topology/names.hpp"
#include "topology/numbers.hpp"
#include "topology/picture.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace topology {
namespace {

enum Column { nics, bonds, vlans, bridges, networks, ports, guests, column_count };

constexpr std::array<const char*, column_count> headings = {"NICs",     "Bonds", "VLANs", "Bridges",
                                                            "Networks", "Ports", "Guests"};

Column column_of(NodeKind kind) {
    switch (kind) {
        case NodeKind::nic: return nics;
        case NodeKind::bond: return bonds;
        case NodeKind::vlan: return vlans;
        case NodeKind::bridge:
        case NodeKind::ovs_bridge: return bridges;
        case NodeKind::network: return networks;
        case NodeKind::port: return ports;
        case NodeKind::guest:
        case NodeKind::namespace_: return guests;
    }
    return guests;
}

// "net2" before "net10".
bool reads_before(const std::string& a, const std::string& b) {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    std::size_t i = 0, j = 0;
    while (i < a.size() && j < b.size()) {
        if (is_digit(a[i]) && is_digit(b[j])) {
            const auto end_a = std::find_if_not(a.begin() + static_cast<std::ptrdiff_t>(i), a.end(), is_digit);
            const auto end_b = std::find_if_not(b.begin() + static_cast<std::ptrdiff_t>(j), b.end(), is_digit);
            const auto digits_a = static_cast<std::size_t>(end_a - a.begin()) - i,
                       digits_b = static_cast<std::size_t>(end_b - b.begin()) - j;
            if (digits_a != digits_b) return digits_a < digits_b;
            if (const auto order = a.compare(i, digits_a, b, j, digits_b); order != 0) return order < 0;
            i += digits_a, j += digits_b;
        } else if (a[i] != b[j]) {
            return a[i] < b[j];
        } else {
            ++i, ++j;
        }
    }
    return a.size() - i < b.size() - j;
}

class Arrangement {
public:
    explicit Arrangement(const Graph& graph) : graph_(graph), wiring_(graph) {}

    Picture picture() {
        place_vlans();
        add_cells();
        for (const Edge& edge : graph_.edges) add_link(edge);
        fill_columns();
        // Twice, because the ports look to the guests, and those are in order only after the first time.
        for (int sweep = 0; sweep < 2; ++sweep) {
            for (auto& column : picture_.columns) order(column);
        }
        drop_empty_columns();
        return std::move(picture_);
    }

private:
    // A VLAN-aware host has its VLANs on top of the bridges, not below: then they stand at the other side of them.
    void place_vlans() {
        std::size_t on_bridges = 0, elsewhere = 0;
        for (const Edge& edge : graph_.edges) {
            if (edge.to.kind == NodeKind::vlan) ++(column_of(edge.from.kind) == bridges ? on_bridges : elsewhere);
        }
        vlans_come_after_bridges_ = on_bridges > elsewhere;
    }

    std::size_t rank_of(const Node& node) const {
        const bool makes_a_network = node.kind() == NodeKind::port && makes_network(node.id);
        const auto column = makes_a_network ? bridges : column_of(node.kind());
        if (!vlans_come_after_bridges_ || (column != vlans && column != bridges)) return column;
        return column == vlans ? bridges : vlans;
    }

    bool makes_network(const NodeId& id) const {
        const auto& above = wiring_.above(id);
        return std::any_of(above.begin(), above.end(), [](const Edge* edge) { return edge->kind == EdgeKind::realises; });
    }

    void add_cells() {
        for (const Node& node : graph_.nodes) {
            if (network_of_its_own(node)) continue;
            cell_of_[node.id] = picture_.cells.size();
            picture_.cells.push_back({.node = &node, .column = rank_of(node)});
        }
        for (const Node& node : graph_.nodes) {
            const Edge* made = network_of_its_own(node);
            if (!made) continue;
            cell_of_[node.id] = cell_of_[made->to];
            picture_.cells[cell_of_[made->to]].maker = &node;
        }
    }

    // The edge to the network that shares its box with this bridge, or inner port of OVS: where neither has another one.
    // A bridge that gives the network a tag is there for more than one, whatever this part of the host shows.
    const Edge* network_of_its_own(const Node& node) const {
        if (node.kind() != NodeKind::bridge && node.kind() != NodeKind::port) return nullptr;
        const Edge* only_one = nullptr;
        for (const Edge* edge : wiring_.above(node.id)) {
            if (edge->to.kind == NodeKind::port) continue;
            if (only_one || edge->kind != EdgeKind::realises || !edge->label.empty() || wiring_.below(edge->to).size() != 1)
                return nullptr;
            only_one = edge;
        }
        return only_one;
    }

    void add_link(const Edge& edge) {
        const auto from = cell_of_.find(edge.from), to = cell_of_.find(edge.to);
        if (from == cell_of_.end() || to == cell_of_.end() || from->second == to->second || is_told_otherwise(edge)) return;
        auto left = from->second, right = to->second;
        if (picture_.cells[left].column > picture_.cells[right].column) std::swap(left, right);
        if (!linked_.insert({left, right}).second) return;
        Link link{.edge = &edge, .cells = {left}};
        for (auto column = picture_.cells[left].column + 1; column < picture_.cells[right].column; ++column) {
            if (used_.empty()) find_used_columns();
            if (!used_.contains(column)) continue;
            picture_.cells.push_back({.column = column});
            join(link.cells.back(), picture_.cells.size() - 1);
            link.cells.push_back(picture_.cells.size() - 1);
        }
        if (picture_.cells[left].column != picture_.cells[right].column) join(link.cells.back(), right);
        link.cells.push_back(right);
        picture_.links.push_back(std::move(link));
    }

    // A port that is drawn to its network needs no second line to the bridge.
    bool is_told_otherwise(const Edge& edge) const {
        if (edge.kind != EdgeKind::enslaved || edge.to.kind != NodeKind::port) return false;
        const auto& below = wiring_.below(edge.to);
        return std::any_of(below.begin(), below.end(), [](const Edge* other) { return other->kind == EdgeKind::plugged; });
    }

    void find_used_columns() {
        for (const Cell& cell : picture_.cells) used_.insert(cell.column);
    }

    void join(std::size_t left, std::size_t right) {
        picture_.cells[left].right.push_back(right);
        picture_.cells[right].left.push_back(left);
    }

    // To begin with: what passes through, then by tag and name; what has nothing below it (and is no NIC) last.
    void fill_columns() {
        for (const auto* heading : headings) picture_.columns.push_back({.heading = heading});
        if (vlans_come_after_bridges_) std::swap(picture_.columns[vlans].heading, picture_.columns[bridges].heading);
        for (std::size_t i = 0; i < picture_.cells.size(); ++i)
            picture_.columns[picture_.cells[i].column].cells.push_back(i);
        const auto key = [&](std::size_t i) {
            const Cell& cell = picture_.cells[i];
            const auto tag =
                cell.node ? parse_number(cell.node->attribute(attribute::vlan), 0, 4094) : Result<std::int64_t>(-1);
            const bool is_loose = cell.node && (cell.column == nics ? cell.right.empty() : cell.left.empty());
            return std::tuple(is_loose, !cell.is_waypoint(), tag ? *tag : -1);
        };
        for (auto& column : picture_.columns) {
            std::stable_sort(column.cells.begin(), column.cells.end(), [&](std::size_t a, std::size_t b) {
                if (key(a) != key(b)) return key(a) < key(b);
                const Node *one = picture_.cells[a].node, *other = picture_.cells[b].node;
                return one && other && reads_before(one->title(), other->title());
            });
            remember_order(column);
        }
    }

    void remember_order(const PictureColumn& column) {
        position_.resize(picture_.cells.size());
        for (std::size_t i = 0; i < column.cells.size(); ++i) position_[column.cells[i]] = static_cast<double>(i);
    }

    // Each cell goes where its neighbours at the left are in the middle, after them what has none. Equals stay as they
    // are, so networks keep the order of their tags, whatever is plugged into them: a picture that is drawn again looks
    // the same. Only ports of one network take the order of their guests.
    void order(PictureColumn& column) {
        const auto is_first =
            std::all_of(column.cells.begin(), column.cells.end(), [&](auto i) { return picture_.cells[i].left.empty(); });
        if (is_first) return;
        std::map<std::size_t, std::pair<double, double>> middle;
        for (const auto i : column.cells) {
            const Cell& cell = picture_.cells[i];
            const bool is_port = cell.node && cell.node->kind() == NodeKind::port;
            middle[i] = {middle_of(cell.left), is_port ? middle_of(cell.right) : 0};
        }
        std::stable_sort(column.cells.begin(), column.cells.end(), [&](auto a, auto b) { return middle[a] < middle[b]; });
        remember_order(column);
    }

    double middle_of(const std::vector<std::size_t>& cells) const {
        if (cells.empty()) return std::numeric_limits<double>::max();
        double sum = 0;
        for (const auto i : cells) sum += position_[i];
        return sum / static_cast<double>(cells.size());
    }

    void drop_empty_columns() {
        std::vector<PictureColumn> kept;
        for (auto& column : picture_.columns) {
            if (column.cells.empty()) continue;
            for (const auto i : column.cells) picture_.cells[i].column = kept.size();
            kept.push_back(std::move(column));
        }
        picture_.columns = std::move(kept);
    }

    const Graph& graph_;
    Wiring wiring_;
    Picture picture_;
    std::map<NodeId, std::size_t> cell_of_;
    std::set<std::pair<std::size_t, std::size_t>> linked_;
    std::set<std::size_t> used_;
    std::vector<double> position_;
    bool vlans_come_after_bridges_ = false;
};

}  // namespace

Picture arrange(const Graph& graph) {
    return Arrangement(graph).picture();
}

}  // namespace topology
