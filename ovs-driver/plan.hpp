// Which changes lead from what OVSDB has to what is wanted.
#pragma once

#include "ovs-driver/state.hpp"

#include <vector>

namespace ovs {

// Ports and bridges that go come before what comes, so that a NIC is free before somebody else takes it.
enum class Phase { release, build };

struct Step {
    Op op;
    Phase phase = Phase::build;
    bool operator==(const Step&) const = default;
};

// Same contract as bridges::plan: `have` is restricted to what the request is about; what is ours and not wanted goes.
// A port that moves between bridges is one Update. A port whose device is made again is the caller's affair. Pure.
std::vector<Step> plan(const State& want, const State& have);

}  // namespace ovs
