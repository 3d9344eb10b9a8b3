// See supervisor.hpp.
#include "netd/daemon/supervisor.hpp"

#include "netd/daemon/log.hpp"
#include "netd/intent/same_definitions.hpp"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <cstdint>
#include <tuple>
#include <utility>

namespace netd {

std::string standing(const observe::Snapshot& snapshot) {
    std::string text = fmt::format("{} networks, {} NICs of guests", snapshot.running.networks().size(), snapshot.running.nics().size());
    if (snapshot.is_stuck) text += "; a way back is blocked, nothing else is changed until it is gone";
    else if (snapshot.pending) text += "; a change waits for its confirmation";
    else if (!intent::define_the_same(snapshot.running, snapshot.committed)) text += "; what runs is not committed";
    if (snapshot.trouble) text += "; " + sentence(*snapshot.trouble);
    for (char& c : text)
        if (static_cast<unsigned char>(c) < ' ') c = ' ';  // a line's end would begin another assignment
    return text;
}

topology::Result<std::unique_ptr<Supervisor>> Supervisor::open(loop::EventLoop& loop, const loop::Clock& clock, const loop::Labour& decider) {
    std::uint64_t patience = 0;
    if (::sd_watchdog_enabled(0, &patience) <= 0) patience = 0;
    std::unique_ptr<Supervisor> supervisor(new Supervisor(clock, decider, std::chrono::microseconds(patience)));
    auto timer = loop::Timer::open(loop, [held = supervisor.get()] { held->live(); });
    if (!timer) return timer.error();
    supervisor->timer_ = std::move(*timer);
    return supervisor;
}

void Supervisor::ready() {
    ::sd_notify(0, "READY=1");
    if (patience_.count() > 0) live();
}

void Supervisor::stopping() { ::sd_notify(0, "STOPPING=1"); }

void Supervisor::follow(const observe::Snapshot& snapshot) {
    if (!is_heard_) return;
    auto now = standing(snapshot);
    if (now == told_) return;
    told_ = std::move(now);
    ::sd_notify(0, ("STATUS=" + told_).c_str());
}

// Thrice as often as need be. Who is stuck gives no signs, and is ended and started again.
void Supervisor::live() {
    std::ignore = timer_->at(clock_.boottime() + patience_ / 3);
    const bool is_stuck = decider_.lasts() > longest_labour;
    if (!is_stuck) ::sd_notify(0, "WATCHDOG=1");
    else if (!was_stuck_) log::error("one change has lasted for more than {} minutes: the service manager's watchdog is not fed until it ends", longest_labour.count());
    was_stuck_ = is_stuck;
}

}  // namespace netd
