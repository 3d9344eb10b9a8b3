// How netd knows links of its making in the moments when they do not carry their owner's alias.
#pragma once

#include <cstdint>
#include <string_view>

namespace bridges {

// The link group of what is made but not yet marked: the kernel takes an alias only after the creation.
constexpr std::uint32_t unmarked_group = 0x6e657464;  // "netd"

// The role that such a link is reported with.
constexpr std::string_view unmarked_role = "unfinished";

}  // namespace bridges
