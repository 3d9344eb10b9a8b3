// What the service manager is told: that netd serves, how it stands, and that it is alive. sd_notify(3), sd_watchdog_enabled(3).
#pragma once

#include "netd/loop/clock.hpp"
#include "netd/loop/labour.hpp"
#include "netd/loop/timer.hpp"
#include "netd/observe/snapshot.hpp"

#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>

namespace netd {

// How long the deciding thread may be at work without a pause before netd counts as stuck. The kernel may need minutes for
// thousands of deletions, and a netd that is killed over them only begins anew.
constexpr std::chrono::minutes longest_labour{10};

// One line for `systemctl status`: what stands, what waits, what is wrong.
std::string standing(const observe::Snapshot& snapshot);

// Lives on the serving thread's loop: if that stands still, so does the sign of life. Where nobody supervises it does nothing.
class Supervisor {
public:
    static topology::Result<std::unique_ptr<Supervisor>> open(loop::EventLoop& loop, const loop::Clock& clock, const loop::Labour& decider);

    void ready();
    void stopping();
    void follow(const observe::Snapshot& snapshot);

private:
    Supervisor(const loop::Clock& clock, const loop::Labour& decider, std::chrono::microseconds patience) : clock_(clock), decider_(decider), patience_(patience) {}
    void live();

    const loop::Clock& clock_;
    const loop::Labour& decider_;
    const std::chrono::microseconds patience_;  // the service manager's; zero: it has no watchdog
    std::unique_ptr<loop::Timer> timer_;
    const bool is_heard_ = std::getenv("NOTIFY_SOCKET") != nullptr;
    std::string told_;
    bool was_stuck_ = false;
};

}  // namespace netd
