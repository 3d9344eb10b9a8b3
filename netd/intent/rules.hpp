// The rules of protocol.md 3.1 and 3.2 in two groups: what a definition must be by itself, and beside the others.
#pragma once

#include "netd/intent/request.hpp"

namespace intent {

// Fills in what follows from the rest: prefix from netmask, roles from the name, `::` for no gateway.
Network canonical(Network network, Complaints& complaints);

// By itself: which attributes go with which.
void check_alone(const Network& network, Complaints& complaints);
void check_alone(const Bond& bond, Complaints& complaints);

// Beside the others of `wanted` and on this host.
void check_among(const Network& network, const Intent& wanted, const Intent& running, const Facts& facts, Complaints& complaints);
void check_among(const Bond& bond, const Intent& wanted, const Facts& facts, Complaints& complaints);

}  // namespace intent
