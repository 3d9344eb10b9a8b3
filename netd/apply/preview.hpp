// Which steps a change would take, from values alone: for dry runs on any thread, and for the transaction itself.
#pragma once

#include "netd/apply/transaction.hpp"
#include "netd/intent/request.hpp"
#include "netd/plan/plan.hpp"

namespace apply {

// How a request wants to be carried out.
inline Terms terms_of(const intent::Request& request) {
    Terms terms;
    if (request.options.connectivity_check) terms.within = std::chrono::seconds(request.options.connectivity_timeout);
    terms.commit = request.options.commit_on_success;
    if (request.options.timeout) terms.timeout = std::chrono::seconds(*request.options.timeout);
    // What is named is looked at although it may be asked for once more: that is how a deleted device is healed.
    for (const auto& network : request.networks) terms.named.networks.insert(network.name);
    for (const auto& bond : request.bonds) terms.named.bases.insert(bond.name);
    return terms;
}

// The goal of a change from `running` to `wanted`, the things that the terms name looked at in any case. Pure.
lower::Goal goal_of(const intent::Intent& running, const intent::Intent& wanted, const Terms& terms, const lower::Host& host);

// The complaint (31 of a bond, else 24) if something that netd did not make would go with a link of netd's. Pure.
std::optional<intent::Complaint> carried_away(const intent::Intent& running, const intent::Intent& wanted, const Terms& terms, const lower::Host& host);

// What such a change would do to what others have: give an address that a network has by its lease (22), else take a bridge from their
// ports (24), else the above. Empty: nothing. Pure.
intent::Complaints harm_to_others(const intent::Request& request, const intent::Intent& running, const intent::Intent& wanted, const Terms& terms, const lower::Host& host);

// What is left to do for it. Pure.
plan::Plan preview(const intent::Intent& running, const intent::Intent& wanted, const Terms& terms, const lower::HostState& observed,
                   const lower::Host& host);

}  // namespace apply
