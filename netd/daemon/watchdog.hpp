// A second, small process that brings back what was before if netd dies in the middle of a change and nobody restarts it.
#pragma once

#include "netd/daemon/options.hpp"
#include "netd/loop/fd.hpp"

namespace netd {

// Forks it; call before any thread, socket or library context exists. It holds the other end of a pipe, learns from it
// that netd is gone in whatever way, and then, if a transaction is open: waits for its deadline, takes the lock unless a
// new netd has it, and undoes it, or tries again for as long as that is blocked. It lives in a session of its own and ends when there is nothing to do.
// Its number.
topology::Result<pid_t> start_watchdog(const Options& options);

// Only one process works on a host, and only one with what is in `state`: its locks, for as long as they are held. A daemon waits for a watchdog to finish.
// Error: who has it.
struct Locks {
    loop::Fd run, state;
};
enum class Holder { daemon, watchdog };
topology::Result<Locks> take_locks(const Options& options, Holder holder);

}  // namespace netd
