// timerfd on CLOCK_BOOTTIME: a deadline stored in a journal means the same instant after a restart of the daemon.
#include "netd/loop/timer.hpp"

#include <algorithm>
#include <cstdint>
#include <sys/timerfd.h>

namespace loop {

Timer::Timer(EventLoop& loop, Fd fd, std::function<void()> callback)
    : loop_(loop), fd_(std::move(fd)), callback_(std::move(callback)) {}

Result<std::unique_ptr<Timer>> Timer::open(EventLoop& loop, std::function<void()> callback) {
    Fd fd{::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK)};
    if (!fd) return system_error("timer", "timerfd_create");
    auto timer = std::unique_ptr<Timer>(new Timer(loop, std::move(fd), std::move(callback)));
    auto watched = loop.watch(timer->fd_.number(), [held = timer.get()] { held->expired(); });
    if (!watched) return watched.error();
    return timer;
}

Timer::~Timer() { loop_.unwatch(fd_.number()); }

Result<> Timer::at(std::chrono::nanoseconds boottime) {
    // Zero would disarm the timer instead of firing it.
    const auto due = std::max(boottime, std::chrono::nanoseconds{1});
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(due);
    itimerspec spec{};
    spec.it_value.tv_sec = seconds.count();
    spec.it_value.tv_nsec = (due - seconds).count();
    if (::timerfd_settime(fd_.number(), TFD_TIMER_ABSTIME, &spec, nullptr) != 0)
        return system_error("timer", "timerfd_settime");
    set_ = true;
    return {};
}

void Timer::stop() {
    const itimerspec never{};
    ::timerfd_settime(fd_.number(), 0, &never, nullptr);  // disarming a timer that exists cannot fail
    set_ = false;
}

void Timer::expired() {
    std::uint64_t times = 0;
    // Stopped or moved within the same turn: the kernel then has no expiry to hand out.
    if (::read(fd_.number(), &times, sizeof times) != sizeof times || !set_) return;
    set_ = false;
    callback_();
}

}  // namespace loop
