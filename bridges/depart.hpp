// The first half of a plan: what goes before anything comes, and what is there once it is gone.
#pragma once

#include "bridges/journey.hpp"
#include "bridges/plan.hpp"

namespace bridges {

// Steps of the phases release and remove that links need. Fills in `left` and `stirred` of every journey.
std::vector<Step> departures(Journeys& journeys);

}  // namespace bridges
