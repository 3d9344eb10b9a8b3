// Counters as engines read them.
#pragma once

#include "netd/observe/statistics.hpp"
#include "netd/wire/json.hpp"

#include <chrono>

namespace wire {

// JSON, {network: {ifname: {name, ifindex, rx, tx, rxErrors, …, speed, state, duplex, sampleTime}}}; sampleTime in seconds since 1970.
std::string write_statistics(const observe::Statistics& statistics, std::chrono::nanoseconds sampled);

}  // namespace wire
