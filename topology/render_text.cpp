// The graph for programs that draw it themselves: graphviz, and whatever renders Mermaid in an issue or a wiki.
#include "topology/captions.hpp"
#include "topology/escape.hpp"
#include "topology/render.hpp"

#include <fmt/format.h>

#include <iterator>
#include <map>
#include <string>

namespace topology {
namespace {

// Green, orange, grey, red as plotnetcfg's users know them; the label says it in words too.
std::string_view color_of(const Node& node) {
    if (node.state == NodeState::missing) return "#dc2626";
    if (!problem_of(node).empty() || node.state == NodeState::no_carrier) return "#d97706";
    return node.state == NodeState::down ? "#94a3b8" : "#16a34a";
}

std::string_view shape_of(NodeKind kind) {
    switch (kind) {
        case NodeKind::nic: return "box3d";
        case NodeKind::network: return "ellipse";
        case NodeKind::guest:
        case NodeKind::namespace_: return "component";
        case NodeKind::bond:
        case NodeKind::vlan:
        case NodeKind::bridge:
        case NodeKind::ovs_bridge:
        case NodeKind::port: return "box";
    }
    return "box";
}

void append_part(std::string& label, const std::string& part, std::string_view line_end) {
    if (!part.empty()) label += std::string(line_end) + part;
}

}  // namespace

std::string to_dot(const Graph& graph) {
    std::string out =
        "digraph host {\n  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"sans-serif\", fontsize=10];\n  edge "
        "[arrowhead=none, fontsize=9];\n";
    for (const Node& node : graph.nodes) {
        std::string label = dot_escaped(caption_of(node));
        append_part(label, dot_escaped(state_of(node)), "\\n");
        append_part(label, dot_escaped(details_of(node)), "\\n");
        append_part(label, dot_escaped(problem_of(node)), "\\n");
        fmt::format_to(std::back_inserter(out), "  \"{}\" [label=\"{}\", shape={}, color=\"{}\"];\n",
                       dot_escaped(node.id.text()), label, shape_of(node.kind()), color_of(node));
    }
    for (const Edge& edge : graph.edges) {
        // Graphviz would make a node of its own for an end that is not there.
        if (!graph.nodes.contains(edge.from) || !graph.nodes.contains(edge.to)) continue;
        const auto label = edge.label.empty() ? "" : fmt::format(", label=\"{}\"", dot_escaped(edge.label));
        fmt::format_to(std::back_inserter(out), "  \"{}\" -> \"{}\" [tooltip=\"{}\"{}{}];\n", dot_escaped(edge.from.text()),
                       dot_escaped(edge.to.text()), name_of(edge.kind), edge.kind == EdgeKind::peer ? ", style=dotted" : "",
                       label);
    }
    return out + "}\n";
}

std::string to_mermaid(const Graph& graph) {
    std::string out = "flowchart LR\n";
    std::map<NodeId, std::string> names;  // Mermaid's own ids take no punctuation
    for (const Node& node : graph.nodes) {
        const auto& name = names[node.id] = fmt::format("n{}", names.size());
        std::string label = mermaid_escaped(caption_of(node));
        append_part(label, mermaid_escaped(state_of(node)), "<br/>");
        append_part(label, mermaid_escaped(details_of(node)), "<br/>");
        append_part(label, mermaid_escaped(problem_of(node)), "<br/>");
        fmt::format_to(std::back_inserter(out), "  {}[\"{}\"]\n", name, label);
    }
    for (const Edge& edge : graph.edges) {
        if (!names.contains(edge.from) || !names.contains(edge.to)) continue;
        const auto label = edge.label.empty() ? "" : fmt::format("|\"{}\"|", mermaid_escaped(edge.label));
        fmt::format_to(std::back_inserter(out), "  {} {}{} {}\n", names[edge.from],
                       edge.kind == EdgeKind::peer ? "-.-" : "---", label, names[edge.to]);
    }
    return out;
}

}  // namespace topology
