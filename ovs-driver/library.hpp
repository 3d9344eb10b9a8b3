// What whoever uses OVS' library has in common.
#pragma once

#include <chrono>

namespace ovs {

// Once for the process, and for each thread that has sockets of it. May be called again.
void set_up_library();

// The milliseconds of CLOCK_MONOTONIC that OVS counts in; rounded up, so that a wait never ends before its deadline.
long long monotonic_ms(std::chrono::steady_clock::time_point when);

// Of what was just waited for: the deadline itself, or some seconds from now where the wait has lasted for longer. Then the whole machine
// stood still, and whoever is to answer has had no time.
std::chrono::steady_clock::time_point but_for_a_standstill(std::chrono::steady_clock::time_point deadline);

}  // namespace ovs
