// The MAC comes first: a card may move to another slot. The slot comes second: a card may be replaced.
#include "netd/intent/identity.hpp"

#include <algorithm>

namespace intent {
namespace {

using bridges::Link;

std::set<IfName> nics_of(const Intent& intent) {
    std::set<IfName> nics;
    for (const Base& base : intent.bases())
        if (!intent.bonds().contains(base.device)) nics.insert(base.device);
    for (const Bond& bond : intent.bonds()) nics.insert(bond.nics.begin(), bond.nics.end());
    return nics;
}

std::optional<Mac> own_mac(const Link& link) { return link.facts.permanent_mac ? link.facts.permanent_mac : link.mac; }

// What somebody plugged in or made before netd; a tap or a veth may be a NIC in a namespace. A bridge of Open vSwitch has its NIC's MAC.
bool may_be_a_nic(const Link& link) {
    const bool ours = link.owner && link.owner->is_ours();
    return !ours && link.facts.kind != "openvswitch" && (!link.kind || std::holds_alternative<bridges::Device>(*link.kind) || std::holds_alternative<bridges::Veth>(*link.kind));
}

template <class Is>
std::optional<IfName> the_only(const bridges::State& kernel, Is&& is) {
    std::optional<IfName> found;
    for (const Link& link : kernel.links) {
        if (!may_be_a_nic(link) || !is(link)) continue;
        if (found) return std::nullopt;
        found = link.name;
    }
    return found;
}

std::optional<IfName> where_is(const Identity& known, const bridges::State& kernel, BusOf bus_of) {
    if (known.mac)
        if (auto found = the_only(kernel, [&](const Link& link) { return own_mac(link) == known.mac; })) return found;
    if (known.bus.empty()) return std::nullopt;
    return the_only(kernel, [&](const Link& link) { return bus_of(link.name) == known.bus; });
}

IfName now(const IfName& name, const Renames& renames) {
    const auto found = renames.find(name);
    return found == renames.end() ? name : found->second;
}

void rename(Network& network, const Renames& renames) {
    if (network.nic) network.nic = now(*network.nic, renames);
}

void rename(Bond& bond, const Renames& renames) {
    std::set<IfName> nics;
    for (const IfName& nic : bond.nics) nics.insert(now(nic, renames));
    bond.nics = std::move(nics);
    if (const auto primary = bond.options.find("primary"); primary != bond.options.end())
        bond.options[primary->first] = now(IfName::observed(primary->second), renames).text();
}

}  // namespace

void learn(Identities& known, const Delta& delta, const bridges::State& kernel, BusOf bus_of) {
    const auto meet = [&](const IfName& nic) {
        if (const Link* link = kernel.links.find(nic); link && may_be_a_nic(*link)) known[nic] = {own_mac(*link), bus_of(nic)};
    };
    const auto each = [&](const auto& changes, auto&& look) {
        for (const auto& change : changes)
            std::visit([&](const auto& one) { if constexpr (requires { one.now; }) look(one.now); }, change);
    };
    each(delta.networks, [&](const Network& network) { if (network.nic) meet(*network.nic); });
    each(delta.bonds, [&](const Bond& bond) { for (const IfName& nic : bond.nics) meet(nic); });
}

bool is_known(const Link& link, const Identities& known, BusOf bus_of) {
    if (!may_be_a_nic(link)) return false;
    const std::string bus = bus_of(link.name);
    return std::any_of(known.begin(), known.end(), [&](const auto& one) {
        return (one.second.mac && one.second.mac == own_mac(link)) || (!bus.empty() && one.second.bus == bus);
    });
}

Identities identities_of(const Intent& intent, const bridges::State& kernel, const Identities& known, BusOf bus_of) {
    Identities identities;
    for (const IfName& nic : nics_of(intent)) {
        const auto before = known.find(nic);
        if (const Link* link = kernel.links.find(nic)) identities[nic] = {own_mac(*link), bus_of(nic)};
        else if (before != known.end()) identities.insert(*before);
    }
    return identities;
}

Renames renames(const Intent& intent, const Identities& known, const bridges::State& kernel, BusOf bus_of) {
    Renames found;
    for (const IfName& nic : nics_of(intent)) {
        const auto identity = known.find(nic);
        if (identity == known.end()) continue;
        const Link* same = kernel.links.find(nic);
        if (same && own_mac(*same) == identity->second.mac) continue;
        if (const auto device = where_is(identity->second, kernel, bus_of); device && *device != nic) found.emplace(nic, *device);
    }
    // A device that another definition means already, and rightly, is not this one.
    const Renames all = found;
    const auto meant = nics_of(intent);
    std::erase_if(found, [&](const auto& one) {
        const bool is_meant = meant.contains(one.second) && !all.contains(one.second);
        const auto shares = std::count_if(all.begin(), all.end(), [&](const auto& other) { return other.second == one.second; });
        return is_meant || shares > 1;
    });
    return found;
}

Renames still_missing(const Renames& renames, const bridges::State& kernel) {
    Renames missing;
    for (const auto& [name, device] : renames)
        if (!kernel.links.contains(name)) missing.emplace(name, device);
    return missing;
}

Intent renamed(const Intent& intent, const Renames& renames) {
    if (renames.empty()) return intent;
    Intent now = intent;
    for (Network network : intent.networks()) {
        rename(network, renames);
        now.put(network);
    }
    for (Bond bond : intent.bonds()) {
        rename(bond, renames);
        now.put(bond);
    }
    return now;
}

void rename(Request& request, const Renames& renames) {
    for (Network& network : request.networks) rename(network, renames);
    for (Bond& bond : request.bonds) rename(bond, renames);
}

}  // namespace intent
