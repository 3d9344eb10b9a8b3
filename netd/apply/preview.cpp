// The one place that says what a change touches.
#include "netd/apply/preview.hpp"

namespace apply {

lower::Goal goal_of(const intent::Intent& running, const intent::Intent& wanted, const Terms& terms, const lower::Host& host) {
    lower::Touched touched = lower::touched_by(intent::difference(running, wanted), running, wanted);
    for (const auto& name : terms.named) {
        touched.networks.insert(name);
        const intent::Network* network = wanted.networks().find(name);
        if (network && network->base()) touched.bases.insert(*network->base());
        for (const auto& nic : wanted.plugged_into(name)) touched.nics.insert(nic.key());
    }
    if (host.leases) touched.networks.merge(lower::with_other_ways(running, wanted, *host.leases));
    touched.nics.insert(terms.named_nics.begin(), terms.named_nics.end());
    touched.bases.insert(terms.named_bases.begin(), terms.named_bases.end());
    return lower::goal(running, wanted, touched, host);
}

plan::Plan preview(const intent::Intent& running, const intent::Intent& wanted, const Terms& terms, const lower::HostState& observed,
                   const lower::Host& host) {
    const lower::Goal goal = goal_of(running, wanted, terms, host);
    return plan::make(goal.wanted, lower::restricted(observed, goal.scope));
}

}  // namespace apply
