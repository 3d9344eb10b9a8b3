// What the kernel moves by itself when something else moves: MTUs, and the MACs of bridges.
#pragma once

#include "bridges/journey.hpp"
#include "bridges/plan.hpp"

namespace bridges {

// The MTUs of links that are there rise from below before anything stands on them (phase build) and fall from above at
// the end (phase shrink); after that, what the kernel will have moved meanwhile is said again, from below.
std::vector<Step> settling_steps(Journeys& journeys);

// The MTU of a bridge whose ports may have moved it, said again before something comes to stand on it.
std::optional<Step> before_it_carries(const Journey& bridge, Phase phase, int level);

// The link as a step's `was`: as it is there, or, of one that is made, by its name alone.
Link before(const Journey& journey);

}  // namespace bridges
