// The terminal's picture: an outline drawn with strokes, wide where there is room, folded under the NICs where not.
#include "topology/captions.hpp"
#include "topology/names.hpp"
#include "topology/outline.hpp"
#include "topology/render.hpp"
#include "topology/terminal.hpp"
#include "topology/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace topology {
namespace {

enum class Layout { wide, stacked };

// How the lines at one side meet: the stroke of line `i` of `count`.
struct Strokes {
    std::string_view top, middle, bottom;
};
constexpr Strokes from_nics = {"┬", "┤", "┘"}, to_networks = {"┬", "├", "└"};

std::string_view joint(std::size_t i, std::size_t count, const Strokes& strokes) {
    if (count == 1) return "─";
    if (i == 0) return strokes.top;
    return i + 1 == count ? strokes.bottom : strokes.middle;
}

// The widest of the texts, so that they stand under each other.
struct Columns {
    std::size_t tag = 0, name = 0, addresses = 0, guests = 0;
};

bool carries_anything(const OutlineTrunk& trunk) { return trunk.bond || trunk.bridge || !trunk.rows.empty(); }

class Tree {
public:
    Tree(const Graph& graph, const TreeOptions& options) : options_(options), trunks_(outline(graph)) {
        for (const auto& trunk : trunks_) {
            for (const Node* nic : trunk.nics) {
                nic_name_ = std::max(nic_name_, columns_of(text(caption_of(*nic))));
                if (carries_anything(trunk)) nic_state_ = std::max(nic_state_, health_of(*nic).width());
            }
        }
    }

    std::vector<Line> lines(Layout layout) const {
        std::vector<Line> all;
        for (const auto& trunk : trunks_) {
            auto drawn = layout == Layout::wide ? wide(trunk) : stacked(trunk);
            std::move(drawn.begin(), drawn.end(), std::back_inserter(all));
        }
        return all;
    }

private:
    std::string text(std::string_view words) const { return options_.ascii ? in_ascii(words) : std::string(words); }
    void stroke(Line& line, std::string_view strokes) const { line.add(text(strokes), Ink::faint); }
    void stroke_to(Line& line, std::size_t columns) const { line.fill_to(columns, text("─"), Ink::faint); }

    // "eno1 ─ 10G up ─┬─ bond0 (active-backup, eno1*) ─┬─ web"
    std::vector<Line> wide(const OutlineTrunk& trunk) const {
        const auto left = left_of(trunk);
        const auto rows = rows_of(trunk, widths_of(trunk));
        auto middle = middle_of(trunk);
        if (!trunk.rows.empty()) stroke(middle, middle.width() > 0 ? " ─" : "─");
        auto lines = std::vector<Line>(std::max(left.size(), rows.size()));
        for (std::size_t i = 0; i < lines.size(); ++i) {
            if (i < left.size()) lines[i].add(left[i]);
            if (i == 0) lines[i].add(middle);
            if (i < rows.size()) lines[i].fill_to(left[0].width() + middle.width());
            if (i < rows.size()) stroke(lines[i], joint(i, rows.size(), to_networks));
            if (i < rows.size()) lines[i].add(rows[i]);
        }
        return lines;
    }

    // The NICs and what carries them, then the networks a line each, as close as they go.
    std::vector<Line> stacked(const OutlineTrunk& trunk) const {
        auto lines = left_of(trunk);
        lines[0].add(middle_of(trunk));
        const auto rows = rows_of(trunk, {.tag = widths_of(trunk).tag});
        for (std::size_t i = 0; i < rows.size(); ++i) {
            Line line;
            stroke(line, i + 1 == rows.size() ? "  └" : "  ├");
            lines.push_back(line.add(rows[i]));
        }
        return lines;
    }

    // What stands before the networks: the NICs, joined into one where they are many.
    std::vector<Line> left_of(const OutlineTrunk& trunk) const {
        std::vector<Line> lines;
        for (std::size_t i = 0; i < trunk.nics.size(); ++i) {
            Line line = nic_line(*trunk.nics[i]);
            if (!carries_anything(trunk)) line.add(own_use_of(*trunk.nics[i]));
            else join(line, joint(i, trunk.nics.size(), from_nics));
            lines.push_back(line);
        }
        if (!lines.empty()) return lines;
        if (trunk.bond) return {Line().add("(no NIC) ", Ink::bad)};
        if (!trunk.lost.empty()) return {Line().add(text(escaped(fmt::format("(not on {}) ", trunk.lost))), Ink::bad)};
        return {Line().add("(inside the host) ", Ink::faint)};
    }

    Line nic_line(const Node& nic) const {
        Line line;
        line.add(text(caption_of(nic))).fill_to(nic_name_);
        stroke(line, " ─ ");
        return line.add(health_of(nic));
    }

    // What a NIC that carries nothing is there for.
    Line own_use_of(const Node& nic) const {
        const auto addresses = nic.attribute(attribute::addresses);
        if (!addresses.empty()) return Line().add(text("  " + escaped(addresses)));
        const bool is_wanted = nic.problem.has_value();  // by a definition that it deviates from
        return Line().add(is_wanted ? "" : "  unused", Ink::faint);
    }

    void join(Line& line, std::string_view joint) const {
        constexpr std::size_t strokes = 5;  // those of " ─ " before the state and of " ─" behind it
        stroke(line, " ");
        stroke_to(line, nic_name_ + nic_state_ + strokes);
        stroke(line, joint);
    }

    Line health_of(const Node& node) const {
        Line line;
        line.add(state_of(node), ink_of(node));
        if (const auto problem = problem_of(node); !problem.empty()) line.add(text((node.problem ? " " : ", ") + problem), ink_of(node));
        return line;
    }

    // "─ bond0 (active-backup, eno1*) ─ br0"
    Line middle_of(const OutlineTrunk& trunk) const {
        Line line;
        for (const Node* carrier : {trunk.bond, trunk.bridge}) {
            if (!carrier) continue;
            stroke(line, line.width() == 0 ? "─ " : " ─ ");
            line.add(text(caption_of(*carrier)));
            const auto details = carrier == trunk.bond ? details_of(*carrier) : std::string(name_of(carrier->kind()));
            if (!details.empty()) line.add(text(fmt::format(" ({})", details)));
            if (!problem_of(*carrier).empty() || carrier->state != NodeState::up) line.add(" ").add(health_of(*carrier));
        }
        return line;
    }

    Columns widths_of(const OutlineTrunk& trunk) const {
        Columns widths;
        for (const auto& row : trunk.rows) {
            widths.tag = std::max(widths.tag, columns_of(tag_of(row)));
            widths.name = std::max(widths.name, name_of_row(row).width());
            widths.addresses = std::max(widths.addresses, addresses_of(row).width());
            widths.guests = std::max(widths.guests, guests_of(row).width());
        }
        return widths;
    }

    // "─ .100 ─ web  192.0.2.10/24  2 guests  in sync"
    std::vector<Line> rows_of(const OutlineTrunk& trunk, const Columns& widths) const {
        std::vector<Line> lines;
        for (const auto& row : trunk.rows) {
            Line line = tag_stroke(tag_of(row), widths.tag);
            auto due = line.width() + widths.name;
            line.add(name_of_row(row));
            append(line, addresses_of(row), due, widths.addresses);
            append(line, guests_of(row), due, widths.guests);
            append(line, status_of(row), due, 0);
            lines.push_back(line);
        }
        return lines;
    }

    // Adds a part behind those before it, or under the one above it where the column has a width.
    static void append(Line& line, const Line& part, std::size_t& due, std::size_t width) {
        if (part.width() == 0 && width == 0) return;
        line.fill_to(due).add("  ").add(part);
        due += 2 + width;
    }

    // "─ .100 ─ ", or strokes all the way where there is no tag but others have one.
    Line tag_stroke(const std::string& tag, std::size_t width) const {
        Line line;
        stroke(line, tag.empty() ? "─" : "─ ");
        line.add(tag);
        if (!tag.empty()) stroke(line, " ");
        if (width > 0) stroke_to(line, width + 4);
        return line.add(" ");
    }

    std::string tag_of(const OutlineRow& row) const { return row.tag.empty() ? "" : text(escaped("." + row.tag)); }

    Line name_of_row(const OutlineRow& row) const {
        Line line;
        line.add(text(caption_of(*row.node)));
        if (row.node->kind() != NodeKind::network) line.add(fmt::format(" ({})", name_of(row.node->kind())), Ink::faint);
        return line;
    }

    Line addresses_of(const OutlineRow& row) const {
        return Line().add(text(escaped(row.node->attribute(attribute::addresses))));
    }

    static Line guests_of(const OutlineRow& row) {
        const bool is_folded = row.guests.ports > 0 && row.guests.guests < row.guests.ports;
        return Line().add(is_folded ? counted(row.guests.ports, "NIC") : counted(row.guests.guests, "guest"));
    }

    Line status_of(const OutlineRow& row) const {
        const Node& node = *row.node;
        Line line;
        const auto mtu = unusual_mtu_of(node);
        if (!mtu.empty()) line.add(text(mtu) + ", ");
        const auto problem = problem_of(node);
        line.add(text(problem), ink_of(node));
        if (!problem.empty() && node.state != NodeState::up) line.add(", ");
        if (node.state != NodeState::up) return line.add(text_of(node.state), ink_of(node));
        if (!problem.empty()) return line;
        return node.owner.is_ours() ? line.add("in sync", Ink::good) : line.add("foreign", Ink::faint);
    }

    TreeOptions options_;
    std::vector<OutlineTrunk> trunks_;
    std::size_t nic_name_ = 0, nic_state_ = 0;
};

}  // namespace

std::string to_tree(const Graph& graph, const TreeOptions& options) {
    const Tree tree(graph, options);
    auto lines = tree.lines(Layout::wide);
    const bool is_too_wide = options.width > 0 && std::any_of(lines.begin(), lines.end(), [&](const Line& line) {
                                 return line.width() > options.width;
                             });
    if (is_too_wide) lines = tree.lines(Layout::stacked);
    std::string out;
    for (const Line& line : lines) out += line.written(options.width, options.color, options.ascii ? "~" : "…") + "\n";
    return out.empty() ? "nothing to show\n" : out;
}

}  // namespace topology
