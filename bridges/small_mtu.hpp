// What comes and goes with an MTU.
#pragma once

#include "topology/numbers.hpp"

#include <optional>

namespace bridges {

// Below the MTU that IPv6 needs (RFC 8200) the kernel takes the link's part of IPv6 away, with all of its settings; with an MTU that is
// large enough it comes anew, as the defaults say.
inline bool is_too_small_for_ipv6(const std::optional<topology::Mtu>& mtu) { return mtu && mtu->number() < 1280; }

}  // namespace bridges
