// One deadline by the clock that neither sleep nor a time step disturbs.
#pragma once

#include "netd/loop/event_loop.hpp"

#include <chrono>
#include <functional>

namespace loop {

// Calls back once, on the loop, at or after the deadline. It is set again as often as needed.
class Timer {
public:
    static Result<std::unique_ptr<Timer>> open(EventLoop& loop, std::function<void()> callback);
    ~Timer();
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

    // A value of Clock::boottime(); one that has passed already is due at once. Replaces the deadline before it.
    Result<> at(std::chrono::nanoseconds boottime);
    void stop();
    bool is_set() const { return set_; }

private:
    Timer(EventLoop& loop, Fd fd, std::function<void()> callback);
    void expired();

    EventLoop& loop_;
    Fd fd_;
    std::function<void()> callback_;
    bool set_ = false;
};

}  // namespace loop
