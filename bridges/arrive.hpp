// The second half of a plan: what comes and what changes, once all that goes is gone.
#pragma once

#include "bridges/journey.hpp"
#include "bridges/plan.hpp"

namespace bridges {

// Steps of the phases build, late, shrink and address that links need. departures() was called on the journeys before.
std::vector<Step> arrivals(Journeys& journeys);

}  // namespace bridges
