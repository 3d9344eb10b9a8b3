// Links and OVS rows as nodes, and what ties them together as edges.
#include "netd/observe/drawing.hpp"

namespace observe {

namespace attribute = topology::attribute;
using topology::EdgeKind;
using topology::Node;
using topology::Owner;

void describe(const Link& link, Node& node) {
    node.state = state_of(link);
    if (link.mtu) node.attributes[attribute::mtu] = std::to_string(link.mtu->number());
    if (link.mac) node.attributes[attribute::mac] = link.mac->text();
    if (link.addresses && !link.addresses->empty()) node.attributes[attribute::addresses] = text_of_addresses(link);
}

namespace {

void describe_kind(const Link& link, Node& node) {
    if (const auto* vlan = link.as<bridges::Vlan>()) node.attributes[attribute::vlan] = std::to_string(vlan->id.number());
    const auto* bond = link.as<bridges::Bond>();
    if (!bond) return;
    const auto mode = bond->options.find("mode");
    if (mode != bond->options.end()) node.attributes[attribute::mode] = mode->second;
    if (link.facts.rare.get().active_port) node.attributes[attribute::active] = link.facts.rare.get().active_port->text();
}

// The tag that every port of the bridge has by default says nothing of this one.
void describe_tag(const Drawing& drawing, const Link& port, Node& node) {
    if (!port.vlans || !port.vlans->untagged) return;
    const std::string tag = std::to_string(port.vlans->untagged->number());
    const Link* master = port.master && port.master->of ? drawing.devices.link(*port.master->of) : nullptr;
    const auto* bridge = master ? master->as<bridges::Bridge>() : nullptr;
    const auto usual = bridge ? bridge->options.find("vlan_default_pvid") : bridges::Options::const_iterator();
    if (!bridge || usual == bridge->options.end() || usual->second != tag) node.attributes[attribute::vlan] = tag;
}

void draw(Drawing& drawing, const Link& link) {
    const auto id = drawing.devices.node_of(link.name);
    if (!id || id->kind == NodeKind::ovs_bridge) return;
    Node& node = drawing.put(*id);
    node.owner = link.owner.value_or(Owner());
    describe(link, node);
    describe_kind(link, node);
    if (!link.facts.rare.get().alias.empty()) node.attributes["alias"] = link.facts.rare.get().alias;
    if (id->kind == NodeKind::nic && !link.facts.kind.empty()) node.attributes["kind"] = link.facts.kind;
    if (id->kind == NodeKind::port) describe_tag(drawing, link, node);
}

// Its own device may be down: the bridge forwards all the same.
void draw(Drawing& drawing, const ovs::Bridge& bridge) {
    Node& node = drawing.put({NodeKind::ovs_bridge, bridge.name.text()});
    if (const Link* face = drawing.devices.link(bridge.name)) describe(*face, node);
    node.state = NodeState::up;
    node.owner = bridge.owner.value_or(Owner());
    if (bridge.datapath) node.attributes["datapath"] = *bridge.datapath;
}

void draw(Drawing& drawing, const ovs::Port& port) {
    const auto id = drawing.devices.node_of(port.name);
    if (!id || id->kind != NodeKind::port) return;
    Node& node = drawing.put(*id);
    if (!node.owner.is_ours()) node.owner = port.owner.value_or(Owner());
    if (!drawing.devices.link(port.name)) node.state = port.facts.ofport > 0 ? NodeState::up : NodeState::down;
    if (!port.facts.error.empty()) node.problem = port.facts.error;
    if (port.attached_mac && !port.attached_mac->empty()) node.attributes[attribute::mac] = *port.attached_mac;
    const auto* access = port.tagging ? std::get_if<ovs::Access>(&*port.tagging) : nullptr;
    if (access && access->tag.number() != 0) node.attributes[attribute::vlan] = std::to_string(access->tag.number());
}

// Into the networks that it is in; a NIC with a tag of its own is in its network all the same.
void plug(Drawing& drawing, const IfName& name, const NodeId& port, const NodeId& bridge, const std::vector<Membership>& memberships) {
    for (const Membership& one : memberships)
        drawing.connect(EdgeKind::plugged, {NodeKind::network, one.network->name.text()}, port, one.tag);
    const intent::GuestNic* nic = drawing.devices.guest_nic_of(name);
    const intent::Network* network = nic ? drawing.snapshot.running.network(nic->network) : nullptr;
    if (network && drawing.devices.realisation(*network).bridge.text() == bridge.name) {
        const std::string own = nic->trunk ? nic->trunk->text() : nic->vlan ? std::to_string(nic->vlan->number()) : "";
        drawing.connect(EdgeKind::plugged, {NodeKind::network, nic->network}, port, own);
    } else if (memberships.empty()) {
        drawing.connect(EdgeKind::enslaved, bridge, port);
    }
}

// Both ends of a pair tell of the other: it is told once, from the one that is nearer the wire. A macvlan or a tunnel tells what it stands on.
void wire_another(Drawing& drawing, const Link& link, const NodeId& id) {
    if (!link.facts.peer_index || link.facts.peer_netnsid) return;
    const Link* peer = drawing.devices.link_of_index(*link.facts.peer_index);
    const auto other = peer ? drawing.devices.node_of(peer->name) : std::nullopt;
    if (!other) return;
    const bool is_pair = link.as<bridges::Veth>();
    if (!is_pair) drawing.connect(EdgeKind::stacked, *other, id);
    else if (id < *other && peer->facts.peer_index == link.facts.index) drawing.connect(EdgeKind::peer, id, *other);
}

void wire(Drawing& drawing, const Link& link) {
    const Devices& devices = drawing.devices;
    const auto id = devices.node_of(link.name);
    if (!id || id->kind == NodeKind::ovs_bridge) return;
    if (const auto* vlan = link.as<bridges::Vlan>())
        if (const auto base = devices.node_of(vlan->base))
            drawing.connect(EdgeKind::stacked, *base, *id, std::to_string(vlan->id.number()));
    wire_another(drawing, link, *id);
    if (!link.master || !link.master->of) return;
    const auto master = devices.node_of(*link.master->of);
    if (!master) return;
    if (id->kind == NodeKind::port) plug(drawing, link.name, *id, *master, devices.networks_of(link));
    else drawing.connect(EdgeKind::enslaved, *id, *master);
}

void wire(Drawing& drawing, const ovs::Port& port) {
    const auto id = drawing.devices.node_of(port.name);
    if (!id || !port.bridge) return;
    const NodeId bridge{NodeKind::ovs_bridge, port.bridge->text()};
    if (id->kind == NodeKind::port) plug(drawing, port.name, *id, bridge, drawing.devices.networks_of(port));
    else drawing.connect(EdgeKind::enslaved, *id, bridge);
}

}  // namespace

void draw_devices(Drawing& drawing) {
    const lower::HostState& observed = drawing.snapshot.observed;
    for (const ovs::Bridge& bridge : observed.ovs.bridges) draw(drawing, bridge);
    for (const Link& link : observed.kernel.links) draw(drawing, link);
    for (const ovs::Port& port : observed.ovs.ports) draw(drawing, port);
}

void draw_wires(Drawing& drawing) {
    const lower::HostState& observed = drawing.snapshot.observed;
    for (const Link& link : observed.kernel.links) wire(drawing, link);
    for (const ovs::Port& port : observed.ovs.ports) wire(drawing, port);
}

}  // namespace observe
