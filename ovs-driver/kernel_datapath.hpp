// Whether this kernel can switch frames for Open vSwitch by itself.
#pragma once

namespace ovs {

// Asks the kernel for the generic netlink family of its OVS datapath (which also loads the module where there is one).
// False if it has none or can't be asked.
bool kernel_has_datapath();

}  // namespace ovs
