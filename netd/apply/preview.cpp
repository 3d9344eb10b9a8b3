// The one place that says what a change touches.
#include "netd/apply/preview.hpp"

#include "netd/lower/bystanders.hpp"
#include "netd/lower/plugged.hpp"

#include <fmt/format.h>

namespace apply {

lower::Goal goal_of(const intent::Intent& running, const intent::Intent& wanted, const Terms& terms, const lower::Host& host) {
    lower::Touched touched = lower::touched_by(intent::difference(running, wanted), running, wanted);
    for (const auto& name : terms.named.networks) {
        touched.networks.insert(name);
        const intent::Network* network = wanted.networks().find(name);
        if (network && network->base()) touched.bases.insert(*network->base());
        for (const auto& nic : wanted.plugged_into(name)) touched.nics.insert(nic.key());
    }
    if (host.leases) touched.networks.merge(lower::with_other_ways(running, wanted, *host.leases));
    touched.nics.insert(terms.named.nics.begin(), terms.named.nics.end());
    touched.bases.insert(terms.named.bases.begin(), terms.named.bases.end());
    return lower::goal(running, wanted, touched, host);
}

namespace {

// Of whose definition the link is a part.
std::string place_of(const bridges::Link& link, const intent::Intent& running) {
    const std::string role = link.owner && link.owner->role ? *link.owner->role : "";
    if (role.starts_with("network ")) return intent::pointer({"networks", role.substr(8)});
    if (role.starts_with("bond ")) return intent::pointer({"bondings", role.substr(5)});
    const intent::Base* base = role.starts_with("base ") ? running.bases().find(topology::IfName::observed(role.substr(5))) : nullptr;
    if (base) return intent::pointer({"networks", base->riders.begin()->network.text()});
    return running.network(link.name.text()) ? intent::pointer({"networks", link.name.text()}) : "/networks";
}

}  // namespace

std::optional<intent::Complaint> carried_away(const intent::Intent& running, const intent::Intent& wanted, const Terms& terms, const lower::Host& host) {
    const auto stacks = lower::stacks(host);
    if (stacks.empty()) return std::nullopt;
    const auto gone = lower::carried_away(goal_of(running, wanted, terms, host), host, stacks);
    if (!gone) return std::nullopt;
    const std::string place = place_of(*gone->lower, running);
    return intent::Complaint{place.starts_with("/bondings") ? intent::code::used_bond : intent::code::used_nic, place, Fault::denied,
                             fmt::format("'{}', which netd did not make, is on {} and would go with it; remove it first", gone->upper->name.text(), gone->lower->name.text())};
}

intent::Complaints harm_to_others(const intent::Request& request, const intent::Intent& running, const intent::Intent& wanted, const Terms& terms, const lower::Host& host) {
    if (host.leases)
        if (auto taken = lower::leased_to_others(request, running, wanted, *host.leases); !taken.empty()) return taken;
    auto complaints = lower::cut_off_by(request, running, wanted, host.kernel);
    if (!complaints.empty()) return complaints;
    if (auto other = carried_away(running, wanted, terms, host)) complaints.push_back(std::move(*other));
    return complaints;
}

plan::Plan preview(const intent::Intent& running, const intent::Intent& wanted, const Terms& terms, const lower::HostState& observed,
                   const lower::Host& host) {
    const lower::Goal goal = goal_of(running, wanted, terms, host);
    return plan::make(goal.wanted, lower::restricted(observed, goal.scope));
}

}  // namespace apply
