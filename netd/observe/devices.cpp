// One pass over links, OVS rows and definitions each; what follows are look-ups.
#include "netd/observe/devices.hpp"

#include "netd/lower/naming.hpp"
#include "netd/lower/realise.hpp"

namespace observe {
namespace {

// The devices that stand for a whole datapath: nobody plugs anything into them.
bool is_a_datapath(const IfName& name) { return name.text() == "ovs-system" || name.text() == "ovs-netdev"; }

template <class Map>
const typename Map::mapped_type& at_or_empty(const Map& map, const typename Map::key_type& key) {
    static const typename Map::mapped_type none;
    const auto found = map.find(key);
    return found == map.end() ? none : found->second;
}

template <class Map>
auto pointer_at(const Map& map, const typename Map::key_type& key) -> typename Map::mapped_type {
    const auto found = map.find(key);
    return found == map.end() ? nullptr : found->second;
}

}  // namespace

Devices::Devices(const Snapshot& snapshot) : snapshot_(snapshot) {
    for (const Link& link : snapshot.observed.kernel.links) {
        by_index_[link.facts.index] = &link;
        if (link.master && link.master->of) ports_[link.master->of->text()].push_back(&link);
    }
    for (const auto& bond : snapshot.running.bonds())
        for (const IfName& nic : bond.nics) bond_ports_[nic.text()] = true;
    for (const auto& nic : snapshot.running.nics()) guest_nics_[lower::port_of(nic).text()] = &nic;
    for (const auto& network : snapshot.running.networks()) learn(network);
}

namespace {

bool is_by_tag(const intent::Network& network) { return network.base() && network.switch_kind != intent::SwitchKind::legacy; }

}  // namespace

Realisation realisation_of(const intent::Network& network, const intent::Intent& running, const bridges::State& kernel) {
    Realisation how{lower::guest_bridge(network), lower::top_device(network)};
    const bool is_aware = is_by_tag(network) && network.switch_kind == intent::SwitchKind::vlan_aware;
    if (network.vlan) how.tag = network.vlan->number();
    else if (is_aware)
        if (const intent::Base* there = running.bases().find(*network.base())) how.tag = there->inner_tag().number();
    // One that is for copies alone is there while somebody hears them.
    const bool is_copied = !running.watching(network.name).empty() && kernel.links.contains(how.device);
    how.has_device = !is_aware || network.is_on_host() || is_copied;
    return how;
}

void Devices::learn(const intent::Network& network) {
    Realisation how = realisation_of(network, snapshot_.running, snapshot_.observed.kernel);
    const bool by_tag = is_by_tag(network);
    if (network.switch_kind == intent::SwitchKind::ovs) feet_[how.device.text()] = &network;
    if (network.bridged || by_tag) {
        Switch& at = switches_[how.bridge.text()];
        at.by_tag = by_tag;
        at.networks[by_tag ? how.tag : 0] = &network;
    }
    realisations_.emplace(network.name, std::move(how));
}

bool Devices::is_a_base(const IfName& name) const {
    return snapshot_.running.bases().contains(name) || bond_ports_.contains(name.text());
}

NodeKind Devices::kind_of(const Link& link) const {
    if (link.as<bridges::Bridge>()) return NodeKind::bridge;
    if (link.as<bridges::Vlan>()) return NodeKind::vlan;
    if (link.as<bridges::Bond>()) return NodeKind::bond;
    if (is_a_base(link.name)) return NodeKind::nic;
    if (link.as<bridges::Tap>() || topology::is_ours(link.owner)) return NodeKind::port;
    if (const ovs::Port* port = snapshot_.observed.ovs.ports.find(link.name); port && port->internal.value_or(false)) return NodeKind::port;
    if (link.as<bridges::Veth>()) {
        const Link* master = link.master && link.master->of ? this->link(*link.master->of) : nullptr;
        const bool is_plugged = (master && master->as<bridges::Bridge>()) || snapshot_.observed.ovs.ports.contains(link.name);
        return is_plugged ? NodeKind::port : NodeKind::nic;
    }
    for (const char* kind : {"tun", "macvtap", "ipvtap", "openvswitch"})
        if (link.facts.kind == kind) return NodeKind::port;
    return NodeKind::nic;
}

std::optional<NodeId> Devices::node_of(const IfName& name) const {
    if (snapshot_.observed.ovs.bridges.contains(name)) return NodeId{NodeKind::ovs_bridge, name.text()};
    if (is_a_datapath(name)) return std::nullopt;
    const ovs::Port* port = snapshot_.observed.ovs.ports.find(name);
    if (network_of_device(name) && (!port || port->internal.value_or(false))) return std::nullopt;
    if (const Link* found = link(name)) return NodeId{kind_of(*found), name.text()};
    // What a switch keeps a place for: an uplink that is gone is one all the same.
    if (port && is_a_base(name)) return NodeId{snapshot_.running.bonds().contains(name) ? NodeKind::bond : NodeKind::nic, name.text()};
    if (port) return NodeId{NodeKind::port, name.text()};
    return std::nullopt;
}

const Link* Devices::link_of_index(int index) const { return pointer_at(by_index_, index); }
const std::vector<const Link*>& Devices::ports_of(const IfName& master) const { return at_or_empty(ports_, master.text()); }
const intent::GuestNic* Devices::guest_nic_of(const IfName& port) const { return pointer_at(guest_nics_, port.text()); }
const Realisation& Devices::realisation(const intent::Network& network) const { return realisations_.at(network.name); }
const intent::Network* Devices::network_of_device(const IfName& name) const { return pointer_at(feet_, name.text()); }

void Devices::add(const Switch& at, std::uint16_t tag, bool tagged, std::vector<Membership>& into) const {
    const auto found = at.networks.find(tag);
    if (found != at.networks.end()) into.push_back({found->second, tagged ? std::to_string(tag) : ""});
}

std::vector<Membership> Devices::networks_of(const Link& port) const {
    std::vector<Membership> memberships;
    if (!port.master || !port.master->of) return memberships;
    const Switch& at = at_or_empty(switches_, port.master->of->text());
    if (!at.by_tag) {
        add(at, 0, false, memberships);
        return memberships;
    }
    if (!port.vlans) return memberships;
    if (port.vlans->untagged) add(at, port.vlans->untagged->number(), false, memberships);
    if (port.vlans->tagged.empty()) return memberships;
    for (const auto& [tag, network] : at.networks)
        if (port.vlans->tagged.contains(*intent::VlanId::from(tag))) add(at, tag, true, memberships);
    return memberships;
}

std::vector<Membership> Devices::networks_of(const ovs::Port& port) const {
    std::vector<Membership> memberships;
    if (!port.bridge || !port.tagging) return memberships;
    const Switch& at = at_or_empty(switches_, port.bridge->text());
    if (const auto* access = std::get_if<ovs::Access>(&*port.tagging)) {
        add(at, access->tag.number(), false, memberships);
        return memberships;
    }
    const auto* trunk = std::get_if<ovs::Trunk>(&*port.tagging);
    if (!trunk) return memberships;
    for (const auto& [tag, network] : at.networks) {
        const auto id = *intent::VlanId::from(tag);
        const bool is_native = trunk->native && *trunk->native == id;
        if (is_native || trunk->tags.empty() || trunk->tags.contains(id)) add(at, tag, !is_native && tag != 0, memberships);
    }
    return memberships;
}

NodeState state_of(const Link& link) {
    if (!link.up.value_or(false)) return NodeState::down;
    return link.facts.carrier ? NodeState::up : NodeState::no_carrier;
}

bool is_on_the_wire(const Link& link, const Snapshot& snapshot) {
    if (link.as<bridges::Bond>()) return true;
    if (snapshot.running.bases().contains(link.name)) return true;
    if (link.as<bridges::Veth>()) {
        const Link* master = link.master && link.master->of ? snapshot.observed.kernel.links.find(*link.master->of) : nullptr;
        return !topology::is_ours(link.owner) && (!master || master->as<bridges::Bond>());
    }
    return link.as<bridges::Device>() && link.facts.kind != "openvswitch" && link.facts.kind != "tun";
}

std::string text_of_addresses(const Link& link) {
    std::set<topology::Subnet> addresses = link.facts.rare.get().autoconf;
    if (link.addresses) addresses.insert(link.addresses->begin(), link.addresses->end());
    std::string text;
    for (const auto& address : addresses) text += (text.empty() ? "" : " ") + address.text();
    return text;
}

}  // namespace observe
