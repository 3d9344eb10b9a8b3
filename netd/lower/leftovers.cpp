// See leftovers.hpp.
#include "netd/lower/leftovers.hpp"

#include "netd/lower/naming.hpp"
#include "netd/lower/realise.hpp"

#include <algorithm>
#include <map>

namespace lower {
namespace {

bool is_ours(const auto& resource) { return topology::is_ours(resource.owner); }

std::set<IfName> bridges_that_go(const Scope& scope, const ovs::State& wanted, const ovs::State& there) {
    std::set<IfName> going;
    for (const IfName& name : scope.bridges) {
        const ovs::Bridge* bridge = there.bridges.find(name);
        if (bridge && is_ours(*bridge) && !wanted.bridges.contains(name)) going.insert(name);
    }
    return going;
}

// Where the ports of a bridge go that move, by that bridge.
std::map<IfName, std::set<IfName>> ways(const std::set<IfName>& going, const ovs::State& wanted, const ovs::State& there) {
    std::map<IfName, std::set<IfName>> ways;
    for (const ovs::Port& then : wanted.ports) {
        const ovs::Port* now = there.ports.find(then.name);
        if (now && is_ours(*now) && now->bridge && then.bridge && going.contains(*now->bridge)) ways[*now->bridge].insert(*then.bridge);
    }
    return ways;
}

// The names of the rows that definitions stand for.
struct Claims {
    std::set<IfName> bridges = {}, ports = {}, filtering = {};
};

Claims claims_of(const intent::Intent& all) {
    Claims claims;
    for (const intent::Network& network : all.networks()) {
        const auto base = network.base();
        if (network.switch_kind == intent::SwitchKind::vlan_aware && base) claims.filtering.insert(filtering_bridge(*base));
        if (network.switch_kind != intent::SwitchKind::ovs) continue;
        claims.bridges.insert(guest_bridge(network));
        claims.ports.insert(top_device(network));
        if (base) claims.ports.insert(*base);
    }
    for (const intent::GuestNic& nic : all.nics())
        for (const IfName& port : {port_of(nic), port_of(nic.key())}) claims.ports.insert(port);
    return claims;
}

// A guest of whom nothing is defined may be known again by its port.
bool is_of_a_living_guest(const auto& row, const Host& host) {
    return is_ours(row) && row.owner->role->starts_with("nic ") && host.kernel.links.contains(row.name);
}

// Ports that definitions stand for, and of which this goal is not, go with their own networks first.
bool is_needed(const IfName& bridge, const Claims& claims, const Goal& goal, const Host& host) {
    return std::ranges::any_of(host.switched->ports, [&](const ovs::Port& port) {
        return port.bridge == bridge && (is_of_a_living_guest(port, host) || (claims.ports.contains(port.name) && is_ours(port))) && !goal.scope.ports.contains(port.name);
    });
}

void include_rows(Goal& goal, const Claims& claims, const Host& host, const IsSuch& is_such) {
    std::set<IfName> lived_on;  // bridges of guests that live, and are known by nothing but their ports
    for (const ovs::Port& port : host.switched->ports)
        if (port.bridge && !claims.ports.contains(port.name) && is_of_a_living_guest(port, host)) lived_on.insert(*port.bridge);
    const auto is_left_over = [&](const auto& row, const std::set<IfName>& claimed) {
        return is_ours(row) && is_such(*row.owner) && !claimed.contains(row.name) && !is_of_a_living_guest(row, host);
    };
    for (const ovs::Port& port : host.switched->ports)
        if (is_left_over(port, claims.ports) && !(port.bridge && lived_on.contains(*port.bridge))) goal.scope.ports.insert(port.name);
    for (const ovs::PortMirror& mirror : host.switched->mirrors)
        if (is_left_over(mirror, claims.ports)) goal.scope.mirrors.insert(mirror.name);
    for (const ovs::Bridge& bridge : host.switched->bridges)
        if (is_left_over(bridge, claims.bridges) && !is_needed(bridge.name, claims, goal, host)) goal.scope.bridges.insert(bridge.name);
}

// Of a NIC that is called otherwise now.
void include_filtering_bridges(Goal& goal, const Claims& claims, const Host& host, const IsSuch& is_such) {
    for (const bridges::Link& link : host.kernel.links) {
        if (!is_ours(link) || !link.owner->role->starts_with("base ") || !is_such(*link.owner) || claims.filtering.contains(link.name)) continue;
        const bool has_ports = std::ranges::any_of(host.kernel.links, [&](const bridges::Link& port) {
            const bridges::Link* then = goal.wanted.kernel.links.find(port.name);
            return port.master && port.master->of == link.name && !(then && then->master && then->master->of != link.name);
        });
        if (!has_ports) goal.scope.links.insert(link.name);
    }
}

}  // namespace

void keep_what_others_plugged(Goal& goal, const Host& host) {
    if (!host.switched) return;
    const std::set<IfName> going = bridges_that_go(goal.scope, goal.wanted.ovs, *host.switched);
    if (going.empty()) return;
    const auto moves = ways(going, goal.wanted.ovs, *host.switched);
    const auto keep = [&](const auto& rows, auto& wanted, std::set<IfName>& scope) {
        for (const auto& row : rows) {
            if (is_ours(row) || !row.bridge || !going.contains(*row.bridge) || wanted.contains(row.name)) continue;
            scope.insert(row.name);
            const auto way = moves.find(*row.bridge);
            if (way == moves.end() || way->second.size() != 1) continue;
            auto moved = std::decay_t<decltype(row)>{row.name};
            moved.bridge = *way->second.begin();
            wanted.put(moved);
        }
    };
    keep(host.switched->ports, goal.wanted.ovs.ports, goal.scope.ports);
    keep(host.switched->mirrors, goal.wanted.ovs.mirrors, goal.scope.mirrors);
}

void include_leftovers(Goal& goal, const intent::Intent& all, const Host& host, const IsSuch& is_such) {
    const Claims claims = claims_of(all);
    include_filtering_bridges(goal, claims, host, is_such);
    if (!host.switched) return;
    include_rows(goal, claims, host, is_such);
    keep_what_others_plugged(goal, host);
}

IsSuch of_any() {
    return [](const topology::Owner&) { return true; };
}

IsSuch of_nics(const std::set<IfName>& nics) {
    return [nics](const topology::Owner& owner) {
        return std::ranges::any_of(nics, [&](const IfName& nic) { return owner == topology::Owner::ours("base " + nic.text()); });
    };
}

void include_what_others_plugged(Scope& scope, const HostState& before, const ovs::State& there) {
    const std::set<IfName> going = bridges_that_go(scope, before.ovs, there);
    const auto include = [&](const auto& rows, std::set<IfName>& into) {
        for (const auto& row : rows)
            if (!is_ours(row) && row.bridge && going.contains(*row.bridge)) into.insert(row.name);
    };
    if (going.empty()) return;
    include(there.ports, scope.ports);
    include(there.mirrors, scope.mirrors);
}

}  // namespace lower
