// Taps: the one kind of link that is not made by netlink.
#pragma once

#include "bridges/resources.hpp"
#include "topology/result.hpp"

#include <functional>

namespace bridges {

// Makes a tap that stays. `mark` is called while it is there but does not stay yet, so that a tap without its owner's
// mark dies with netd.
topology::Result<> make_tap(const IfName& name, const Tap& tap, const std::function<topology::Result<>()>& mark);

bool can_make_taps();

}  // namespace bridges
