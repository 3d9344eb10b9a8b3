// The rules of protocol.md 5.1 and 5.2 in two groups: what a definition must be by itself, and beside the others.
#pragma once

#include "netd/intent/neighbours.hpp"

namespace intent {

// Fills in what follows from the rest: prefix from netmask, roles from the name, `::` for no gateway, where a route leads to without
// what is beyond its prefix; no nameserver twice.
Network canonical(Network network, Complaints& complaints);

// The bridge or bond, of the kernel or of Open vSwitch, that has the link as a port and is somebody else's: neither `own` nor netd's, nor
// wanted. Null: none has.
const IfName* foreign_owner_of(const bridges::Link& link, std::string_view own, const Intent& wanted, const Facts& facts);
// Open vSwitch's own device: a bridge's, or an internal port.
bool is_switchs_own(const IfName& device, const Facts& facts);

// Where the network's definition gives it this address: a JSON pointer.
std::string place_of(const Network& network, const Subnet& address);

// By itself: which attributes go with which.
void check_alone(const Network& network, Complaints& complaints);
void check_alone(const Bond& bond, Complaints& complaints);

// It asks for what a bridge with STP can't have: a shorter forward_delay, or none of it.
bool rules_out_stp(const Network& network);

// Beside the others of `wanted` and on this host.
void check_among(const Network& network, const Intent& wanted, Neighbours& neighbours, const Intent& running, const Facts& facts, Complaints& complaints);
void check_among(const Bond& bond, const Intent& wanted, Neighbours& neighbours, const Facts& facts, Complaints& complaints);

}  // namespace intent
