// See gates.hpp.
#include "netd/lower/gates.hpp"

#include <algorithm>
#include <string_view>

namespace lower {

std::optional<bool> gates_of(const bridges::Abilities& abilities, const std::string& hypervisor) {
    return abilities.gates ? std::optional(!hypervisor.empty()) : std::nullopt;
}

bool waits_at_gate(const bridges::Link& link, const bridges::State& kernel) {
    if (link.admitted != false || link.filter || !link.master || !link.master->of) return false;
    const bridges::Link* bridge = kernel.links.find(*link.master->of);
    return bridge && bridge->gate == true;
}

std::vector<topology::IfName> waiting_at_gates(const bridges::State& kernel) {
    std::vector<topology::IfName> waiting;
    for (const bridges::Link& link : kernel.links)
        if (waits_at_gate(link, kernel)) waiting.push_back(link.name);
    return waiting;
}

std::set<topology::IfName> made_by_hypervisor(const guests::State& guests) {
    std::set<topology::IfName> taps;
    for (const guests::Nic& nic : guests.nics) {
        taps.insert(nic.facts.twins.begin(), nic.facts.twins.end());
        if (nic.device && !nic.facts.ours) taps.insert(*nic.device);
    }
    return taps;
}

bool is_named_by_libvirt(const topology::IfName& tap) {
    constexpr std::string_view prefix = "vnet";
    const std::string& name = tap.text();
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    return name.size() > prefix.size() && name.starts_with(prefix) && std::ranges::all_of(name.begin() + prefix.size(), name.end(), is_digit);
}

bool can_be_admitted(const topology::IfName& tap) { return bool(topology::IfName::parse(tap.text())); }

bool is_of_others(const topology::IfName& tap, const Testimony& testimony) {
    const bool is_likely_its = is_named_by_libvirt(tap);
    if (!testimony.connected) return !is_likely_its && testimony.since >= longest_silence;
    return testimony.has_been_asked && (!is_likely_its || testimony.since >= longest_plugging);
}

}  // namespace lower
