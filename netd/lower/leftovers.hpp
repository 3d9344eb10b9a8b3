// What would be left over: what others put on a bridge of Open vSwitch that goes, and what netd made and nothing is defined of any more.
#pragma once

#include "netd/lower/lower.hpp"

#include <functional>

namespace lower {

// Ports and mirrors of others go where the networks of their bridge go, if that is one place. Else the bridge is left to them
// (ovs::plan): the scope has them, so that this is known.
void keep_what_others_plugged(Goal& goal, const Host& host);

// Open vSwitch's database outlives a boot, and names of NICs change: what has such a mark of netd's in it, and every filtering bridge with
// such a one, that no definition of `all` stands for is taken away too. Ports of guests that live are left, whoever they are, with their
// bridges and all that netd has there.
using IsSuch = std::function<bool(const topology::Owner&)>;
void include_leftovers(Goal& goal, const intent::Intent& all, const Host& host, const IsSuch& is_such);
IsSuch of_any();
IsSuch of_nics(const std::set<IfName>& nics);  // the bridges that are named after them, and their uplinks

// The same for a way back to `before`: what others have plugged in meanwhile stays.
void include_what_others_plugged(Scope& scope, const HostState& before, const ovs::State& there);

}  // namespace lower
