// Where a network namespace is, by its name as `ip netns` keeps it, or by a path.
#pragma once

#include <string>

namespace bridges {

inline std::string netns_path(const std::string& path_or_name) { return path_or_name.starts_with('/') ? path_or_name : "/run/netns/" + path_or_name; }

}  // namespace bridges
