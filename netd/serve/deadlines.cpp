// See deadlines.hpp.
#include "netd/serve/deadlines.hpp"

#include <fmt/format.h>

namespace serve {

std::string waited_too_long(std::int64_t seconds) { return fmt::format("another change was under way for the {} s that were given; nothing was begun", seconds); }

loop::Result<std::unique_ptr<Deadlines>> Deadlines::open(loop::EventLoop& loop, const loop::Clock& clock, Refuse refuse) {
    std::unique_ptr<Deadlines> deadlines(new Deadlines(clock, std::move(refuse)));
    auto timer = loop::Timer::open(loop, [self = deadlines.get()] { self->expire(); });
    if (!timer) return timer.error();
    deadlines->timer_ = std::move(*timer);
    return deadlines;
}

void Deadlines::keep(const Setup& setup) {
    const auto& timeout = setup.request.options.timeout;
    if (!timeout) return;
    waiting_.emplace(setup.deadline(), Waiting{setup.ticket, setup.turn, *timeout});
    std::ignore = timer_->at(waiting_.begin()->first);
}

void Deadlines::forget() {
    std::erase_if(waiting_, [](const auto& one) { return one.second.turn.is_taken(); });
}

void Deadlines::expire() {
    while (!waiting_.empty() && waiting_.begin()->first <= clock_.boottime()) {
        const auto late = waiting_.extract(waiting_.begin());
        if (late.mapped().turn.take()) refuse_(late.mapped().ticket, waited_too_long(late.mapped().seconds));
    }
    if (!waiting_.empty()) std::ignore = timer_->at(waiting_.begin()->first);
}

}  // namespace serve
