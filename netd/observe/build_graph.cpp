// First what is there, then what definitions say of it, then the wires, which lead to what a thing is by then.
#include "netd/observe/build_graph.hpp"

#include "netd/lower/leases.hpp"
#include "netd/lower/naming.hpp"
#include "netd/lower/vm_id.hpp"
#include "netd/observe/bond_health.hpp"
#include "netd/observe/drawing.hpp"

#include <algorithm>

namespace observe {

using topology::Edge;
using topology::EdgeKind;
using topology::Graph;
using topology::Node;

void Drawing::connect(EdgeKind kind, const NodeId& from, const NodeId& to, std::string label) {
    Edge edge{kind, from, to, std::move(label)};
    edges.insert_or_assign(edge.key(), std::move(edge));
}

NodeId Drawing::want(const IfName& name, NodeKind kind, const std::string& role) {
    const NodeId id = devices.node_of(name).value_or(NodeId{kind, name.text()});
    const auto [place, is_new] = nodes.try_emplace(id, Node{.id = id});
    if (!is_new) return id;
    place->second.state = NodeState::missing;
    if (kind != NodeKind::nic) place->second.owner = topology::Owner::ours(role);
    return id;
}

void Drawing::connect_missing(EdgeKind kind, const NodeId& from, const NodeId& to, std::string label) {
    const auto is_missing = [&](const NodeId& id) { return nodes.at(id).state == NodeState::missing; };
    if (is_missing(from) || is_missing(to)) connect(kind, from, to, std::move(label));
}

Graph Drawing::finished() && {
    Graph graph;
    for (auto& [id, node] : nodes) graph.nodes.put(std::move(node));
    for (auto& [key, edge] : edges) graph.edges.put(std::move(edge));
    return graph;
}

namespace {

// The first few of many; a base's are told of each network on it, and here once.
std::string joined(std::vector<std::string> words) {
    constexpr std::size_t most = 3;
    std::vector<std::string> different;
    for (std::string& one : words)
        if (std::find(different.begin(), different.end(), one) == different.end()) different.push_back(std::move(one));
    std::string text;
    for (std::size_t i = 0; i < different.size() && i < most; ++i) text += (i == 0 ? "" : "; ") + different[i];
    if (different.size() > most) text += "; and " + std::to_string(different.size() - most) + " more";
    return text;
}

std::string device_of(const Node& network) {
    const std::string device = network.attribute(topology::attribute::device);
    return device.empty() ? network.id.name : device;
}

using Words = std::map<std::string, std::vector<std::string>>;

// A NIC that its domain has otherwise than it shall is no device of the host's, but its port is.
void tell_of_ports(Words& by_device, const Snapshot& snapshot) {
    if (by_device.empty()) return;
    for (const intent::GuestNic& nic : snapshot.running.nics()) {
        const auto found = by_device.find(guests::describe({lower::domain_name(nic.vm, snapshot.observed.guests), nic.mac}));
        if (found == by_device.end()) continue;
        auto& words = by_device[lower::port_of(nic).text()];
        for (const std::string& one : found->second) words.push_back("the guest's NIC: " + one);
    }
}

Words words_by_device(const Drift& drift, const Snapshot& snapshot) {
    Words by_device;
    for (const auto* group : {&drift.networks, &drift.bonds, &drift.guests})
        for (const auto& [name, deviations] : *group)
            for (const Deviation& deviation : deviations) {
                auto& words = by_device[deviation.subject];
                if (words.size() < 32) words.push_back(words_of(deviation));
            }
    tell_of_ports(by_device, snapshot);
    return by_device;
}

}  // namespace

void draw_problems(Drawing& drawing, const Drift& drift) {
    Words by_device = words_by_device(drift, drawing.snapshot);
    for (auto& [id, node] : drawing.nodes) {
        if (id.kind == NodeKind::network) {
            const auto found = drift.networks.find(id.name);
            if (found == drift.networks.end()) continue;
            std::vector<std::string> words;
            for (const Deviation& deviation : found->second)
                words.push_back((deviation.subject == device_of(node) ? "" : deviation.subject + ": ") + words_of(deviation));
            node.problem = joined(std::move(words));
        } else if (const auto found = by_device.find(id.name); found != by_device.end() && id.kind <= NodeKind::port) {
            node.problem = joined(found->second);
        }
    }
    for (const auto& [bond, verdict] : bond_verdicts(drawing.snapshot)) {
        const auto found = drawing.nodes.find({NodeKind::bond, bond});
        if (found != drawing.nodes.end()) found->second.attributes[topology::attribute::verdict] = verdict;
    }
    for (const auto& network : lower::without_lease(drawing.snapshot.running, drawing.snapshot.leases.get())) {
        const auto found = drawing.nodes.find({NodeKind::network, network.text()});
        if (found != drawing.nodes.end()) found->second.attributes[topology::attribute::verdict] = "no lease";
    }
}

Graph build_graph(const Snapshot& snapshot, const Drift& drift) {
    Drawing drawing{snapshot};
    draw_devices(drawing);
    draw_definitions(drawing);
    draw_wires(drawing);
    draw_problems(drawing, drift);
    return std::move(drawing).finished();
}

}  // namespace observe
