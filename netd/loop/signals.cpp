// signalfd: the signals are blocked for good and read like any other input.
#include "netd/loop/signals.hpp"

#include <cerrno>
#include <sys/signalfd.h>

namespace loop {

Signals::Signals(EventLoop& loop, Fd fd, sigset_t before, std::function<void(int)> callback)
    : loop_(loop), fd_(std::move(fd)), before_(before), callback_(std::move(callback)) {}

Result<std::unique_ptr<Signals>> Signals::open(EventLoop& loop, const std::vector<int>& which,
                                               std::function<void(int)> callback) {
    sigset_t set, before;
    ::sigemptyset(&set);
    for (const int signal : which) ::sigaddset(&set, signal);
    if (const int code = ::pthread_sigmask(SIG_BLOCK, &set, &before); code != 0) {
        errno = code;
        return system_error("signals", "pthread_sigmask");
    }
    Fd fd{::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
    if (!fd) return system_error("signals", "signalfd");
    auto signals = std::unique_ptr<Signals>(new Signals(loop, std::move(fd), before, std::move(callback)));
    auto watched = loop.watch(signals->fd_.number(), [held = signals.get()] {
        if (const int signal = held->next()) held->callback_(signal);
    });
    if (!watched) return watched.error();
    return signals;
}

Signals::~Signals() {
    loop_.unwatch(fd_.number());
    while (next() != 0) {}
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

int Signals::next() const {
    signalfd_siginfo info{};
    if (::read(fd_.number(), &info, sizeof info) != sizeof info) return 0;
    return static_cast<int>(info.ssi_signo);
}

}  // namespace loop
