// What the thread that decides is tried with, in a test's own thread.
#pragma once

#include "netd/daemon/reconciler.hpp"
#include "tests/netd/transaction_house.hpp"

#include <deque>
#include <functional>

namespace house {

// Where the reconciler would wait it is given one command, and is then told to stop.
struct OneCommand : fakes::FakeSwitch {
    OneCommand(fakes::FakeKernel& kernel, loop::Mailbox<serve::Command>& into) : FakeSwitch(&kernel), commands(into) {}
    void wait(std::span<const int>, std::chrono::steady_clock::time_point) override { commands.push(std::exchange(next, serve::Stop{})); }

    loop::Mailbox<serve::Command>& commands;
    serve::Command next = serve::Stop{};
};

// Where the reconciler would wait it is given one thing after the other to be done, and is then told to stop.
struct OneByOne : fakes::FakeSwitch {
    OneByOne(fakes::FakeKernel& kernel, loop::Mailbox<serve::Command>& into) : FakeSwitch(&kernel), commands(into) {}
    void wait(std::span<const int>, std::chrono::steady_clock::time_point) override {
        if (next.empty()) return commands.push(serve::Stop{});
        next.front()();
        next.pop_front();
    }

    loop::Mailbox<serve::Command>& commands;
    std::deque<std::function<void()>> next;
};

}  // namespace house
