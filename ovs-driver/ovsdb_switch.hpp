// The real Open vSwitch behind the seam.
#pragma once

#include "ovs-driver/switch.hpp"

#include <memory>
#include <string>

namespace ovs {

// Never fails: that nobody answers at the socket ("unix:/run/openvswitch/db.sock") is a state, and hear() notices when
// somebody does. To be made, used and destroyed by one thread.
std::unique_ptr<Switch> open_switch(std::string socket);

}  // namespace ovs
