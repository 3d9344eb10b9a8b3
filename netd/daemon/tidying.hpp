// Memory that goes back to the kernel.
#pragma once

#include "netd/loop/clock.hpp"
#include "netd/loop/timer.hpp"

#include <chrono>
#include <cstddef>
#include <memory>

namespace netd {

// Large requests and answers, and many networks that come and go, take several times the memory that stays; the allocator gives
// nothing of it back by itself while something above it is in use. So it is told to, once it has been quiet for a moment, and now and
// then where it never is.
//
// After a start and after very much of it, what they ran through of the program and its libraries goes, too: it is a third of all, and
// most of it is not called again.
class Tidying {
public:
    static loop::Result<Tidying> open(loop::EventLoop& loop, const loop::Clock& clock);

    // A request of that size came: what is made of it meanwhile is far larger.
    void asked(std::size_t bytes);
    void answered(std::size_t bytes);

    // There are so many links now.
    void follow(std::size_t links);

private:
    Tidying(const loop::Clock& clock, std::unique_ptr<loop::Timer> timer, std::shared_ptr<std::size_t> all);
    void used(std::size_t bytes);

    const loop::Clock* clock_;
    std::unique_ptr<loop::Timer> timer_;
    std::shared_ptr<std::size_t> all_;  // since the program was let go of
    std::size_t used_ = 0, links_ = 0;
    std::chrono::nanoseconds latest_{};  // if the timer is set
};

}  // namespace netd
