// Where a device is plugged in, as its driver says.
#pragma once

#include "topology/names.hpp"

#include <string>

namespace bridges {

// "0000:03:00.0" of a PCI device, "usb-…" of one on USB; "" of a device without a bus, or one that is not there.
std::string bus_of(const topology::IfName& name);

}  // namespace bridges
