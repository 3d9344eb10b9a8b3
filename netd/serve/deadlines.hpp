// Says no in time to changes that wait in the queue for longer than they were given, whatever the thread that decides is at.
#pragma once

#include "netd/loop/timer.hpp"
#include "netd/serve/commands.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace serve {

// Lives on the loop's thread.
class Deadlines {
public:
    using Refuse = std::function<void(const Ticket&, std::string why)>;

    static loop::Result<std::unique_ptr<Deadlines>> open(loop::EventLoop& loop, const loop::Clock& clock, Refuse refuse);

    // One that goes into the queue.
    void keep(const Setup& setup);
    // Those that were begun, or refused, since.
    void forget();

private:
    struct Waiting {
        Ticket ticket;
        Turn turn;
        std::int64_t seconds;
    };

    Deadlines(const loop::Clock& clock, Refuse refuse) : clock_(clock), refuse_(std::move(refuse)) {}
    void expire();

    const loop::Clock& clock_;
    Refuse refuse_;
    std::multimap<std::chrono::nanoseconds, Waiting> waiting_;
    std::unique_ptr<loop::Timer> timer_;
};

// As such a change is refused.
std::string waited_too_long(std::int64_t seconds);

}  // namespace serve
