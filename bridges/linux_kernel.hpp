// The seam's real side: the kernel of the network namespace in which it is opened.
#pragma once

#include "bridges/kernel.hpp"
#include "topology/services.hpp"

#include <memory>

namespace bridges {

// Looks at everything once. Services: what the host answers on networks, by role. Error: no netlink, or not allowed to.
Result<std::unique_ptr<Kernel>> open_linux_kernel(topology::Services services = topology::usual_services());

}  // namespace bridges
