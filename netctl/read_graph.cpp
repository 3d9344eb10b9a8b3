// JSON becomes nodes and edges; nothing is checked but what a picture would stumble over.
#include "netctl/read_graph.hpp"

#include "netctl/answer.hpp"

namespace netctl {

namespace {

using namespace topology;
using nlohmann::json;

template <class Enum, std::size_t count>
std::optional<Enum> find_named(const Enum (&all)[count], std::string_view name) {
    for (const auto one : all)
        if (name_of(one) == name) return one;
    return std::nullopt;
}

NodeState read_state(const json& node) {
    constexpr NodeState all[] = {NodeState::up, NodeState::no_carrier, NodeState::down, NodeState::missing};
    return find_named(all, text_at(node, "state")).value_or(NodeState::up);
}

Owner read_owner(const json& node) {
    const auto text = text_at(node, "owner");
    if (text.empty() || text == "foreign") return Owner::foreign();
    const auto owner = Owner::from_alias(text);
    return owner.is_ours() ? owner : Owner::ours(text);
}

std::optional<Counters> read_counters(const json& node) {
    const auto& numbers = object_at(node, "counters");
    if (numbers.empty()) return std::nullopt;
    Counters counters;
    for_each_field<Counters>([&](const auto& field) { counters.*field.member = number_at(numbers, field.name).value_or(0); });
    return counters;
}

std::optional<Node> read_node(const json& from) {
    const auto id = NodeId::parse(text_at(from, "id"));
    if (!id) return std::nullopt;
    Node node{*id};
    if (const auto label = text_at(from, "label"); label != node.id.name) node.label = label;
    if (const auto parent = NodeId::parse(text_at(from, "parent"))) node.parent = *parent;
    node.state = read_state(from);
    node.owner = read_owner(from);
    for (const auto& [name, value] : object_at(from, "attributes").items()) node.attributes[name] = shown(value);
    node.counters = read_counters(from);
    if (auto problem = text_at(from, "problem"); !problem.empty()) node.problem = std::move(problem);
    return node;
}

std::optional<Edge> read_edge(const json& from) {
    const auto kind = find_named(every_edge_kind, text_at(from, "kind"));
    const auto one = NodeId::parse(text_at(from, "from"));
    const auto other = NodeId::parse(text_at(from, "to"));
    if (!kind || !one || !other) return std::nullopt;
    return Edge{*kind, *one, *other, text_at(from, "label")};
}

template <class R>
void put(Keyed<R>& into, std::optional<R> read, std::size_t& left_out) {
    if (!read) ++left_out;
    else into.put(std::move(*read));
}

}  // namespace

ReadGraph read_graph(const json& answer) {
    ReadGraph read;
    for (const auto& node : array_at(answer, "nodes")) put(read.graph.nodes, read_node(node), read.left_out);
    for (const auto& edge : array_at(answer, "edges")) put(read.graph.edges, read_edge(edge), read.left_out);
    return read;
}

}  // namespace netctl
