// What keeps networks apart, and whether somebody has meddled with it.
#pragma once

#include "netd/observe/snapshot.hpp"

namespace observe {

// Whether, of links and ports that were there before, it is another one now: of which bridge they are ports, with which VLANs, isolated
// from each other or not, what a bridge does with tags. One that is on no bridge any more is not, whoever else is. By whoever it was: netd's own changes come with other definitions.
bool is_kept_apart_otherwise(const Snapshot& was, const Snapshot& now);

}  // namespace observe
