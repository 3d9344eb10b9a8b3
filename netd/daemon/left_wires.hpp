// What routers said on a wire that a device is no longer on.
#pragma once

#include "netd/apply/transaction.hpp"
#include "netd/lower/router_ways.hpp"
#include "netd/observe/backends.hpp"
#include "netd/store/store.hpp"

#include <set>
#include <vector>

namespace netd {

// Has the kernel forget the addresses and ways that it has by that device from routers, when nothing comes from the wire of before any more.
// Those of the wire where it is now are the greeter's to ask.
void forget_wire(const observe::Backends& backends, topology::IfName device);

// Who heard routers where as a netd died while its change waited to be confirmed, or after it had, on the way back; nobody if none did.
std::vector<lower::Hearing> heard_in_change(const store::Remembered& remembered);

// The devices that hear routers on another wire now, as these definitions stand; none unless the change was taken back.
std::set<topology::IfName> left_wires(const std::vector<lower::Hearing>& were, const apply::Outcome& outcome, const intent::Intent& standing);

}  // namespace netd
