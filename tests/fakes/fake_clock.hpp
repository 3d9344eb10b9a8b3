// A clock that a test moves by hand.
#pragma once

#include "netd/loop/clock.hpp"

namespace fakes {

class FakeClock final : public loop::Clock {
public:
    std::chrono::nanoseconds boottime() const override { return boottime_; }
    std::chrono::nanoseconds wall() const override { return wall_; }

    // Time goes by.
    void advance(std::chrono::nanoseconds by) {
        boottime_ += by;
        wall_ += by;
    }
    // Somebody sets the calendar; the time since boot does not care.
    void step_wall(std::chrono::nanoseconds by) { wall_ += by; }

private:
    std::chrono::nanoseconds boottime_ = std::chrono::seconds{1000};
    std::chrono::nanoseconds wall_ = std::chrono::seconds{1'700'000'000};
};

}  // namespace fakes
