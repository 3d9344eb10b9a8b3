// Whether what runs would be what a boot brings back.
#pragma once

#include "netd/intent/intent.hpp"

namespace intent {

// The same networks and bonds. NICs of guests, which no boot brings back, don't count.
inline bool define_the_same(const Intent& one, const Intent& other) { return one.networks() == other.networks() && one.bonds() == other.bonds(); }

}  // namespace intent
