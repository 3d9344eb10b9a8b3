// epoll, with tickets instead of descriptors as keys: a number that is closed and opened again within one batch of events
// must not be called for what its predecessor was told.
#include "netd/loop/event_loop.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <sys/epoll.h>
#include <system_error>

namespace loop {

Error system_error(std::string_view subject, std::string_view deed) {
    const int code = errno;
    const auto fault = code == EACCES || code == EPERM ? Fault::denied : Fault::backend;
    return {fault, std::string(subject), std::string(deed) + ": " + std::generic_category().message(code)};
}

Result<std::unique_ptr<EventLoop>> EventLoop::open() {
    Fd epoll{::epoll_create1(EPOLL_CLOEXEC)};
    if (!epoll) return system_error("event loop", "epoll_create1");
    return std::unique_ptr<EventLoop>(new EventLoop(std::move(epoll)));
}

Result<> EventLoop::watch(int descriptor, Callback callback) {
    if (by_descriptor_.contains(descriptor))
        return Error{Fault::conflict, "descriptor " + std::to_string(descriptor), "is watched already"};
    const Ticket ticket = next_++;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = ticket;
    if (::epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, descriptor, &event) != 0)
        return system_error("descriptor " + std::to_string(descriptor), "epoll_ctl");
    watched_.emplace(ticket, Watched{descriptor, std::move(callback)});
    by_descriptor_.emplace(descriptor, ticket);
    return {};
}

void EventLoop::unwatch(int descriptor) {
    const auto found = by_descriptor_.find(descriptor);
    if (found == by_descriptor_.end()) return;
    // Ignored: it fails only if the descriptor is closed already, and then the kernel has forgotten it too.
    ::epoll_ctl(epoll_.number(), EPOLL_CTL_DEL, descriptor, nullptr);
    retired_.push_back(watched_.extract(found->second));
    by_descriptor_.erase(found);
}

EventLoop::Ticket EventLoop::before_wait(BeforeWait hook) {
    hooks_.emplace(next_, std::move(hook));
    return next_++;
}

void EventLoop::forget(Ticket ticket) {
    if (auto hook = hooks_.extract(ticket)) retired_hooks_.push_back(std::move(hook));
}

bool EventLoop::run_hooks() {
    bool again = false;
    // By ticket, not by iterator: a hook may come or go while another runs.
    for (auto at = hooks_.begin(); at != hooks_.end();) {
        const Ticket ticket = at->first;
        again |= at->second();
        at = hooks_.upper_bound(ticket);
    }
    return again;
}

Result<> EventLoop::wait_and_dispatch(int timeout_ms) {
    std::array<epoll_event, 64> events{};
    const int count = ::epoll_wait(epoll_.number(), events.data(), static_cast<int>(events.size()), timeout_ms);
    if (count < 0 && errno != EINTR) return system_error("event loop", "epoll_wait");
    for (int i = 0; i < count; ++i)
        if (const auto found = watched_.find(events[static_cast<std::size_t>(i)].data.u64); found != watched_.end())
            found->second.callback();
    retired_.clear();
    retired_hooks_.clear();
    return {};
}

Result<> EventLoop::run_until(const std::function<bool()>& stop) {
    for (;;) {
        const bool again = run_hooks();
        if (stop()) return {};
        if (auto turned = wait_and_dispatch(again ? 0 : -1); !turned) return turned.error();
    }
}

Result<> EventLoop::turn() {
    run_hooks();
    return wait_and_dispatch(0);
}

}  // namespace loop
