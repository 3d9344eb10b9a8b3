// What routers said on a wire that a device is no longer on.
#pragma once

#include "netd/apply/transaction.hpp"
#include "netd/lower/router_ways.hpp"
#include "netd/observe/backends.hpp"
#include "netd/store/store.hpp"

#include <set>
#include <vector>

namespace netd {

// Has the kernel forget the addresses and ways that it has by these devices from routers, when nothing comes from the wires of before any
// more: that is waited for once, as nothing else is done meanwhile. Those of the wires where they are now are the greeter's to ask.
void forget_wires(const observe::Backends& backends, const std::set<topology::IfName>& devices);

// Who heard routers where as a netd died while its change waited to be confirmed, or after it had, on the way back; nobody if none did.
std::vector<lower::Hearing> heard_in_change(const store::Remembered& remembered);

// The devices that hear routers on another wire now, as these definitions stand; none unless the change was taken back.
std::set<topology::IfName> left_wires(const std::vector<lower::Hearing>& were, const apply::Outcome& outcome, const intent::Intent& standing);

}  // namespace netd
