// First what is there, then what definitions say of it, then what is wrong with it.
#include "netd/observe/build_graph.hpp"

#include "netd/lower/naming.hpp"
#include "netd/observe/devices.hpp"
#include "topology/compare.hpp"

#include <algorithm>
#include <unordered_map>

namespace observe {
namespace {

namespace attribute = topology::attribute;
using topology::Edge;
using topology::EdgeKind;
using topology::Graph;
using topology::Node;
using topology::Owner;

Owner owner_of(const std::optional<Owner>& owner) { return owner.value_or(Owner()); }

// A host's graph is drawn up in ordinary maps, where a node may still change, and put together at the end.
class Drawing {
public:
    Drawing(const Snapshot& snapshot, const Drift& drift) : snapshot_(snapshot), devices_(snapshot), drift_(drift) {}

    Graph draw() {
        for (const ovs::Bridge& bridge : snapshot_.observed.ovs.bridges) put(bridge);
        for (const Link& link : snapshot_.observed.kernel.links) put(link);
        for (const ovs::Port& port : snapshot_.observed.ovs.ports) put(port);
        for (const intent::Network& network : snapshot_.running.networks()) put(network);
        for (const intent::Bond& bond : snapshot_.running.bonds()) put_missing_of(bond);
        for (const intent::GuestNic& nic : snapshot_.running.nics()) put(nic);
        // Wires come last, since an edge leads to what a thing is by then.
        for (const Link& link : snapshot_.observed.kernel.links) wire(link);
        for (const ovs::Port& port : snapshot_.observed.ovs.ports) wire(port);
        tell_problems();
        Graph graph;
        for (auto& [id, node] : nodes_) graph.nodes.put(std::move(node));
        for (auto& [key, edge] : edges_) graph.edges.put(std::move(edge));
        return graph;
    }

private:
    Node& put(const NodeId& id) { return nodes_.try_emplace(id, Node{.id = id}).first->second; }

    void connect(EdgeKind kind, const NodeId& from, const NodeId& to, std::string label = {}) {
        Edge edge{kind, from, to, std::move(label)};
        edges_.insert_or_assign(edge.key(), std::move(edge));
    }

    void put(const ovs::Bridge& bridge) {
        Node& node = put({NodeKind::ovs_bridge, bridge.name.text()});
        node.owner = owner_of(bridge.owner);
        if (bridge.mac) node.attributes[attribute::mac] = bridge.mac->text();
        if (bridge.datapath) node.attributes["datapath"] = *bridge.datapath;
        const Link* face = devices_.link(bridge.name);
        // Nobody needs the bridge's own device to be up: the bridge forwards all the same.
        if (face && face->mac) node.attributes[attribute::mac] = face->mac->text();
        if (face && face->addresses && !face->addresses->empty()) node.attributes[attribute::addresses] = text_of_addresses(*face);
    }

    void describe(const Link& link, Node& node) const {
        node.state = state_of(link);
        if (link.mtu) node.attributes[attribute::mtu] = std::to_string(link.mtu->number());
        if (link.mac) node.attributes[attribute::mac] = link.mac->text();
        if (link.addresses && !link.addresses->empty()) node.attributes[attribute::addresses] = text_of_addresses(link);
        if (!link.facts.alias.empty()) node.attributes["alias"] = link.facts.alias;
    }

    void put(const Link& link) {
        const auto id = devices_.node_of(link.name);
        if (!id || id->kind == NodeKind::ovs_bridge) return;
        Node& node = put(*id);
        node.owner = owner_of(link.owner);
        describe(link, node);
        if (id->kind == NodeKind::nic && !link.facts.kind.empty()) node.attributes["kind"] = link.facts.kind;
        if (!link.kind) return;
        if (const auto* vlan = std::get_if<bridges::Vlan>(&*link.kind)) node.attributes[attribute::vlan] = std::to_string(vlan->id.number());
        if (const auto* bond = std::get_if<bridges::Bond>(&*link.kind)) {
            const auto mode = bond->options.find("mode");
            if (mode != bond->options.end()) node.attributes[attribute::mode] = mode->second;
            if (link.facts.active_port) node.attributes[attribute::active] = link.facts.active_port->text();
        }
        if (id->kind == NodeKind::port && link.vlans && link.vlans->untagged)
            node.attributes[attribute::vlan] = std::to_string(link.vlans->untagged->number());
    }

    void put(const ovs::Port& port) {
        const auto id = devices_.node_of(port.name);
        if (!id || id->kind != NodeKind::port) return;
        Node& node = put(*id);
        if (owner_of(port.owner).is_ours() || !node.owner.is_ours()) node.owner = owner_of(port.owner);
        if (!devices_.link(port.name)) node.state = port.facts.ofport > 0 ? NodeState::up : NodeState::down;
        if (!port.facts.error.empty()) node.problem = port.facts.error;
        if (port.attached_mac) node.attributes[attribute::mac] = *port.attached_mac;
        if (!port.tagging) return;
        if (const auto* access = std::get_if<ovs::Access>(&*port.tagging); access && access->tag.number() != 0)
            node.attributes[attribute::vlan] = std::to_string(access->tag.number());
    }

    // A thing that is wanted: as it is there, or as missing.
    NodeId wanted(const IfName& name, NodeKind kind, const std::string& role) {
        if (const auto there = devices_.node_of(name)) return *there;
        const NodeId id{kind, name.text()};
        const auto [place, is_new] = nodes_.try_emplace(id, Node{.id = id});
        if (is_new) {
            place->second.state = NodeState::missing;
            if (kind != NodeKind::nic) place->second.owner = Owner::ours(role);
        }
        return id;
    }

    // An edge that is not there because one of its ends is not.
    void connect_missing(EdgeKind kind, const NodeId& from, const NodeId& to, std::string label = {}) {
        const auto is_missing = [&](const NodeId& id) { return nodes_.at(id).state == NodeState::missing; };
        if (is_missing(from) || is_missing(to)) connect(kind, from, to, std::move(label));
    }

    NodeId base_of(const intent::Network& network) {
        const IfName name = *network.base();
        return wanted(name, network.bonding ? NodeKind::bond : NodeKind::nic, "bond " + name.text());
    }

    // What the network is made of, from the wire up, and what of that it is realised by.
    void put_way_of(const intent::Network& network, const NodeId& id) {
        const std::string role = "network " + network.name.text();
        const std::string tag = network.vlan ? std::to_string(network.vlan->number()) : "";
        const Realisation& how = devices_.realisation(network);
        std::optional<NodeId> below;
        if (network.base()) below = base_of(network);
        if (network.switch_kind == intent::SwitchKind::legacy || !network.base()) {
            if (below && network.vlan) {
                const NodeId vlan = wanted(lower::vlan_device(*network.base(), *network.vlan), NodeKind::vlan, role);
                connect_missing(EdgeKind::stacked, *below, vlan, tag);
                below = vlan;
            }
            if (network.switch_kind != intent::SwitchKind::ovs) {
                if (network.bridged) below = put_bridge(NodeKind::bridge, how.bridge, role, below);
                return connect(EdgeKind::realises, *below, id);
            }
        }
        const bool is_ovs = network.switch_kind == intent::SwitchKind::ovs;
        const std::string owner = network.base() ? "base " + network.base()->text() : role;
        const NodeId bridge = put_bridge(is_ovs ? NodeKind::ovs_bridge : NodeKind::bridge, how.bridge, owner, below);
        connect(EdgeKind::realises, bridge, id, tag);
        if (is_ovs || !how.has_device) return;
        const NodeId foot = wanted(how.device, NodeKind::vlan, role);
        connect_missing(EdgeKind::stacked, bridge, foot, tag);
        connect(EdgeKind::realises, foot, id);
    }

    NodeId put_bridge(NodeKind kind, const IfName& name, const std::string& role, const std::optional<NodeId>& below) {
        const NodeId bridge = wanted(name, kind, role);
        if (below) connect_missing(EdgeKind::enslaved, *below, bridge);
        return bridge;
    }

    void put(const intent::Network& network) {
        const NodeId id{NodeKind::network, network.name.text()};
        Node& node = put(id);
        node.owner = Owner::ours("network " + network.name.text());
        put_way_of(network, id);
        const Realisation& how = devices_.realisation(network);
        const Link* device = devices_.link(how.device);
        const Link* bridge = devices_.link(how.bridge);
        const bool has_bridge = bridge || snapshot_.observed.ovs.bridges.contains(how.bridge);
        if (how.has_device && device) describe(*device, node);
        else if (!how.has_device && has_bridge) node.state = bridge ? state_of(*bridge) : NodeState::up;
        else node.state = NodeState::missing;
        node.attributes.erase("alias");
        if (network.vlan) node.attributes[attribute::vlan] = std::to_string(network.vlan->number());
        if (how.has_device && how.device.text() != network.name.text()) node.attributes[attribute::device] = how.device.text();
        std::string roles;
        for (const auto role : network.roles) roles += (roles.empty() ? "" : " ") + std::string(intent::name_of(role));
        if (!roles.empty()) node.attributes[attribute::roles] = roles;
        node.attributes["switch"] = intent::name_of(network.switch_kind);
    }

    void put_missing_of(const intent::Bond& bond) {
        const NodeId id = wanted(bond.name, NodeKind::bond, "bond " + bond.name.text());
        for (const IfName& nic : bond.nics) connect_missing(EdgeKind::enslaved, wanted(nic, NodeKind::nic, {}), id);
    }

    void put(const intent::GuestNic& nic) {
        const bool is_namespace = nic.kind == intent::GuestKind::netns;
        const NodeId guest{is_namespace ? NodeKind::namespace_ : NodeKind::guest, nic.vm};
        put(guest);
        const NodeId port = wanted(lower::port_of(nic.key()), NodeKind::port, "nic " + nic.mac.text() + " of " + nic.vm);
        Node& node = put(port);
        node.parent = guest;
        node.attributes[attribute::mac] = nic.mac.text();
        if (!nic.alias.empty()) node.attributes["alias"] = nic.alias;
        connect(EdgeKind::plugged, port, guest);
        if (node.state == NodeState::missing && snapshot_.running.network(nic.network))
            connect(EdgeKind::plugged, {NodeKind::network, nic.network}, port);
    }

    void wire(const Link& link) {
        const auto id = devices_.node_of(link.name);
        if (!id || id->kind == NodeKind::ovs_bridge) return;
        if (const auto* vlan = link.kind ? std::get_if<bridges::Vlan>(&*link.kind) : nullptr)
            if (const auto base = devices_.node_of(vlan->base)) connect(EdgeKind::stacked, *base, *id, std::to_string(vlan->id.number()));
        wire_pair(link, *id);
        if (!link.master || !link.master->of) return;
        const auto master = devices_.node_of(*link.master->of);
        if (!master) return;
        if (id->kind == NodeKind::port) plug(link.name, *id, *master, devices_.networks_of(link));
        else connect(EdgeKind::enslaved, *id, *master);
    }

    // Both ends of a pair tell of the other: the wire's is told once, from whichever comes first.
    void wire_pair(const Link& link, const NodeId& id) {
        if (!link.facts.peer_index || link.facts.peer_netnsid) return;
        const Link* peer = devices_.link_of_index(*link.facts.peer_index);
        const auto other = peer ? devices_.node_of(peer->name) : std::nullopt;
        if (other && id < *other && peer->facts.peer_index == link.facts.index) connect(EdgeKind::peer, id, *other);
    }

    void wire(const ovs::Port& port) {
        const auto id = devices_.node_of(port.name);
        if (!id || !port.bridge) return;
        const NodeId bridge{NodeKind::ovs_bridge, port.bridge->text()};
        if (id->kind == NodeKind::port) plug(port.name, *id, bridge, devices_.networks_of(port));
        else connect(EdgeKind::enslaved, *id, bridge);
    }

    // Into the networks that it is in; a NIC with a tag of its own is in its network all the same.
    void plug(const IfName& name, const NodeId& port, const NodeId& bridge, const std::vector<Membership>& memberships) {
        for (const Membership& one : memberships) connect(EdgeKind::plugged, {NodeKind::network, one.network->name.text()}, port, one.tag);
        const intent::GuestNic* nic = devices_.guest_nic_of(name);
        const intent::Network* network = nic ? snapshot_.running.network(nic->network) : nullptr;
        if (network && devices_.realisation(*network).bridge.text() == bridge.name) {
            const std::string own = nic->trunk ? nic->trunk->text() : nic->vlan ? std::to_string(nic->vlan->number()) : "";
            connect(EdgeKind::plugged, {NodeKind::network, nic->network}, port, own);
        } else if (memberships.empty()) {
            connect(EdgeKind::enslaved, bridge, port);
        }
    }

    using Problems = std::unordered_map<std::string, std::vector<const Deviation*>>;

    void tell_problems() {
        Problems by_device;
        for (const auto* group : {&drift_.networks, &drift_.bonds, &drift_.guests})
            for (const auto& [name, deviations] : *group)
                for (const Deviation& deviation : deviations) by_device[deviation.subject].push_back(&deviation);
        for (auto& [id, node] : nodes_) {
            if (id.kind == NodeKind::network) tell_problem_of_network(node);
            else if (id.kind <= NodeKind::port) tell_problem_of_device(node, by_device);
        }
    }

    void tell_problem_of_device(Node& node, const Problems& by_device) {
        const auto found = by_device.find(node.id.name);
        if (found == by_device.end()) return;
        // The deviations of a base are told of each network on it; here they are told once.
        std::vector<std::string> words;
        for (const Deviation* deviation : found->second) {
            if (words.size() > 20) break;
            std::string text = words_of(*deviation);
            if (std::find(words.begin(), words.end(), text) == words.end()) words.push_back(std::move(text));
        }
        node.problem = joined(words);
    }

    void tell_problem_of_network(Node& node) {
        const auto found = drift_.networks.find(node.id.name);
        if (found == drift_.networks.end()) return;
        const std::string device = node.attributes.contains(attribute::device) ? node.attributes[attribute::device] : node.id.name;
        std::vector<std::string> words;
        for (const Deviation& deviation : found->second)
            words.push_back((deviation.subject == device ? "" : deviation.subject + ": ") + words_of(deviation));
        node.problem = joined(words);
    }

    static std::string joined(const std::vector<std::string>& words) {
        constexpr std::size_t most = 3;
        std::string text;
        for (std::size_t i = 0; i < words.size() && i < most; ++i) text += (i == 0 ? "" : "; ") + words[i];
        if (words.size() > most) text += "; and " + std::to_string(words.size() - most) + " more";
        return text;
    }

    const Snapshot& snapshot_;
    Devices devices_;
    const Drift& drift_;
    std::map<NodeId, Node> nodes_;
    std::map<Edge::Key, Edge> edges_;
};

}  // namespace

Graph build_graph(const Snapshot& snapshot, const Drift& drift) { return Drawing(snapshot, drift).draw(); }

}  // namespace observe
