// See left_filters.hpp.
#include "netd/daemon/left_filters.hpp"

#include "netd/daemon/log.hpp"

namespace netd {

void forget_filters(bridges::Kernel& kernel, const std::set<topology::IfName>& released) {
    if (auto forgotten = kernel.forget_filters(released); !forgotten) log::warn("filters of ports that are gone stay: {}", forgotten.error().what);
}

}  // namespace netd
