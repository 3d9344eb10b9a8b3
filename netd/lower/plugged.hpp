// Ports that others plugged into Linux bridges of netd's: where they go when such a bridge goes. Those of Open vSwitch: leftovers.hpp.
#pragma once

#include "netd/intent/identity.hpp"
#include "netd/intent/request.hpp"
#include "netd/lower/lower.hpp"

namespace lower {

// They go where their network goes, if that is a Linux bridge, and from a bridge that somebody renamed to the one that takes its place.
// The bridges of all others are left to them.
void keep_ports_of_others(Goal& goal, const intent::Intent& was, const intent::Intent& now, const Host& host);

// The bridge of a NIC that is called otherwise now has another name, too: they go there.
void keep_ports_of_renamed(Goal& goal, const intent::Intent& all, const intent::Renames& renames, const Host& host);

// What is in the scope, not wanted and has such ports stays, without netd's mark, its gate, and the addresses that `made` has of it. Pure.
void leave_bridges_to_others(HostState& wanted, const Scope& scope, const HostState& made, const bridges::State& there);

// Open vSwitch needs the name of such a bridge, and is not netd's to be given ports of others: who would be left without a bridge. Pure.
intent::Complaints cut_off_by(const intent::Request& request, const intent::Intent& was, const intent::Intent& now, const bridges::State& there);

}  // namespace lower
