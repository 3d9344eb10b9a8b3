// The MAC comes first: a card may move to another slot. The slot comes second: a card may be replaced.
#include "netd/intent/identity.hpp"

#include "bridges/bond_options.hpp"

#include <algorithm>

namespace intent {

bool may_be_a_nic(const bridges::Link& link) {
    const bool ours = topology::is_ours(link.owner);
    return !ours && link.facts.kind != "openvswitch" && (link.is_device() || link.as<bridges::Veth>());
}

namespace {

using bridges::Link;

std::set<IfName> nics_of(const Intent& intent) {
    std::set<IfName> nics;
    for (const Base& base : intent.bases())
        if (!intent.bonds().contains(base.device)) nics.insert(base.device);
    for (const Bond& bond : intent.bonds()) nics.insert(bond.nics.begin(), bond.nics.end());
    return nics;
}

// Of what comes or changes.
std::set<IfName> nics_of(const Delta& delta) {
    std::set<IfName> nics;
    const auto each = [](const auto& changes, auto&& look) {
        for (const auto& change : changes)
            std::visit([&](const auto& one) { if constexpr (requires { one.now; }) look(one.now); }, change);
    };
    each(delta.networks, [&](const Network& network) { if (network.nic) nics.insert(*network.nic); });
    each(delta.bonds, [&](const Bond& bond) { nics.insert(bond.nics.begin(), bond.nics.end()); });
    return nics;
}

std::optional<Mac> own_mac(const Link& link) { return link.facts.permanent_mac ? link.facts.permanent_mac : link.mac; }

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

// The device of that name is another known card, and neither by its MAC nor by its slot the one that had the name.
bool is_another(const IfName& nic, const Identities& known, const bridges::State& kernel, BusOf bus_of) {
    const auto own = known.find(nic);
    const Link* device = kernel.links.find(nic);
    if (own == known.end() || !own->second.mac || !device) return false;
    const std::optional<Mac> mac = own_mac(*device);
    if (!mac || mac == own->second.mac || (!own->second.bus.empty() && bus_of(nic) == own->second.bus)) return false;
    return std::any_of(known.begin(), known.end(), [&](const auto& other) { return other.second.mac == mac && where_is(other.second, kernel, bus_of) == nic; });
}

// As udev calls a card that it knows by nothing else.
IfName name_while_away(const Mac& mac) {
    std::string digits = mac.text();
    std::erase(digits, ':');
    return IfName::observed("enx" + digits);
}

// Where the NIC is, or what it is called as long as it is nowhere and its name is another's. None: what it was.
std::optional<IfName> other_name(const IfName& nic, const Identities& known, const bridges::State& kernel, BusOf bus_of) {
    const auto identity = known.find(nic);
    if (identity == known.end()) return std::nullopt;
    const Link* same = kernel.links.find(nic);
    if (same && own_mac(*same) == identity->second.mac) return std::nullopt;
    if (const auto device = where_is(identity->second, kernel, bus_of)) return *device == nic ? std::nullopt : device;
    if (!is_another(nic, known, kernel, bus_of)) return std::nullopt;
    const IfName away = name_while_away(*identity->second.mac);
    return kernel.links.contains(away) ? std::nullopt : std::optional(away);
}

// Not the one that the kernel made up for a bond without ports, nor that of the port that is active.
bool has_mac_of_its_own(const Link& link, const Bond& bond, const bridges::State& kernel) {
    if (!link.as<bridges::Bond>() || bridges::has_mac_of_ports(link)) return false;
    return std::ranges::any_of(bond.nics, [&](const IfName& nic) {
        const Link* port = kernel.links.find(nic);
        return port && port->master && port->master->of == bond.name;
    });
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
    for (const IfName& nic : nics_of(delta)) {
        const Link* link = kernel.links.find(nic);
        if (link && may_be_a_nic(*link) && !is_another(nic, known, kernel, bus_of)) known[nic] = {own_mac(*link), bus_of(nic)};
    }
}

Identities known_of(const Delta& delta, const Identities& known) {
    Identities of;
    for (const IfName& nic : nics_of(delta))
        if (const auto found = known.find(nic); found != known.end()) of.insert(*found);
    return of;
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
        const Link* link = kernel.links.find(nic);
        if (link && !is_another(nic, known, kernel, bus_of)) identities[nic] = {own_mac(*link), bus_of(nic)};
        else if (before != known.end()) identities.insert(*before);
    }
    for (const Bond& bond : intent.bonds()) {
        const auto before = known.find(bond.name);
        const Link* link = kernel.links.find(bond.name);
        if (link && has_mac_of_its_own(*link, bond, kernel)) identities[bond.name] = {link->mac};
        else if (before != known.end()) identities.insert(*before);
    }
    return identities;
}

Renames renames(const Intent& intent, const Identities& known, const bridges::State& kernel, BusOf bus_of) {
    const std::set<IfName> meant = nics_of(intent);
    Renames found;
    for (const IfName& nic : meant)
        if (const auto other = other_name(nic, known, kernel, bus_of)) found.emplace(nic, *other);
    const Renames all = found;
    std::erase_if(found, [&](const auto& one) { return std::ranges::count(all, one.second, &Renames::value_type::second) > 1; });
    // A device that another definition means already, and rightly, is not this one; and who stays for that may be in the way of the next.
    while (std::erase_if(found, [&](const auto& one) { return meant.contains(one.second) && !found.contains(one.second); }) > 0) {}
    return found;
}

Renames chained(Renames before, const Renames& next) {
    std::set<IfName> led_to;
    for (auto& [name, device] : before) {
        led_to.insert(device);
        device = now(device, next);
    }
    for (const auto& [name, device] : next) {
        if (led_to.contains(name)) before.emplace(name, device);
        else before.insert_or_assign(name, device);  // no earlier one led to it: somebody has named a card by it since
    }
    std::erase_if(before, [](const auto& one) { return one.first == one.second; });
    return before;
}

Identities beside(const Identities& known, const Identities& others) {
    const auto know = [&](const Identity& card) { return std::ranges::any_of(others, [&](const auto& other) { return other.second.mac == card.mac; }); };
    Identities all = known;
    for (const auto& [name, one] : others) {
        const auto same = known.find(name);
        if (!one.mac || (same != known.end() && (same->second.mac == one.mac || !know(same->second)))) continue;  // known, or replaced
        all.emplace(name_while_away(*one.mac), one);
    }
    return all;
}

Identities moved(const Identities& known, const Renames& renames) {
    Identities there;
    for (const auto& [name, device] : renames)
        if (const auto found = known.find(name); found != known.end()) there.emplace(device, found->second);
    for (const auto& one : known)
        if (!renames.contains(one.first)) there.insert(one);
    return there;
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

void rename(Request& request, const Renames& renames, const Intent& running, const bridges::State& kernel) {
    if (renames.empty()) return;
    Renames missing = renames;
    std::erase_if(missing, [&](const auto& one) { return kernel.links.contains(one.first); });
    for (Network& network : request.networks) {
        const Network* there = running.networks().find(network.name);
        const auto old = network.nic ? renames.find(*network.nic) : renames.end();
        const bool waits = old != renames.end() && there && there->nic == old->second && !kernel.links.contains(old->second);
        rename(network, waits ? renames : missing);
    }
    for (Bond& bond : request.bonds) {
        Bond meant = bond;
        rename(meant, missing);
        if (meant.nics.size() == bond.nics.size()) bond = std::move(meant);
    }
}

}  // namespace intent
