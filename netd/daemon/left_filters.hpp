// Filters in the kernel that ports have no more.
#pragma once

#include "bridges/kernel.hpp"

#include <set>

namespace netd {

// Takes away those of ports that are gone, and of these. That it can't be done is told in the log, and nothing waits for it.
void forget_filters(bridges::Kernel& kernel, const std::set<topology::IfName>& released = {});

// Ports that are others' to filter: neither a filter of netd's, nor what guards one, is left there.
void let_go_of(const std::set<topology::IfName>& ports, bridges::Kernel& kernel);

}  // namespace netd
