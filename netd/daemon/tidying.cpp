// See tidying.hpp.
#include "netd/daemon/tidying.hpp"

#include <algorithm>
#include <chrono>
#include <link.h>
#include <malloc.h>
#include <span>
#include <sys/mman.h>
#include <tuple>
#include <unistd.h>

namespace netd {
namespace {

constexpr std::size_t much = 1 << 20, very_much = 4 << 20, of_link = 16 << 10, of_request = 64;
constexpr std::chrono::seconds quiet{1}, patience{5};

// What a program's file holds and nobody writes to: from then on only what is called is there again, from the page cache.
int let_go(dl_phdr_info* program, std::size_t, void*) {
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    for (const ElfW(Phdr)& part : std::span(program->dlpi_phdr, program->dlpi_phnum)) {
        if (part.p_type != PT_LOAD || part.p_flags & PF_W) continue;
        const std::uintptr_t begin = (program->dlpi_addr + part.p_vaddr) & ~(page - 1), end = program->dlpi_addr + part.p_vaddr + part.p_memsz;
        std::ignore = ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
    }
    return 0;
}

}  // namespace

loop::Result<Tidying> Tidying::open(loop::EventLoop& loop, const loop::Clock& clock) {
    auto all = std::make_shared<std::size_t>(very_much);  // a start is much
    auto timer = loop::Timer::open(loop, [all] {
        ::malloc_trim(0);
        if (*all < very_much) return;
        *all = 0;
        ::dl_iterate_phdr(let_go, nullptr);
    });
    if (!timer) return timer.error();
    return Tidying(clock, std::move(*timer), std::move(all));
}

Tidying::Tidying(const loop::Clock& clock, std::unique_ptr<loop::Timer> timer, std::shared_ptr<std::size_t> all)
    : clock_(&clock), timer_(std::move(timer)), all_(std::move(all)) {
    used(much);
}

void Tidying::used(std::size_t bytes) {
    used_ += bytes;
    *all_ += bytes;
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
