// What others made and a change can't help touching: on the way back it is as it was, and where a bond is down for a moment it comes back at once.
#pragma once

#include "netd/lower/lower.hpp"

namespace lower {

// Routes that others made over a device that goes, or is about to lose its addresses, so that a rollback brings them back; VLANs that
// others made on what goes, and ports that they plugged into a bridge that goes, likewise.
void include_bystanders(Goal& goal, const Host& host);

// A bond that must be down for what it shall become takes along what the kernel forgets of a device that is down: IPv6 addresses and
// routes, of VLANs on it, too. What others made there is wanted as it is.
void keep_what_bonds_bring_down(Goal& goal, const Host& host);

}  // namespace lower
