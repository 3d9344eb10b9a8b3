// Whether this kernel can switch frames for Open vSwitch by itself.
#pragma once

#include <chrono>

namespace ovs {

// Asks the kernel for the generic netlink family of its OVS datapath (which also loads the module where there is one).
// False if it has none or can't be asked.
bool kernel_has_datapath();

// The kernel loads a module for who asks, or looks for one, so that not every change asks.
class KernelDatapath {
public:
    bool is_there();

private:
    bool has_been_found_ = false;
    std::chrono::steady_clock::time_point next_look_ = {};
};

}  // namespace ovs
