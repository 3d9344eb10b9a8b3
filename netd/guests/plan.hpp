// Which changes lead from what the guests have to what is wanted.
#pragma once

#include "netd/guests/state.hpp"
#include "topology/compare.hpp"

#include <vector>

namespace guests {

// A NIC is let go before its port is taken away, and its cable drawn before it moves; it is plugged in only when its port
// is wired, tagged and filtered.
enum class Phase { release, build };

struct Step {
    Op op;
    Phase phase = Phase::build;
    bool operator==(const Step&) const = default;
};

// In what the NIC is not as it is wanted; what is said only at plugging in does not count.
std::vector<topology::Difference> deviations(const Nic& want, const Nic& have);

// Same contract as bridges::plan: `have` is restricted to what the request is about; what is ours and not wanted goes. A
// NIC of another make is taken out and put in again. Pure.
std::vector<Step> plan(const State& want, const State& have);

}  // namespace guests
