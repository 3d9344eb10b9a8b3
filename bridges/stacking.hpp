// Which link stands on which, whatever its kind: the upper one goes with the lower.
#pragma once

#include "bridges/state.hpp"

namespace bridges {

bool stands_on(const Link& upper, const Link& lower);

// It takes what comes in by the link that it stands on: the kernel makes such a one a port of nothing.
bool takes_all_that_comes(const Link& upper);

}  // namespace bridges
