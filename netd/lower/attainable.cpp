// From below: NICs, then bonds, then networks, then guests.
#include "netd/lower/attainable.hpp"

#include "bridges/bond_options.hpp"
#include "netd/lower/naming.hpp"

#include <algorithm>

namespace lower {

using intent::Intent;

namespace {

void keep_bonds(Intent& left, const Ground& ground) {
    const auto bonds = left.bonds();
    for (const intent::Bond& bond : bonds) {
        intent::Bond there = bond;
        std::erase_if(there.nics, [&](const IfName& nic) { return !ground.kernel.links.contains(nic); });
        if (there.nics.empty() && !ground.kernel.links.contains(bond.name)) left.remove_bond(bond.name);
        else if (there.nics.size() != bond.nics.size()) left.put(there);
    }
}

bool stands(const intent::Network& network, const Intent& left, const Ground& ground) {
    if (network.switch_kind == intent::SwitchKind::ovs && !ground.ovs_answers) return false;
    const auto base = network.base();
    return !base || left.bonds().contains(*base) || ground.kernel.links.contains(*base);
}

}  // namespace

Intent attainable(const Intent& intent, const Ground& ground) {
    Intent left = intent;
    keep_bonds(left, ground);
    for (const intent::Network& network : intent.networks())
        if (!stands(network, left, ground)) left.remove(network.name);
    for (const intent::GuestNic& nic : intent.nics()) {
        const bool has_lost_its_network = intent.network(nic.network) && !left.network(nic.network);
        const bool can_be_had = ground.kernel.links.contains(port_of(nic)) || ground.guest_is_there(nic);
        if (has_lost_its_network || !can_be_had) left.remove(nic.key());
    }
    return left;
}

bool has_place(const intent::GuestNic& nic, const HasNamespace& has_namespace) { return nic.kind != intent::GuestKind::netns || has_namespace(nic.vm, nic.name_inside()); }

std::set<IfName> vanished(const Intent& now, const Touched& touched, const Host& host) {
    std::set<IfName> gone;
    for (const IfName& device : touched.bases)
        if (now.bases().contains(device) && !now.bonds().contains(device) && !host.kernel.links.contains(device)) gone.insert(device);
    return gone;
}

Intent without_lost_guests(const Intent& now, const Touched& touched, const Host& host) {
    Intent left = now;
    const auto look_at = [&](const intent::GuestNic& nic) {
        const bool can_be_had = host.kernel.links.contains(port_of(nic)) || has_place(nic, host.has_namespace);
        if (!can_be_had) left.remove(nic.key());
    };
    const auto look_at_watchers = [&](const intent::NetworkName& network) {
        for (const intent::GuestNic& nic : now.watching(network)) look_at(nic);
    };
    for (const auto& network : touched.networks) look_at_watchers(network);
    for (const auto& key : touched.nics) {
        const intent::GuestNic* nic = now.nics().find(key);
        if (!nic) continue;
        look_at(*nic);
        if (const intent::Network* network = now.network(nic->network)) look_at_watchers(network->name);
    }
    return left;
}

namespace {

void stop_copies_to(const std::set<IfName>& lost, bridges::State& kernel) {
    const auto is_sent_one = [&](const std::set<IfName>& copies) { return std::ranges::any_of(copies, [&](const IfName& name) { return lost.contains(name); }); };
    const auto links = kernel.links;
    for (bridges::Link link : links) {
        if (!link.traffic || !(is_sent_one(link.traffic->copies) || is_sent_one(link.traffic->copies_in))) continue;
        bridges::Traffic& traffic = link.traffic.edit();
        for (const IfName& name : lost) traffic.copies.erase(name), traffic.copies_in.erase(name);
        kernel.links.put(link);
    }
}

}  // namespace

HostState without(HostState state, std::set<IfName> lost) {
    if (lost.empty()) return state;
    for (const bridges::Link& link : state.kernel.links) {
        const auto* vlan = link.as<bridges::Vlan>();
        if (vlan && lost.contains(vlan->base)) lost.insert(link.name);
    }
    const auto routes = state.kernel.routes;
    for (const bridges::Route& route : routes)
        if (lost.contains(route.device)) state.kernel.routes.erase(route.key());
    for (const IfName& name : lost) {
        state.kernel.links.erase(name);
        state.ovs.ports.erase(name);
        state.ovs.mirrors.erase(name);
    }
    stop_copies_to(lost, state.kernel);
    return state;
}

bridges::Options without_absent_primary(bridges::Options options, const bridges::State& kernel) {
    const auto primary = options.find("primary");
    if (primary == options.end() || primary->second.empty()) return options;
    const auto name = IfName::parse(primary->second);
    if (!name || !kernel.links.contains(*name)) options.edit().erase("primary");
    return options;
}

namespace {

// What others had on a bridge netd moves, and never takes away: what is gone they took away themselves.
template <class R>
void forget_foreign_rows(topology::Keyed<R>& before, const topology::Keyed<R>& there) {
    const auto rows = before;
    for (const R& row : rows)
        if (!topology::is_ours(row.owner) && !there.contains(row.name)) before.erase(row.name);
}

}  // namespace

HostState attainable(HostState before, const Host& host) {
    if (host.switched) {
        forget_foreign_rows(before.ovs.ports, host.switched->ports);
        forget_foreign_rows(before.ovs.mirrors, host.switched->mirrors);
    }
    const auto links = before.kernel.links;
    for (bridges::Link link : links) {
        auto* bond = link.as<bridges::Bond>();
        if (!bond) continue;
        if (bridges::has_mac_of_ports(link)) link.mac.reset();
        bond->options = without_absent_primary(bond->options, host.kernel);
        before.kernel.links.put(link);
    }
    std::set<IfName> lost;
    for (const bridges::Link& link : before.kernel.links) {
        if (host.kernel.links.contains(link.name)) continue;
        const bool is_ours = topology::is_ours(link.owner);
        const auto* veth = link.as<bridges::Veth>();
        const bool has_place = !veth || !veth->netns || host.has_namespace(*veth->netns, veth->peer);
        const bool is_made = !link.is_device();
        const bool is_for_netd_to_make = is_made && has_place && (is_ours || !(veth || link.as<bridges::Tap>()));
        const ovs::Port* port = before.ovs.ports.find(link.name);
        const bool is_made_by_ovs = (port && port->internal == true) || before.ovs.bridges.contains(link.name);
        if (!is_for_netd_to_make && !is_made_by_ovs) lost.insert(link.name);
    }
    return without(std::move(before), std::move(lost));
}

Touched within(const Touched& touched, const Intent& intent) {
    Touched left;
    for (const auto& name : touched.networks)
        if (intent.networks().contains(name)) left.networks.insert(name);
    for (const IfName& base : touched.bases)
        if (intent.bases().contains(base) || intent.bonds().contains(base)) left.bases.insert(base);
    for (const auto& nic : touched.nics)
        if (intent.nics().contains(nic)) left.nics.insert(nic);
    return left;
}

Touched touched_by_names(const std::set<std::string>& networks, const std::set<std::string>& bonds, const std::set<std::string>& guests,
                         const Intent& intent) {
    Touched touched;
    for (const std::string& name : networks) {
        const intent::Network* network = intent.network(name);
        if (!network) continue;
        touched.networks.insert(network->name);
        if (network->base()) touched.bases.insert(*network->base());
        for (const auto& nic : intent.plugged_into(network->name)) touched.nics.insert(nic.key());
    }
    for (const intent::Bond& bond : intent.bonds())
        if (bonds.contains(bond.name.text())) touched.bases.insert(bond.name);
    if (!guests.empty())
        for (const intent::GuestNic& nic : intent.nics())
            if (guests.contains(nic.vm)) touched.nics.insert(nic.key());
    return touched;
}

}  // namespace lower
