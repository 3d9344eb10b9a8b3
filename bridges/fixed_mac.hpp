// Whether a device can be given another MAC, which netlink tells of none.
#pragma once

#include "bridges/resources.hpp"

#include <functional>

namespace bridges {

// By ioctl, which changes nothing. False where it can't be asked, too.
bool has_fixed_mac(const IfName& device);
using HasFixedMac = std::function<bool(const IfName&)>;

}  // namespace bridges
