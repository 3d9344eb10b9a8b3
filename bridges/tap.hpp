// Taps: the one kind of link that is not made by netlink.
#pragma once

#include "bridges/resources.hpp"
#include "topology/result.hpp"

#include <functional>
#include <span>

namespace bridges {

// Makes a tap that stays. `mark` is called while it is there but does not stay yet, so that a tap without its owner's
// mark dies with netd.
topology::Result<> make_tap(const IfName& name, const Tap& tap, const std::function<topology::Result<>()>& mark);

// Opens a tap that is there as a hypervisor does, for as long as `use` takes: a descriptor for each queue, by which frames
// come and go with their vnet header, and as many of /dev/vhost-net, or none where the kernel has no vhost. "No": conflict
// while somebody has the queues already.
using UseOfTap = std::function<topology::Result<>(std::span<const int> queues, std::span<const int> vhosts)>;
topology::Result<> lend_tap(const IfName& name, const Tap& tap, const UseOfTap& use);

bool can_make_taps();

}  // namespace bridges
