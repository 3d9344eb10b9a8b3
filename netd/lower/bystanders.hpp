// What others made and a change can't help touching: on the way back it is as it was, and where a bond is down for a moment it comes back at once.
#pragma once

#include "netd/lower/lower.hpp"

#include <optional>
#include <vector>

namespace lower {

// Routes that others made over a device that goes, or is about to lose its addresses, so that a rollback brings them back; VLANs that
// others made on what goes or has a lower MTU from now on, and ports that they plugged into a bridge that goes, likewise. A bridge that
// somebody renamed is left to what others have on it.
void include_bystanders(Goal& goal, const Host& host);

// What others made, and the link of netd's, or of its part of Open vSwitch, on which it stands: it goes when that goes.
struct Stack {
    const bridges::Link *lower, *upper;
};
std::vector<Stack> stacks(const Host& host);

// One of which the lower goes, or is made anew: nobody could bring back what is on it.
std::optional<Stack> carried_away(const Goal& goal, const Host& host, const std::vector<Stack>& stacks);

// A bond that must be down for what it shall become takes along what the kernel forgets of a device that is down: IPv6 addresses and
// routes, of VLANs on it, too. What others made there is wanted as it is.
void keep_what_bonds_bring_down(Goal& goal, const Host& host);

}  // namespace lower
