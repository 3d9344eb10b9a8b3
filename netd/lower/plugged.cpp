// See plugged.hpp.
#include "netd/lower/plugged.hpp"

#include "bridges/journey.hpp"
#include "netd/intent/links.hpp"
#include "netd/lower/naming.hpp"
#include "netd/lower/realise.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

namespace lower {
namespace {

using bridges::Link;
using bridges::PortVlans;
using intent::is_ours;
using intent::Network;
using intent::SwitchKind;

bool is_on(const Link& link, const IfName& bridge) { return link.master && link.master->of == bridge; }
bool is_filtering(const Network& network) { return network.switch_kind == SwitchKind::vlan_aware && network.base(); }

// It is removed, or gives way to another thing of its name: one of Open vSwitch has no kind that is wanted.
bool goes(const Link& link, const HostState& wanted) {
    const Link* then = wanted.kernel.links.find(link.name);
    return !then || !bridges::is_same_thing(*then, link) || wanted.ovs.ports.contains(link.name);
}

// A VLAN goes with what it stands on.
bool dies(const Link& link, const HostState& wanted, const Scope& scope, const bridges::State& there) {
    const auto* vlan = intent::vlan_of(link);
    const Link* base = vlan ? there.links.find(vlan->base) : nullptr;
    if (!base) return false;
    return (is_ours(*base) && scope.links.contains(base->name) && goes(*base, wanted)) || dies(*base, wanted, scope, there);
}

// By what they are plugged into. Where nobody plugged anything in, that is all there is to know.
using Plugged = std::map<IfName, std::vector<const Link*>>;
Plugged plugged_by_others(const bridges::State& there) {
    Plugged plugged;
    for (const Link& link : there.links)
        if (!is_ours(link) && link.master && link.master->of) plugged[*link.master->of].push_back(&link);
    return plugged;
}

// Those that nothing else is to become of.
std::vector<const Link*> ports_of_others(const IfName& bridge, const Plugged& plugged, const HostState& wanted, const Scope& scope, const HostState& made, const bridges::State& there) {
    std::vector<const Link*> ports;
    const auto found = plugged.find(bridge);
    if (found == plugged.end()) return ports;
    for (const Link* link : found->second) {
        if (dies(*link, wanted, scope, there)) continue;
        const Link *then = wanted.kernel.links.find(link->name), *ours = made.kernel.links.find(link->name);
        const bool has_place = (then && then->master) || (ours && is_on(*ours, bridge));
        if (!has_place) ports.push_back(link);
    }
    return ports;
}

// Bridges of netd's that go.
std::vector<const Link*> going(const HostState& wanted, const Scope& scope, const bridges::State& there) {
    std::vector<const Link*> bridges;
    for (const IfName& name : scope.links) {
        const Link* link = there.links.find(name);
        if (link && bridges::is_bridge(link) && is_ours(*link) && goes(*link, wanted)) bridges.push_back(link);
    }
    return bridges;
}

// What a port has of its bridge it has of the other one, too.
Link as_on(const IfName& bridge, const Link& port) {
    Link then{port.name};
    then.master = bridges::Master{bridge};
    then.isolated = port.isolated;
    then.flags = port.flags;
    then.forwards = port.forwards;
    return then;
}

Link along(const IfName& bridge, const Link& port, std::optional<topology::VlanId> untagged) {
    Link then = as_on(bridge, port);
    then.vlans = port.vlans;
    if (then.vlans) then.vlans->untagged = untagged;
    return then;
}
std::optional<topology::VlanId> untagged_of(const Link& port) { return port.vlans ? port.vlans->untagged : std::nullopt; }

void move(Goal& goal, const Link& then) {
    goal.wanted.kernel.links.put(then);
    goal.scope.links.insert(then.name);
}

// Where the ports of one bridge go, as the networks on it say.
class WaysOut {
public:
    WaysOut(const Link& bridge, const intent::Intent& was, const intent::Intent& now, const Host& host, const HostState& wanted)
        : bridge_(bridge), was_{was, host}, now_{now, host}, wanted_(wanted) {
        for (const Network& network : was.networks())
            if (network.bridged && network.switch_kind != SwitchKind::ovs && guest_bridge(network) == bridge.name) networks_.push_back(&network);
    }

    std::optional<Link> of(const Link& port) const {
        for (const Link& other : wanted_.kernel.links)  // it was renamed
            if (other.owner == bridge_.owner && is_bridge(other)) return along(other.name, port, untagged_of(port));
        if (networks_.empty()) return std::nullopt;
        if (!is_filtering(*networks_.front())) return into(*networks_.front(), port);
        const auto own = untagged_of(port);
        const auto network = std::ranges::find_if(networks_, [&](const Network* one) { return own == tag_inside(was_, *one); });
        const auto together = where_all_go();
        if (together) return along(*together, port, network == networks_.end() ? own : tag_inside(now_, *then_of(**network)));
        const bool is_in_one = network != networks_.end() && *port.vlans == PortVlans{.untagged = own};
        return is_in_one ? into(**network, port) : std::nullopt;
    }

private:
    bool is_bridge(const Link& link) const { return link.as<bridges::Bridge>(); }
    const Network* then_of(const Network& network) const { return now_.intent.networks().find(network.name); }

    std::optional<IfName> where(const Network& network) const {
        const Network* then = then_of(network);
        if (!then || !then->bridged || then->switch_kind == SwitchKind::ovs) return std::nullopt;
        const Link* bridge = wanted_.kernel.links.find(guest_bridge(*then));
        return bridge && is_bridge(*bridge) ? std::optional(bridge->name) : std::nullopt;
    }

    // The one filtering bridge that all networks of this one go to.
    std::optional<IfName> where_all_go() const {
        const auto first = where(*networks_.front());
        const bool is_one = std::ranges::all_of(networks_, [&](const Network* one) { return where(*one) == first && then_of(*one) && is_filtering(*then_of(*one)); });
        return is_one ? first : std::nullopt;
    }

    // Into the network, without a tag.
    std::optional<Link> into(const Network& network, const Link& port) const {
        const auto bridge = where(network);
        if (!bridge) return std::nullopt;
        Link then = as_on(*bridge, port);
        if (is_filtering(*then_of(network))) then.vlans = PortVlans{.untagged = tag_inside(now_, *then_of(network))};
        return then;
    }

    const Link& bridge_;
    Draft was_, now_;
    const HostState& wanted_;
    std::vector<const Network*> networks_ = {};
};

// As somebody else's. The host is in it by addresses of others alone, as on a NIC that is let go.
Link left(const Link& bridge, const Link* made) {
    Link left{bridge.name};
    left.owner = topology::Owner::foreign();
    if (bridge.gate) left.gate = false;
    if (bridge.standing) left.standing = topology::Standing::in_network({});
    if (bridge.promiscuous == true) left.promiscuous = false;
    if (bridge.traffic) left.traffic.emplace();
    left.addresses.emplace();
    for (const topology::Subnet& address : bridge.addresses.value_or(std::set<topology::Subnet>()))
        if (made && made->addresses && !made->addresses->contains(address)) left.addresses->insert(address);
    const bool has_v6 = std::ranges::any_of(*left.addresses, [](const auto& address) { return address.is_v6(); });
    if (!has_v6 && bridge.stack && bridge.stack->ipv6 == true) left.stack = bridges::HostStack{.ipv6 = false};
    return left;
}

void leave_to_others(const std::vector<const Link*>& bridges, const Plugged& plugged, HostState& wanted, const Scope& scope, const HostState& made, const bridges::State& there) {
    for (const Link* bridge : bridges) {
        if (wanted.kernel.links.contains(bridge->name) || wanted.ovs.ports.contains(bridge->name)) continue;
        if (!ports_of_others(bridge->name, plugged, wanted, scope, made, there).empty()) wanted.kernel.links.put(left(*bridge, made.kernel.links.find(bridge->name)));
    }
}

}  // namespace

void keep_ports_of_others(Goal& goal, const intent::Intent& was, const intent::Intent& now, const Host& host) {
    const auto leaving = going(goal.wanted, goal.scope, host.kernel);
    if (leaving.empty()) return;
    const Plugged plugged = plugged_by_others(host.kernel);
    std::vector<Link> moved;
    for (const Link* bridge : leaving) {
        const auto ports = ports_of_others(bridge->name, plugged, goal.wanted, goal.scope, goal.was_wanted, host.kernel);
        if (ports.empty()) continue;
        const WaysOut ways(*bridge, was, now, host, goal.wanted);
        for (const Link* port : ports)
            if (auto then = ways.of(*port)) moved.push_back(std::move(*then));
    }
    for (const Link& then : moved) move(goal, then);
    leave_to_others(leaving, plugged, goal.wanted, goal.scope, goal.was_wanted, host.kernel);
}

void keep_ports_of_renamed(Goal& goal, const intent::Intent& all, const intent::Renames& renames, const Host& host) {
    if (renames.empty()) return;
    const Plugged plugged = plugged_by_others(host.kernel);
    for (const auto& [name, device] : renames) {
        const Link *bridge = host.kernel.links.find(filtering_bridge(name)), *then = goal.wanted.kernel.links.find(filtering_bridge(device));
        const bool is_left_over = bridge && bridges::is_bridge(bridge) && bridge->owner == topology::Owner::ours(fmt::format("base {}", name.text())) && !all.bases().find(name);
        if (!is_left_over || !then || !bridges::is_bridge(then)) continue;
        for (const Link* port : ports_of_others(bridge->name, plugged, goal.wanted, goal.scope, goal.was_wanted, host.kernel)) move(goal, along(then->name, *port, untagged_of(*port)));
    }
}

void leave_bridges_to_others(HostState& wanted, const Scope& scope, const HostState& made, const bridges::State& there) {
    const auto leaving = going(wanted, scope, there);
    if (!leaving.empty()) leave_to_others(leaving, plugged_by_others(there), wanted, scope, made, there);
}

intent::Complaints cut_off_by(const intent::Request& request, const intent::Intent& was, const intent::Intent& now, const bridges::State& there) {
    std::set<IfName> guests;
    std::optional<Plugged> plugged;
    intent::Complaints complaints;
    for (const auto& asked : request.networks) {
        const Network *before = was.networks().find(asked.name), *then = now.networks().find(asked.name);
        if (!before || !then || !before->bridged || before->switch_kind == SwitchKind::ovs || is_filtering(*before) || then->switch_kind != SwitchKind::ovs) continue;
        if (!plugged) {
            plugged = plugged_by_others(there);
            for (const intent::GuestNic& nic : was.nics()) guests.insert(port_of(nic));
        }
        const IfName bridge = guest_bridge(*before);
        const auto found = plugged->find(bridge);
        for (const Link* link : found == plugged->end() ? std::vector<const Link*>() : found->second) {
            if (link->name == before->base() || guests.contains(link->name)) continue;
            complaints.push_back({intent::code::used_nic, intent::pointer({"networks", asked.name.text(), "switch"}), topology::Fault::conflict,
                                  fmt::format("{} is not netd's and is plugged into bridge {}, which makes room for Open vSwitch: take it out first", link->name.text(), bridge.text())});
        }
    }
    return complaints;
}

}  // namespace lower
