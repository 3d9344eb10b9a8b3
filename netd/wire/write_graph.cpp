// Nothing is decided here but names.
#include "netd/wire/write_graph.hpp"

#include "topology/compare.hpp"
#include "topology/view.hpp"

#include <fmt/format.h>

namespace wire {

using nlohmann::json;

namespace {

json write_counters(const std::optional<topology::Counters>& counters) {
    if (!counters) return nullptr;
    json object = json::object();
    topology::for_each_field<topology::Counters>([&](const auto& field) { object[field.name] = (*counters).*field.member; });
    return object;
}

json write_node(const topology::Node& node) {
    return {{"id", node.id.text()},
            {"kind", topology::name_of(node.kind())},
            {"label", node.title()},
            {"state", topology::name_of(node.state)},
            {"owner", topology::text_of(node.owner)},
            {"attributes", node.attributes.empty() ? json::object() : json(node.attributes)},
            {"counters", write_counters(node.counters)},
            {"problem", node.problem ? json(*node.problem) : json()},
            {"parent", node.parent ? json(node.parent->text()) : json()}};
}

json write_edge(const topology::Edge& edge) {
    return {{"kind", topology::name_of(edge.kind)}, {"from", edge.from.text()}, {"to", edge.to.text()}, {"label", edge.label}};
}

// "" where it is not given.
Result<std::string> text_at(const json& params, const char* name) {
    const auto found = params.find(name);
    if (found == params.end() || found->is_null()) return std::string();
    if (!found->is_string()) return Error{Fault::invalid, name, fmt::format("{} is a text", name)};
    return found->get<std::string>();
}

Result<std::string> known_view(const json& params) {
    auto view = text_at(params, "view");
    if (!view || view->empty() || *view == "whole" || *view == "folded" || *view == "problems") return view;
    return Error{Fault::invalid, "view", R"(view is "whole", "folded" or "problems")"};
}

json write_deviations(const observe::Drift::Deviations& of) {
    json object = json::object();
    for (const auto& [name, deviations] : of) {
        json& list = object[name] = json::array();
        for (const auto& one : deviations)
            list.push_back({{"subject", one.subject}, {"attribute", one.attribute}, {"wanted", one.wanted}, {"found", one.found}});
    }
    return object;
}

}  // namespace

json write_graph(const topology::Graph& graph, std::uint64_t revision) {
    json nodes = json::array(), edges = json::array();
    for (const topology::Node& node : graph.nodes) nodes.push_back(write_node(node));
    for (const topology::Edge& edge : graph.edges) edges.push_back(write_edge(edge));
    return {{"revision", revision}, {"nodes", std::move(nodes)}, {"edges", std::move(edges)}};
}

Result<topology::Graph> view_of(topology::Graph graph, const json& params) {
    const auto view = known_view(params), network = text_at(params, "network"), guest = text_at(params, "guest");
    for (const auto* given : {&view, &network, &guest})
        if (!*given) return given->error();
    using Choose = Result<topology::Graph> (*)(const topology::Graph&, std::string_view);
    const std::tuple<const char*, const std::string&, Choose> parts[] = {{"network", *network, topology::of_network}, {"guest", *guest, topology::of_guest}};
    for (const auto& [parameter, name, choose] : parts) {
        if (name.empty()) continue;
        auto part = choose(graph, name);
        if (!part) return Error{part.error().fault, parameter, part.error().what};
        graph = std::move(*part);
    }
    if (*view == "folded") return topology::folded(graph);
    if (*view == "problems") return topology::problems_only(graph);
    return graph;
}

Result<json> write_topology(const observe::Snapshot& snapshot, const json& params, const observe::Statistics& statistics) {
    auto graph = observe::build_graph(snapshot, observe::find_drift(snapshot));
    auto view = view_of(statistics.empty() ? std::move(graph) : observe::with_counters(std::move(graph), statistics), params);
    if (!view) return view.error();
    return write_graph(*view, snapshot.revision);
}

json write_drift(const observe::Drift& drift) {
    return {{"networks", write_deviations(drift.networks)}, {"bondings", write_deviations(drift.bonds)}, {"guests", write_deviations(drift.guests)}};
}

}  // namespace wire
