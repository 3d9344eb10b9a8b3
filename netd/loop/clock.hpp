// The time as everything here sees it, handed in so that a test can move it.
#pragma once

#include <chrono>
#include <ctime>

namespace loop {

class Clock {
public:
    virtual ~Clock() = default;

    // Since boot, time asleep included; no time step disturbs it. Every deadline is a value of this clock.
    virtual std::chrono::nanoseconds boottime() const = 0;

    // The calendar's time since 1970, for people to read; nothing is ever decided by it.
    virtual std::chrono::nanoseconds wall() const = 0;
};

class SystemClock final : public Clock {
public:
    std::chrono::nanoseconds boottime() const override { return read(CLOCK_BOOTTIME); }
    std::chrono::nanoseconds wall() const override { return read(CLOCK_REALTIME); }

private:
    static std::chrono::nanoseconds read(clockid_t id) {
        timespec now{};
        ::clock_gettime(id, &now);  // cannot fail for these two clocks
        return std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec};
    }
};

}  // namespace loop
