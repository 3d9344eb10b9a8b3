// What a network's share of its NIC must be: its hostQos.
#pragma once

#include "netd/intent/complaints.hpp"
#include "netd/intent/request.hpp"

namespace intent {

// Curves that the kernel can count with, and that promise no more than they allow.
void check_qos(const Network& network, Complaints& complaints);

// Nobody else shapes what leaves by a link that has shares, or gets them. Each link is told of once, however many are on it.
void check_unshaped(const Request& asked, const Intent& wanted, const Intent& running, const Facts& facts, Complaints& complaints);

}  // namespace intent
