// Signals as events of the loop, so that no code of ours ever runs in a signal's context.
#pragma once

#include "netd/loop/event_loop.hpp"

#include <csignal>
#include <functional>
#include <vector>

namespace loop {

// Open it before the first thread is started: threads inherit the mask, and a signal goes to any thread that lets it in.
class Signals {
public:
    static Result<std::unique_ptr<Signals>> open(EventLoop& loop, const std::vector<int>& which,
                                                 std::function<void(int signal)> callback);
    // The mask is put back as it was; what was still pending of these signals is dropped.
    ~Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

private:
    Signals(EventLoop& loop, Fd fd, sigset_t before, std::function<void(int)> callback);
    int next() const;

    EventLoop& loop_;
    Fd fd_;
    sigset_t before_;
    std::function<void(int)> callback_;
};

}  // namespace loop
