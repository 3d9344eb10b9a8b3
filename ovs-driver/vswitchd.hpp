// Whether ovs-vswitchd is there at all.
#pragma once

#include <string>

namespace ovs {

// True if nobody listens at the sockets by which it is managed, ovs-vswitchd*.ctl in the folder ("/run/openvswitch"): it has died
// or was never started. One that is only slow, or stopped by a signal, is there.
bool vswitchd_is_gone(const std::string& folder);

}  // namespace ovs
