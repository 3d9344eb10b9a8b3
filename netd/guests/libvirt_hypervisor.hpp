// The hypervisor that there is: libvirt, over a connection that comes and goes.
#pragma once

#include "netd/guests/hypervisor.hpp"

#include <memory>

namespace guests {

// Returns at once; the first connection is tried on the hypervisor's own thread. An empty address is nobody's: null.
std::unique_ptr<Hypervisor> open_libvirt(const std::string& uri);

// Waits until libvirt answers, at the longest until the deadline.
bool await(Hypervisor& hypervisor, Deadline deadline);

}  // namespace guests
