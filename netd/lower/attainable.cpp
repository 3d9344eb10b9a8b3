// From below: NICs, then bonds, then networks, then guests.
#include "netd/lower/attainable.hpp"

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
        if (has_lost_its_network || !ground.guest_is_there(nic)) left.remove(nic.key());
    }
    return left;
}

HostState without(HostState state, std::set<IfName> lost) {
    if (lost.empty()) return state;
    for (const bridges::Link& link : state.kernel.links) {
        const auto* vlan = link.kind ? std::get_if<bridges::Vlan>(&*link.kind) : nullptr;
        if (vlan && lost.contains(vlan->base)) lost.insert(link.name);
    }
    const auto routes = state.kernel.routes;
    for (const bridges::Route& route : routes)
        if (lost.contains(route.device)) state.kernel.routes.erase(route.key());
    for (const IfName& name : lost) {
        state.kernel.links.erase(name);
        state.ovs.ports.erase(name);
    }
    return state;
}

bridges::Options without_absent_primary(bridges::Options options, const bridges::State& kernel) {
    const auto primary = options.find("primary");
    if (primary == options.end() || primary->second.empty()) return options;
    const auto name = IfName::parse(primary->second);
    if (!name || !kernel.links.contains(*name)) options.edit().erase("primary");
    return options;
}

bool has_mac_of_ports(const bridges::Link& link) {
    const auto* bond = link.kind ? std::get_if<bridges::Bond>(&*link.kind) : nullptr;
    if (!bond) return false;
    const auto policy = bond->options.find("fail_over_mac");
    return policy != bond->options.end() && policy->second != "none";
}

HostState attainable(HostState before, const bridges::State& kernel) {
    const auto links = before.kernel.links;
    for (bridges::Link link : links) {
        auto* bond = link.kind ? std::get_if<bridges::Bond>(&*link.kind) : nullptr;
        if (!bond) continue;
        if (has_mac_of_ports(link)) link.mac.reset();
        bond->options = without_absent_primary(bond->options, kernel);
        before.kernel.links.put(link);
    }
    std::set<IfName> lost;
    for (const bridges::Link& link : before.kernel.links) {
        const bool is_ours = link.owner && link.owner->is_ours();
        const bool is_made = link.kind && !std::holds_alternative<bridges::Device>(*link.kind);
        const bool is_for_netd_to_make = is_made && (is_ours || !(std::holds_alternative<bridges::Veth>(*link.kind) || std::holds_alternative<bridges::Tap>(*link.kind)));
        const ovs::Port* port = before.ovs.ports.find(link.name);
        const bool is_made_by_ovs = (port && port->internal == true) || before.ovs.bridges.contains(link.name);
        if (!kernel.links.contains(link.name) && !is_for_netd_to_make && !is_made_by_ovs) lost.insert(link.name);
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
