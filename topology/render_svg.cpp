// The picture as SVG: no script, no font of its own, nothing loaded, so that it may be mailed, printed and embedded.
#include "topology/captions.hpp"
#include "topology/escape.hpp"
#include "topology/picture.hpp"
#include "topology/pixels.hpp"
#include "topology/render.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace topology {
namespace {

// Plain classes, no variables, no shorthand of fonts: converters to PNG and PDF do not all know those.
constexpr std::string_view style = R"(
text{font-size:11px;font-family:"Inter","Segoe UI","Roboto","Cantarell","DejaVu Sans",sans-serif;fill:#475569}
.sheet{fill:#f8fafc}
.heading{font-size:11px;font-weight:600;letter-spacing:.06em;fill:#64748b}
.box{fill:#ffffff;stroke:#cbd5e1;stroke-width:1}
.foreign .box{stroke-dasharray:4 3}
.card{fill:#eef2f7;stroke:#cbd5e1}
.title{font-size:13px;font-weight:600;fill:#0f172a}
.drift .box{stroke:#d97706;stroke-width:1.5}
.drift .warning{fill:#b45309;font-weight:600}
.bar{fill:#16a34a}.up .glyph{fill:#15803d}
.no-carrier .bar{fill:#d97706}.no-carrier .glyph,.no-carrier .state{fill:#b45309}
.down .bar{fill:#94a3b8}.down .glyph,.down .state{fill:#64748b}
.missing .bar{fill:#dc2626}.missing .glyph,.missing .state{fill:#b91c1c}.missing .box{stroke:#dc2626}
.link{fill:none;stroke:#94a3b8;stroke-width:1.5}
.link.broken{stroke:#d97706;stroke-dasharray:5 4}
.link.peer{stroke-dasharray:2 3}
.tag{font-size:10px;font-weight:600;fill:#475569;text-anchor:end}
.edge:hover .link{stroke:#2563eb;stroke-width:2.5}
.node:hover .box{stroke:#2563eb}
@media (prefers-color-scheme:dark){
text{fill:#a9b6c8}.sheet{fill:#0f172a}.heading{fill:#8393a8}.box{fill:#1e293b;stroke:#3d4d63}.card{fill:#172033;stroke:#3d4d63}
.title{fill:#f1f5f9}.drift .box{stroke:#f59e0b}.drift .warning{fill:#fbbf24}.up .glyph{fill:#4ade80}.bar{fill:#22c55e}
.no-carrier .glyph,.no-carrier .state{fill:#fbbf24}.down .glyph,.down .state{fill:#94a3b8}.missing .glyph,.missing .state{fill:#f87171}
.missing .box{stroke:#f87171}.link{stroke:#64748b}.link.broken{stroke:#f59e0b}.tag{fill:#a9b6c8}}
@media print{.sheet{fill:#ffffff}}
)";

std::string_view glyph_of(NodeState state) {
    switch (state) {
        case NodeState::up: return "●";
        case NodeState::no_carrier: return "◐";
        case NodeState::down: return "○";
        case NodeState::missing: return "✕";
    }
    return {};
}

std::string fitting(const std::string& text, double pixels, Font font) {
    return xml_escaped(cut_to_pixels(text, pixels, font));
}

// Everything that is known, line by line, for who rests the pointer on the box.
std::vector<std::string> told(const Node& node) {
    std::vector<std::string> lines = {fmt::format("{} {}: {}", name_of(node.kind()), node.title(), text_of(node.state))};
    if (node.title() != node.id.name) lines.push_back("name: " + node.id.name);
    for (const auto& [name, value] : node.attributes) lines.push_back(fmt::format("{}: {}", name, value));
    lines.push_back("owner: " + (node.owner.is_ours() ? node.owner.alias() : "foreign"));
    if (node.counters)
        lines.push_back(fmt::format("received {} bytes, sent {} bytes", node.counters->rx_bytes, node.counters->tx_bytes));
    if (node.problem) lines.push_back("DRIFT: " + *node.problem);
    return lines;
}

// Each line is escaped by itself, so that a name with a line feed can't pretend to be two.
std::string xml_title(const std::vector<std::string>& lines) {
    std::string text;
    for (const auto& line : lines) text += (text.empty() ? "" : "\n") + xml_escaped(line);
    return "<title>" + text + "</title>";
}

// A NIC and a guest are always somebody else's, so it goes without saying.
bool is_foreign(const Node& node) {
    return !node.owner.is_ours() && node.kind() != NodeKind::nic && node.kind() < NodeKind::guest;
}

class Drawing {
public:
    explicit Drawing(const Picture& picture) : picture_(picture) {}

    std::string svg() {
        const auto width = std::max(picture_.width, 560.0);
        add("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
            "role=\"img\">\n",
            width, picture_.height);
        add("<title>Networks of this host</title>\n<style>{}</style>\n", style);
        add("<rect class=\"sheet\" width=\"100%\" height=\"100%\"/>\n");
        for (const auto& column : picture_.columns) heading(column);
        for (const Link& link : picture_.links) line(link);
        for (const Cell& cell : picture_.cells) {
            if (!cell.is_waypoint()) box(cell);
        }
        legend();
        add("</svg>\n");
        return std::move(out_);
    }

private:
    template <class... Values>
    void add(fmt::format_string<Values...> format, Values&&... values) {
        fmt::format_to(std::back_inserter(out_), format, std::forward<Values>(values)...);
    }

    void heading(const PictureColumn& column) {
        const auto count = std::count_if(column.cells.begin(), column.cells.end(),
                                         [&](auto i) { return !picture_.cells[i].is_waypoint(); });
        add("<text class=\"heading\" x=\"{:.1f}\" y=\"36\">{} · {}</text>\n", column.x + 2, column.heading, count);
    }

    void box(const Cell& cell) {
        const Node& node = *cell.node;
        const auto x = picture_.columns[cell.column].x, y = cell.y - cell.height / 2;
        const auto warning = warning_of(cell);
        add("<g class=\"node {} {}{}{}\" data-node=\"{}\">", name_of(node.kind()), name_of(node.state),
            warning.empty() ? "" : " drift", is_foreign(node) ? " foreign" : "", xml_escaped(node.id.text()));
        auto known = told(node);
        if (cell.maker) std::ranges::copy(told(*cell.maker), std::back_inserter(known));
        add("{}", xml_title(known));
        if (!node.attribute(attribute::folded).empty())
            add("<rect class=\"card\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"8\"/>", x + 4, y + 4,
                cell.width, cell.height);
        add("<rect class=\"box\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"8\"/>", x, y, cell.width,
            cell.height);
        add("<rect class=\"bar\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"3\" height=\"{:.1f}\" rx=\"1.5\"/>", x + 5, y + 8,
            cell.height - 16);
        words(cell, x + 15, y);
        add("</g>\n");
    }

    void words(const Cell& cell, double x, double y) {
        constexpr double glyph = 14;
        const auto caption = caption_of(*cell.node);
        const auto room = cell.width - 21;
        const auto dot = fmt::format("<tspan class=\"glyph\">{}</tspan> ", glyph_of(cell.node->state));
        auto baseline = y + 18;
        if (picture_.is_dense) {
            const auto left = room - 2 * glyph - pixels_of(caption, Font::title);
            add("<text x=\"{:.1f}\" y=\"{:.1f}\">{}<tspan class=\"title\">{}</tspan> {}</text>", x, baseline, dot,
                fitting(caption, room - glyph, Font::title), left > 2 * glyph ? subtitle(cell, left) : "");
        } else {
            add("<text class=\"title\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>", x, baseline,
                fitting(caption, room, Font::title));
            baseline += 16;
            add("<text x=\"{:.1f}\" y=\"{:.1f}\">{}{}</text>", x, baseline, dot, subtitle(cell, room - glyph));
        }
        const auto warning = warning_of(cell);
        if (!warning.empty())
            add("<text class=\"warning\" x=\"{:.1f}\" y=\"{:.1f}\">▲ {}</text>", x, baseline + 17,
                fitting(warning, room - glyph, Font::bold));
    }

    // The state in its colour, then the rest in none.
    std::string subtitle(const Cell& cell, double room) const {
        const auto text = cut_to_pixels(subtitle_of(picture_, cell), room, Font::small);
        const auto state = state_of(*cell.node);
        if (!text.starts_with(state)) return xml_escaped(text);
        return fmt::format("<tspan class=\"state\">{}</tspan>{}", state, xml_escaped(text.substr(state.size())));
    }

    void line(const Link& link) {
        const Edge& edge = *link.edge;
        add("<g class=\"edge\" data-from=\"{}\" data-to=\"{}\">", xml_escaped(edge.from.text()),
            xml_escaped(edge.to.text()));
        add("{}", xml_title({fmt::format("{} → {}: {}{}", edge.from.text(), edge.to.text(), name_of(edge.kind),
                                         edge.label.empty() ? "" : ", VLAN " + edge.label)}));
        add("<path class=\"link{}{}\" d=\"{}\"/>", is_broken(link) ? " broken" : "",
            edge.kind == EdgeKind::peer ? " peer" : "", path(link.points));
        const auto end = link.points.back();
        if (!edge.label.empty())
            add("<text class=\"tag\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>", end.x - 4, end.y - 4,
                fitting(edge.label, 52, Font::small));
        add("</g>\n");
    }

    // A line to what does not work is drawn as one that does not, so that the eye finds the way of the fault.
    bool is_broken(const Link& link) const {
        const auto is_dead = [&](std::size_t i) {
            const auto state = picture_.cells[i].node->state;
            return state == NodeState::no_carrier || state == NodeState::missing;
        };
        return is_dead(link.cells.front()) || is_dead(link.cells.back());
    }

    // Straight pieces with round corners.
    static std::string path(const std::vector<Point>& points) {
        auto text = fmt::format("M{:.1f} {:.1f}", points[0].x, points[0].y);
        for (std::size_t i = 1; i + 1 < points.size(); ++i) {
            const Point &before = points[i - 1], &corner = points[i], &after = points[i + 1];
            const auto in = std::hypot(corner.x - before.x, corner.y - before.y),
                       out = std::hypot(after.x - corner.x, after.y - corner.y);
            const auto radius = std::min({8.0, in / 2, out / 2});
            if (radius < 0.5) continue;
            const auto toward = [&](const Point& to, double length) {
                return Point{corner.x + (to.x - corner.x) * radius / length, corner.y + (to.y - corner.y) * radius / length};
            };
            const auto enter = toward(before, in), leave = toward(after, out);
            text += fmt::format("L{:.1f} {:.1f}Q{:.1f} {:.1f} {:.1f} {:.1f}", enter.x, enter.y, corner.x, corner.y, leave.x,
                                leave.y);
        }
        return text + fmt::format("L{:.1f} {:.1f}", points.back().x, points.back().y);
    }

    void legend() {
        constexpr std::array states = {NodeState::up, NodeState::no_carrier, NodeState::down, NodeState::missing};
        double x = 26;
        const auto y = picture_.height - 20;
        for (const auto state : states) {
            add("<g class=\"{}\"><text x=\"{:.1f}\" y=\"{:.1f}\"><tspan class=\"glyph\">{}</tspan> {}</text></g>\n",
                name_of(state), x, y, glyph_of(state), text_of(state));
            x += 36 + 5.6 * static_cast<double>(text_of(state).size());
        }
        add("<g class=\"drift\"><text x=\"{:.1f}\" y=\"{:.1f}\"><tspan class=\"warning\">▲</tspan> not as "
            "defined</text></g>\n",
            x, y);
        add("<text x=\"{:.1f}\" y=\"{:.1f}\">┄ dashed box: not made by netd</text>\n", x + 116, y);
    }

    const Picture& picture_;
    std::string out_;
};

}  // namespace

std::string to_svg(const Graph& graph) {
    auto picture = arrange(graph);
    place(picture);
    if (picture.columns.empty()) picture.height = 96, picture.columns.push_back({.heading = "Nothing to show", .x = 24});
    return Drawing(picture).svg();
}

}  // namespace topology
