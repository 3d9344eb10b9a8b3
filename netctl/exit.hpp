// How a netctl command ends, as scripts see it; the numbers are a promise.
#pragma once

namespace netctl {

enum class Exit {
    done = 0,
    failed = 1,
    usage = 2,
    timeout = 3,
    rejected = 4,      // nothing was changed: what was asked for is wrong, or can't be had here and now
    rolled_back = 5,   // it was tried and taken back
    drift = 6,         // the host is not as it is defined
    not_running = 8,   // nobody answers at netd's door
    not_found = 10,
    denied = 13,
};

constexpr int number(Exit exit) { return static_cast<int>(exit); }

}  // namespace netctl
