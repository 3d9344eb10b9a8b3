// From a request to the terms of its transaction; shared by those who preview and those who do.
#pragma once

#include "netd/apply/transaction.hpp"
#include "netd/intent/request.hpp"

namespace apply {

inline Terms terms_of(const intent::Request& request) {
    Terms terms;
    terms.confirm = request.options.connectivity_check;
    terms.within = std::chrono::seconds(request.options.connectivity_timeout);
    terms.commit = request.options.commit_on_success;
    if (request.options.timeout) terms.timeout = std::chrono::seconds(*request.options.timeout);
    // What is named is looked at although it may be asked for once more: that is how a deleted device is healed.
    for (const auto& network : request.networks) terms.named.insert(network.name);
    for (const auto& bond : request.bonds) terms.named_bases.insert(bond.name);
    return terms;
}

}  // namespace apply
