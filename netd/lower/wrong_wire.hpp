// Bridges are called after their cards: where cards have each other's names, one network's guests are on the wire of another.
#pragma once

#include "netd/lower/lower.hpp"

namespace lower {

// Of networks whose NIC is called otherwise now: what they have on the bridge of another NIC's networks, or would have there by this goal,
// carries nothing. Guests' ports are taken off it, the network's own device goes down; both come back with the network. A port that the
// hypervisor made goes to the network's bridge as soon as there is one. `all` is all that is defined. Every goal has been here; a way back
// is none, and comes by itself. Pure.
void keep_off_wrong_wires(Goal& goal, const intent::Intent& all, const Host& host);

// Whether the network's bridge was called that before its NIC was renamed: who plugs by an old definition means this network. Pure.
bool was_on_bridge(const intent::Network& network, std::string_view bridge, const intent::Renames& renames);

}  // namespace lower
