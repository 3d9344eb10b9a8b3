// What the thread that decides is tried with, in a test's own thread.
#pragma once

#include "netd/daemon/reconciler.hpp"
#include "tests/netd/transaction_house.hpp"

namespace house {

// Where the reconciler would wait it is given one command, and is then told to stop.
struct OneCommand : fakes::FakeSwitch {
    OneCommand(fakes::FakeKernel& kernel, loop::Mailbox<serve::Command>& into) : FakeSwitch(&kernel), commands(into) {}
    void wait(std::span<const int>, std::chrono::steady_clock::time_point) override { commands.push(std::exchange(next, serve::Stop{})); }

    loop::Mailbox<serve::Command>& commands;
    serve::Command next = serve::Stop{};
};

}  // namespace house
