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
