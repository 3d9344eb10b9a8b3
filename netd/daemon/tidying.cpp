#include "netd/daemon/tidying.hpp"

#include <algorithm>
#include <chrono>
#include <malloc.h>
#include <tuple>

namespace netd {
namespace {

constexpr std::size_t much = 1 << 20, of_link = 16 << 10, of_request = 64;
constexpr std::chrono::seconds quiet{1}, patience{5};

}  // namespace

loop::Result<Tidying> Tidying::open(loop::EventLoop& loop, const loop::Clock& clock) {
    auto timer = loop::Timer::open(loop, [] { ::malloc_trim(0); });
    if (!timer) return timer.error();
    return Tidying(clock, std::move(*timer));
}

Tidying::Tidying(const loop::Clock& clock, std::unique_ptr<loop::Timer> timer) : clock_(&clock), timer_(std::move(timer)) {}

void Tidying::used(std::size_t bytes) {
    used_ += bytes;
    if (used_ < much) return;
    used_ = 0;
    const auto now = clock_->boottime();
    if (!timer_->is_set()) latest_ = now + patience;
    std::ignore = timer_->at(std::min<std::chrono::nanoseconds>(now + quiet, latest_));
}

void Tidying::answered(std::size_t bytes) { used(bytes); }

void Tidying::asked(std::size_t bytes) { used(of_request * bytes); }

void Tidying::follow(std::size_t links) {
    used(of_link * (std::max(links, links_) - std::min(links, links_)));
    links_ = links;
}

}  // namespace netd
