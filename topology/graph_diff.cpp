// Changes and their words.
#include "topology/graph_diff.hpp"

#include "topology/names.hpp"

#include <fmt/format.h>

#include <utility>

namespace topology {
namespace {

bool differs_in_counters_only(const Node& was, Node now) {
    now.counters = was.counters;
    return was == now;
}

std::string called(const Node& node) {
    return escaped(fmt::format("{} {}", name_of(node.kind()), node.title()));
}

std::string called(const Edge& edge) {
    const auto tag = edge.label.empty() ? "" : fmt::format(" with VLAN {}", edge.label);
    return escaped(fmt::format("{} → {} {}{}", edge.from.text(), edge.to.text(), name_of(edge.kind), tag));
}

void tell(std::string& into, std::string_view what, const std::string& was, const std::string& now) {
    if (was == now) return;
    into +=
        fmt::format("{} {} {} → {}", into.empty() ? "" : ",", what, was.empty() ? "none" : was, now.empty() ? "none" : now);
}

std::string told_by_attribute(const Node& was, const Node& now) {
    std::string text;
    tell(text, "label", was.title(), now.title());
    tell(text, "state", text_of(was.state), text_of(now.state));
    tell(text, "owner", was.owner.alias(), now.owner.alias());
    tell(text, "inside", was.parent ? was.parent->text() : "", now.parent ? now.parent->text() : "");
    std::set<std::string> names;
    for (const auto& [name, value] : was.attributes) names.insert(name);
    for (const auto& [name, value] : now.attributes) names.insert(name);
    for (const auto& name : names) tell(text, name, was.attribute(name), now.attribute(name));
    tell(text, "problem", was.problem.value_or(""), now.problem.value_or(""));
    return escaped(text);
}

std::string line_of(const Create<Node>& change) { return "+ " + called(change.now); }
std::string line_of(const Remove<Node>& change) { return "- " + called(change.was); }
std::string line_of(const Update<Node>& change) {
    return fmt::format("~ {}:{}", called(change.was), told_by_attribute(change.was, change.now));
}
std::string line_of(const Create<Edge>& change) { return "+ " + called(change.now); }
std::string line_of(const Remove<Edge>& change) { return "- " + called(change.was); }
std::string line_of(const Update<Edge>& change) { return "~ " + called(change.now); }

}  // namespace

GraphDiff diff(const Graph& was, const Graph& now) {
    GraphDiff changes;
    Keyed<Node>::each_difference(was.nodes, now.nodes, [&](const Node* before, const Node* after) {
        if (!before) changes.nodes.push_back(Create<Node>{*after});
        else if (!after) changes.nodes.push_back(Remove<Node>{*before});
        else if (!differs_in_counters_only(*before, *after)) changes.nodes.push_back(Update<Node>{*before, *after});
    });
    changes.edges = diff(was.edges, now.edges);
    return changes;
}

std::vector<std::string> explain(const GraphDiff& changes) {
    std::vector<std::string> lines;
    const auto add = [&](const auto& change) { lines.push_back(line_of(change)); };
    for (const auto& change : changes.nodes) std::visit(add, change);
    for (const auto& change : changes.edges) std::visit(add, change);
    return lines;
}

}  // namespace topology
