// Where a network namespace is, by its name as `ip netns` keeps it, or by a path; and whether there is room in it.
#pragma once

#include "topology/names.hpp"

#include <string>

namespace bridges {

inline std::string netns_path(const std::string& path_or_name) { return path_or_name.starts_with('/') ? path_or_name : "/run/netns/" + path_or_name; }

// Whether something in that namespace is called so, be it by an alternative name. Nothing is in one that can't be asked.
bool has_link(const std::string& path_or_name, const topology::IfName& name);

}  // namespace bridges
