// A second, small process that brings back what was before if netd dies in the middle of a change and nobody restarts it.
#pragma once

#include "netd/daemon/options.hpp"

namespace netd {

// Forks it; call before any thread, socket or library context exists. It holds the other end of a pipe, learns from it
// that netd is gone in whatever way, and then, if a transaction is open: waits for its deadline, takes the lock unless a
// new netd has it, and undoes it, or tries again for as long as that is blocked. It lives in a session of its own and ends when there is nothing to do.
topology::Result<> start_watchdog(const Options& options);

// Only one process works on a host: its lock, held for the life of the process. A daemon waits for a watchdog to finish.
// Error: who has it.
enum class Holder { daemon, watchdog };
topology::Result<int> take_lock(const std::string& run, Holder holder);

}  // namespace netd
