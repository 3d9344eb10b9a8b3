// What of the host is not netd's to change, and disturbs its networks all the same.
#pragma once

#include <string>
#include <vector>

namespace observe {

// A sentence each, of what is so at this moment. `bridges` is where the kernel has br_netfilter's settings of this network namespace.
std::vector<std::string> disturbances(const std::string& bridges = "/proc/sys/net/bridge");

}  // namespace observe
