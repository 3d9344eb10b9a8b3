// One thread waits here for everything at once: descriptors that become readable, and work that no descriptor shows.
#pragma once

#include "netd/loop/fd.hpp"
#include "topology/result.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

namespace loop {

using topology::Error;
using topology::Fault;
using topology::Result;

// "No" in the words of the kernel: the last errno, about this thing.
Error system_error(std::string_view subject, std::string_view deed);

// Belongs to the thread that calls run_until(); the other threads reach it through a Mailbox that it watches.
class EventLoop {
public:
    using Callback = std::function<void()>;
    // Does what work it has, a bounded amount of it. True: something was done or is left, so look again before blocking.
    using BeforeWait = std::function<bool()>;
    using Ticket = std::uint64_t;

    static Result<std::unique_ptr<EventLoop>> open();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    // Calls back while the descriptor is readable (level-triggered), also when it is broken. One callback a descriptor.
    Result<> watch(int descriptor, Callback callback);

    // From now on the callback is not called, not even for what was already seen; call it before closing the descriptor.
    // A callback may unwatch itself and others.
    void unwatch(int descriptor);

    // ZMQ_FD tells only of changes, and any call on the socket may eat the news. So whoever holds such a socket looks
    // for itself before each wait. Hooks run in the order in which they came.
    Ticket before_wait(BeforeWait hook);
    void forget(Ticket ticket);

    // Turns until stop() is true; it is asked once a turn, after the hooks. A "no" means epoll itself is broken.
    Result<> run_until(const std::function<bool()>& stop);

    // One turn that never blocks: for tests and for a last look before leaving.
    Result<> turn();

private:
    struct Watched {
        int descriptor;
        Callback callback;
    };

    explicit EventLoop(Fd epoll) : epoll_(std::move(epoll)) {}
    bool run_hooks();
    Result<> wait_and_dispatch(int timeout_ms);

    Fd epoll_;
    Ticket next_ = 1;
    std::unordered_map<Ticket, Watched> watched_;
    std::unordered_map<int, Ticket> by_descriptor_;
    std::map<Ticket, BeforeWait> hooks_;
    // What was taken back may still be running, so it keeps its place in memory until the turn ends.
    std::vector<decltype(watched_)::node_type> retired_;
    std::vector<decltype(hooks_)::node_type> retired_hooks_;
};

}  // namespace loop
