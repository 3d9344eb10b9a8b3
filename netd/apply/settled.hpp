// The last answer that the host is as it is wanted: the same question about the same host needs no second look.
#pragma once

#include "netd/intent/intent.hpp"
#include "netd/lower/lower.hpp"

namespace apply {

struct Settled {
    intent::Intent wanted;
    lower::Touched named;       // what was looked at by name
    lower::Scope scope;         // the things that were
    lower::HostState observed;  // when it was so

    // True if these were.
    bool includes(const lower::Touched& others) const;

    // True if the answer holds for what is observed now: nothing came or went, and nothing that was looked at changed. Costs
    // what has changed since.
    bool holds(const lower::HostState& now) const;
};

}  // namespace apply
