// Since when a thread is at work without having come back to wait: so another one sees that it is stuck.
#pragma once

#include <atomic>
#include <chrono>

namespace loop {

// One thread begins and ends, any other asks. Times are of the steady clock, as a host that slept did not work.
class Labour {
public:
    using Clock = std::chrono::steady_clock;

    void begin(Clock::time_point now = Clock::now()) { since_.store(now.time_since_epoch().count(), std::memory_order_relaxed); }
    void end() { since_.store(resting, std::memory_order_relaxed); }

    // Zero while it waits.
    Clock::duration lasts(Clock::time_point now = Clock::now()) const {
        const auto since = since_.load(std::memory_order_relaxed);
        return since == resting ? Clock::duration::zero() : now.time_since_epoch() - Clock::duration(since);
    }

private:
    static constexpr Clock::rep resting = -1;
    std::atomic<Clock::rep> since_{resting};
};

}  // namespace loop
