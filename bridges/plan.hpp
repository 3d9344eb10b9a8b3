// Which changes lead from what the kernel has to what is wanted, and in which order.
#pragma once

#include "bridges/state.hpp"

#include <vector>

namespace bridges {

// The order of a plan. All steps of one phase and level are independent of each other.
enum class Phase {
    release,  // routes of the main table and addresses that go; ports that leave; rules that let nothing through come
    remove,   // links that go
    build,    // links that come or change, what lies below first (level); MTUs rise, below first
    late,     // links that somebody else makes in between (OVS internal ports): what we want of them
    traffic,  // limits, shares and copies come, once all that they name is there
    shrink,   // MTUs fall, above first (level)
    address,  // addresses come
    route,    // routes and rules come, then others' routes of tables of their own and rules go
};

struct Step {
    Op op;
    Phase phase = Phase::build;
    int level = 0;
    bool operator==(const Step&) const = default;
};

// `have` is restricted to the things that the request is about: whatever is in it, is ours, and is not in `want`, goes;
// a foreign thing stays. A wanted link that is not there and has no kind is one that somebody else makes (phase late).
// An Update's `now` has only those attributes set that shall change in that step. Pure.
std::vector<Step> plan(const State& want, const State& have);

}  // namespace bridges
