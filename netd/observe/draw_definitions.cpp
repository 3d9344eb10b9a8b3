// Networks and guests, which only definitions know of, and the place of what they want and is not there.
#include "netd/lower/attainable.hpp"
#include "netd/lower/naming.hpp"
#include "netd/lower/vm_id.hpp"
#include "netd/observe/drawing.hpp"

namespace observe {
namespace {

namespace attribute = topology::attribute;
using intent::SwitchKind;
using topology::EdgeKind;
using topology::Node;
using topology::Owner;

std::string role_of(const intent::Network& network) { return "network " + network.name.text(); }
std::string tag_of(const intent::Network& network) { return network.vlan ? std::to_string(network.vlan->number()) : ""; }

std::optional<NodeId> want_base(Drawing& drawing, const intent::Network& network) {
    if (!network.base()) return std::nullopt;
    const IfName name = *network.base();
    return drawing.want(name, network.bonding ? NodeKind::bond : NodeKind::nic, "bond " + name.text());
}

NodeId want_bridge(Drawing& drawing, NodeKind kind, const IfName& name, const std::string& role, const std::optional<NodeId>& below) {
    const NodeId bridge = drawing.want(name, kind, role);
    if (below) drawing.connect_missing(EdgeKind::enslaved, *below, bridge);
    return bridge;
}

// A way of its own: over its VLAN, if it has one, to its bridge, if it has one.
void draw_own_way(Drawing& drawing, const intent::Network& network, const NodeId& id) {
    auto below = want_base(drawing, network);
    if (below && network.vlan) {
        const NodeId vlan = drawing.want(lower::vlan_device(*network.base(), *network.vlan), NodeKind::vlan, role_of(network));
        drawing.connect_missing(EdgeKind::stacked, *below, vlan, tag_of(network));
        below = vlan;
    }
    if (network.bridged) below = want_bridge(drawing, NodeKind::bridge, drawing.devices.realisation(network).bridge, role_of(network), below);
    drawing.connect(EdgeKind::realises, *below, id);
}

// A bridge that it shares with all networks of its base, and on it, where it has one, its device for the host.
void draw_shared_way(Drawing& drawing, NodeKind kind, const intent::Network& network, const NodeId& id) {
    const Realisation& how = drawing.devices.realisation(network);
    const auto base = want_base(drawing, network);
    const std::string role = base ? "base " + base->name : role_of(network);
    const NodeId bridge = want_bridge(drawing, kind, how.bridge, role, base);
    drawing.connect(EdgeKind::realises, bridge, id, tag_of(network));
    if (kind == NodeKind::ovs_bridge || !how.has_device) return;
    const NodeId foot = drawing.want(how.device, NodeKind::vlan, role_of(network));
    drawing.connect_missing(EdgeKind::stacked, bridge, foot, tag_of(network));
    drawing.connect(EdgeKind::realises, foot, id);
}

void draw_way(Drawing& drawing, const intent::Network& network, const NodeId& id) {
    switch (network.switch_kind) {
        case SwitchKind::ovs: return draw_shared_way(drawing, NodeKind::ovs_bridge, network, id);
        case SwitchKind::vlan_aware:
            if (network.base()) return draw_shared_way(drawing, NodeKind::bridge, network, id);
            return draw_own_way(drawing, network, id);
        case SwitchKind::legacy: return draw_own_way(drawing, network, id);
    }
}

// One inside the host needs none.
bool has_wire(const Drawing& drawing, const intent::Network& network) {
    const auto base = network.base();
    const Link* link = base ? drawing.devices.link(*base) : nullptr;
    return !base || (link && state_of(*link) == NodeState::up);
}

// It is as its device is; one in which the host takes no part is as its bridge is. Guests hold these up without a wire, too.
void take_state(const Drawing& drawing, const intent::Network& network, const Realisation& how, Node& node) {
    const Link* device = drawing.devices.link(how.device);
    const Link* bridge = drawing.devices.link(how.bridge);
    if (how.has_device && device) describe(*device, node);
    else if (!how.has_device && bridge) node.state = state_of(*bridge);
    else node.state = NodeState::missing;
    if (node.state == NodeState::up && !has_wire(drawing, network)) node.state = NodeState::no_carrier;
}

void draw(Drawing& drawing, const intent::Network& network) {
    const NodeId id{NodeKind::network, network.name.text()};
    draw_way(drawing, network, id);
    Node& node = drawing.put(id);
    const Realisation& how = drawing.devices.realisation(network);
    take_state(drawing, network, how, node);
    node.owner = Owner::ours(role_of(network));
    node.attributes["switch"] = intent::name_of(network.switch_kind);
    if (const auto base = network.base()) node.attributes[attribute::base] = base->text();
    if (network.vlan) node.attributes[attribute::vlan] = tag_of(network);
    if (how.has_device && how.device.text() != network.name.text()) node.attributes[attribute::device] = how.device.text();
    std::string roles;
    for (const auto role : network.roles) roles += (roles.empty() ? "" : " ") + std::string(intent::name_of(role));
    if (!roles.empty()) node.attributes[attribute::roles] = roles;
}

void draw(Drawing& drawing, const intent::Bond& bond) {
    const NodeId id = drawing.want(bond.name, NodeKind::bond, "bond " + bond.name.text());
    for (const IfName& nic : bond.nics) drawing.connect_missing(EdgeKind::enslaved, drawing.want(nic, NodeKind::nic, {}), id);
}

void draw(Drawing& drawing, const intent::GuestNic& nic) {
    const NodeId guest{nic.kind == intent::GuestKind::netns ? NodeKind::namespace_ : NodeKind::guest, lower::domain_name(nic.vm, drawing.snapshot.observed.guests)};
    const bool is_there = nic.kind != intent::GuestKind::netns || drawing.snapshot.has_namespace(nic.vm, {});
    if (Node& node = drawing.put(guest); !is_there) node.state = NodeState::missing;
    const NodeId port = drawing.want(lower::port_of(nic), NodeKind::port, "nic " + nic.mac.text() + " of " + nic.vm);
    Node& node = drawing.put(port);
    node.parent = guest;
    node.attributes[attribute::mac] = nic.mac.text();
    if (!nic.alias.empty()) node.attributes["alias"] = nic.alias;
    drawing.connect(EdgeKind::plugged, port, guest);
    if (node.state == NodeState::missing && drawing.snapshot.running.network(nic.network))
        drawing.connect(EdgeKind::plugged, {NodeKind::network, nic.network}, port);
}

}  // namespace

void draw_definitions(Drawing& drawing) {
    const intent::Intent& running = drawing.snapshot.running;
    for (const intent::Network& network : running.networks()) draw(drawing, network);
    for (const intent::Bond& bond : running.bonds()) draw(drawing, bond);
    for (const intent::GuestNic& nic : running.nics()) draw(drawing, nic);
}

}  // namespace observe
