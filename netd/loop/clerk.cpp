// See clerk.hpp.
#include "netd/loop/clerk.hpp"

#include "netd/loop/thread.hpp"

#include <poll.h>
#include <sys/prctl.h>

namespace loop {

Result<std::unique_ptr<Clerk>> Clerk::open(EventLoop& loop, std::string name, std::size_t most) {
    auto deeds = Deeds::open(most);
    if (!deeds) return deeds.error();
    auto done = Done::open();
    if (!done) return done.error();
    std::unique_ptr<Clerk> clerk(new Clerk(loop, std::move(*deeds), std::move(*done)));
    auto* self = clerk.get();
    auto watched = loop.watch(self->done_->descriptor(), [self] {
        for (const Then& then : self->done_->take()) then();
    });
    if (!watched) return watched.error();
    auto started = start_thread([self, name = std::move(name)] {
        ::prctl(PR_SET_NAME, name.c_str());
        self->work();
    });
    if (!started) return started.error();
    self->thread_ = std::move(*started);
    return clerk;
}

Clerk::~Clerk() {
    loop_.unwatch(done_->descriptor());
    (void)deeds_->take();
    deeds_->push({});
    if (thread_.joinable()) thread_.join();
}

void Clerk::work() {
    for (;;) {
        pollfd ready{deeds_->descriptor(), POLLIN, 0};
        ::poll(&ready, 1, -1);
        auto next = deeds_->take_one();
        if (!next) continue;
        if (!*next) return;
        if (Then then = (*next)()) done_->push(std::move(then));
    }
}

}  // namespace loop
