// What can be set on a bridge: which keys there are, what they may be, and what the kernel makes them by default.
#pragma once

#include "bridges/resources.hpp"
#include "topology/result.hpp"

#include <string_view>

namespace bridges {

// "stp_state=1 group_fwd_mask=8" in canonical text. Unknown keys and values that the kernel refuses are an error.
topology::Result<Options> parse_bridge_options(std::string_view text);

// What a new bridge has; none for a key that is none.
std::optional<std::string> bridge_option_default(std::string_view key);

}  // namespace bridges
