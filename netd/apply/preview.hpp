// Which steps a change would take, from values alone: for dry runs on any thread, and for the transaction itself.
#pragma once

#include "netd/apply/transaction.hpp"
#include "netd/plan/plan.hpp"

namespace apply {

// The goal of a change from `running` to `wanted`, the things that the terms name looked at in any case. Pure.
lower::Goal goal_of(const intent::Intent& running, const intent::Intent& wanted, const Terms& terms, const lower::Host& host);

// What is left to do for it. Pure.
plan::Plan preview(const intent::Intent& running, const intent::Intent& wanted, const Terms& terms, const lower::HostState& observed,
                   const lower::Host& host);

}  // namespace apply
