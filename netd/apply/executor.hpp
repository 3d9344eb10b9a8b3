// Carries a plan out, stage by stage, until the host is as wanted or somebody says no.
#pragma once

#include "netd/lower/host_state.hpp"
#include "netd/observe/backends.hpp"
#include "netd/plan/plan.hpp"

#include <chrono>

namespace apply {

using observe::Backends;
using topology::Error;
using topology::Fault;
using topology::Result;

// Carries out one plan. Success says only that nobody refused.
Result<> execute(const plan::Plan& plan, const Backends& backends, std::chrono::steady_clock::time_point deadline);

// Plans, executes and looks again until nothing is left to do. A "no": what was refused, or what still differs.
Result<> reach(const lower::HostState& wanted, const lower::Scope& scope, const Backends& backends, std::chrono::steady_clock::time_point deadline);

// The host hears nothing of those whom Open vSwitch keeps to their MAC, and of all others. It stays as it was, be it a netd's before, where
// Open vSwitch can't say who they are: it forwards though its database is dead.
Result<> keep_unheard(const Backends& backends);

// Nothing of ours takes longer; OVS with a thousand ports to delete does take a while.
constexpr std::chrono::seconds longest_apply{120};

// One pass that does not stop at a refusal: for a boot, which has nothing to go back to, and for a way back that is blocked.
void reach_in_part(const lower::HostState& wanted, const lower::Scope& scope, const Backends& backends, std::chrono::steady_clock::time_point deadline);

}  // namespace apply
