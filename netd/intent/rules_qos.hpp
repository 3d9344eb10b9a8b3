// What a network's share of its NIC must be by itself: its hostQos.
#pragma once

#include "netd/intent/complaints.hpp"

namespace intent {

// Curves that the kernel can count with, and that promise no more than they allow.
void check_qos(const Network& network, Complaints& complaints);

}  // namespace intent
