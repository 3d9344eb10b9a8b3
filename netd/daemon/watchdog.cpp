// Recovery runs in a child of the watchdog, so that whatever kills one attempt does not end the watching.
#include "netd/daemon/watchdog.hpp"

#include "bridges/linux_kernel.hpp"
#include "netd/apply/transaction.hpp"
#include "netd/daemon/dhcp_clients.hpp"
#include "netd/daemon/greeter.hpp"
#include "netd/daemon/host_resolver.hpp"
#include "netd/daemon/left_filters.hpp"
#include "netd/daemon/left_wires.hpp"
#include "netd/daemon/log.hpp"
#include "netd/daemon/presence.hpp"
#include "netd/loop/pause.hpp"
#include "netd/lower/router_ways.hpp"
#include "ovs-driver/ovsdb_switch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <tuple>
#include <unistd.h>

namespace netd {

using topology::Error;
using topology::Fault;
using topology::Result;

namespace {

Error system_error(const char* deed) { return {Fault::backend, deed, std::strerror(errno)}; }

// Until the pipe's other end is closed, which the kernel does for a process however it ends.
void await_death(int pipe) {
    char byte;
    while (::read(pipe, &byte, 1) != 0)
        if (errno != EINTR) return;
}

// By the clock that goes on while the machine sleeps; without a timer only for a while, after which all is looked at again.
void await(std::chrono::nanoseconds boottime) {
    const int timer = ::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC);
    if (timer < 0) return static_cast<void>(::poll(nullptr, 0, 1000));
    itimerspec when{};
    const auto after = std::max(boottime.count(), std::int64_t{0}) + 1;  // 0 would be never
    when.it_value.tv_sec = after / 1'000'000'000;
    when.it_value.tv_nsec = after % 1'000'000'000;
    std::uint64_t expired;
    if (::timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, nullptr) == 0)
        while (::read(timer, &expired, sizeof expired) < 0 && errno == EINTR) {}
    ::close(timer);
}

// The open transaction of this boot, if there is one that no netd has finished. A "no": nobody knows whether there is.
Result<std::optional<store::Entry>> open_entry(const Options& options) {
    auto store = store::Store::open(options.state, options.run);
    if (!store) return store.error();
    auto entry = store->open_entry();
    if (entry && *entry && (*entry)->boot != store::boot_id()) entry->reset();
    return entry;
}

// The definitions that it brings are running: nobody has to confirm it any more, and only its end was missing.
bool is_decided(const Options& options, const store::Entry& entry) {
    auto store = store::Store::open(options.state, options.run);
    if (!store) return false;
    const auto running = store->running();
    return running && *running && (*running)->generation > entry.base_generation;
}

bool needs_ovs(const store::Entry& entry) {
    const auto has_ovs = [](const lower::HostState& state) { return !state.ovs.ports.empty() || !state.ovs.bridges.empty(); };
    return has_ovs(entry.before) || has_ovs(entry.wanted);
}

void put_nameservers(const Options& options, const intent::Intent& standing, const lower::Leases& leases, const loop::Clock& clock) {
    HostResolver resolver(options.resolver, options.state + "/resolv.conf.before", options.run, clock);
    if (auto written = resolver.sync(lower::resolver_of(standing, leases)); !written) log::warn("{}", sentence(written.error()));
}

// Nobody hears routers now: networks that hear them still leave by those that netd has heard.
void keep_router_ways(const intent::Intent& standing, const std::set<topology::IfName>& left, bridges::Kernel& kernel, const lower::Host& host) {
    const auto hearing = lower::hearing(standing);
    auto routers = lower::routers_in(kernel.state(), hearing);
    std::erase_if(routers, [&](const auto& entry) { return left.contains(entry.first); });
    for (const auto& [table, steps] : lower::steps_to(routers, hearing, standing, host))
        if (const auto progress = kernel.apply(steps); progress.stopped) log::warn("{}", sentence(*progress.stopped));
}

// What is not on the wire yet the kernel asks for itself.
void greet(Greeter& greeter, const intent::Intent& standing, const observe::Backends& backends) {
    observe::Snapshot now;
    now.running = standing;
    now.observed = observe::state_of(backends);
    greeter.follow(now, loop::SystemClock().boottime());
}

// Who has it sees to everything; where it can't be had otherwise, that is tried again.
int without_lock(const Error& why) { return why.fault == Fault::busy ? 0 : 1; }

// 0: the host is as it was before, or a living netd sees to it.
int recover(const Options& options, const store::Entry& entry) {
    const auto locks = take_locks(options, Holder::watchdog);
    if (!locks) return without_lock(locks.error());
    auto store = store::Store::open(options.state, options.run);
    auto kernel = bridges::open_linux_kernel(options.services);
    if (!store || !kernel) return 1;
    auto ovs = ovs::open_switch(options.ovs);
    if (needs_ovs(entry)) observe::await_ovs(*ovs, std::chrono::steady_clock::now() + std::chrono::seconds(10));
    const loop::SystemClock clock;
    auto clients = DhcpClients::open(options.run + "/dhcp", clock);
    if (!clients) return 1;
    const auto guests = guests::unasked(options.libvirt);
    const observe::Backends backends{**kernel, *ovs, *guests, &clients->leases().held(), is_guests_namespace};
    Greeter greeter;
    const auto running = store->running();
    greet(greeter, running && *running ? (*running)->intent : intent::Intent(), backends);
    auto remembered = store->remembered();
    if (!remembered.open_entry) return 1;  // it could be read a moment ago
    const auto heard = heard_in_change(remembered);
    apply::Transactor transactor(backends, std::move(*store), clock);
    const auto outcome = transactor.recover(std::move(remembered));
    const auto left = left_wires(heard, outcome, transactor.standing());
    forget_wires(backends, left);
    keep_router_ways(transactor.standing(), left, **kernel, observe::host_of(backends));
    greet(greeter, transactor.standing(), backends);
    // Flows go by what ovs-vswitchd tells of ports after they came, and nobody is here to hear it later.
    if (needs_ovs(entry)) observe::hear_out(*ovs, std::chrono::steady_clock::now() + std::chrono::seconds(10));
    greeter.repeat(Greeter::Time::max());
    forget_filters(**kernel);
    clients->sync(lower::clients_of(transactor.standing()));
    put_nameservers(options, transactor.standing(), clients->leases().held(), clock);
    if (std::holds_alternative<apply::Degraded>(outcome) || std::holds_alternative<apply::Waiting>(outcome)) return 1;
    if (std::holds_alternative<apply::RolledBack>(outcome)) log::warn("netd died in a transaction; the watchdog brought back what was before");
    return 0;
}

// What is done of a change after its end, if netd died between: clients that are no longer wanted, and nameservers.
int tidy(const Options& options) {
    const auto locks = take_locks(options, Holder::watchdog);
    if (!locks) return without_lock(locks.error());
    auto store = store::Store::open(options.state, options.run);
    if (!store) return 0;
    const auto running = store->running();
    const loop::SystemClock clock;
    auto clients = DhcpClients::open(options.run + "/dhcp", clock);
    if (!running || !*running || !clients) return 0;
    clients->end_others(lower::clients_of((*running)->intent));  // to start some is netd's affair, whose end may be wanted
    put_nameservers(options, (*running)->intent, clients->leases().held(), clock);
    return 0;
}

// The journal may be on a disk that the change itself has cut off.
int come_back_later(const Options& options, const Error& why) {
    const auto locks = take_locks(options, Holder::watchdog);
    if (!locks) return without_lock(locks.error());
    log::error("netd died, and whether in a transaction can't be read, which is tried again: {}", sentence(why));
    return 1;
}

int see_to_it(const Options& options) {
    const auto entry = open_entry(options);
    if (!entry) return come_back_later(options, entry.error());
    return *entry ? recover(options, **entry) : tidy(options);
}

[[noreturn]] void watch(const Options& options, int pipe) {
    ::prctl(PR_SET_NAME, "netd-watchdog");
    ::setsid();
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) std::signal(signal, SIG_IGN);
    std::ignore = store::boot_id();  // is kept, and may be more than can be read later
    await_death(pipe);
    // Whatever is in the way may be gone at any time, and nobody tells of it here.
    loop::Pause pause{std::chrono::seconds(1), std::chrono::seconds(60)};
    for (;;) {
        const auto entry = open_entry(options);
        if (entry && *entry && (*entry)->phase == store::Entry::Phase::waiting && !is_decided(options, **entry)) await((*entry)->deadline);
        const pid_t child = ::fork();
        if (child == 0) ::_exit(see_to_it(options));
        int status = 0;
        while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
        if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) break;
        await(loop::SystemClock().boottime() + pause.lengthen());
    }
    ::_exit(0);
}

std::string written_in(int file) {
    char text[64] = {};
    const ssize_t got = ::pread(file, text, sizeof text - 1, 0);
    return {text, got > 0 ? static_cast<std::size_t>(got) : 0};
}

// Who has died lets go of one thing after the other, and who has just taken a lock has yet to write who he is: the name there may be that of the
// netd that died, so it is looked at for a while. A watchdog at its work is done in seconds; a netd is not.
bool outwaits(int file, Holder holder) {
    constexpr int looks = 50;
    for (int look = 0; look < looks; ++look) {
        if (holder == Holder::daemon && written_in(file).starts_with("watchdog")) return ::flock(file, LOCK_EX) == 0;
        ::poll(nullptr, 0, 20);
        if (::flock(file, LOCK_EX | LOCK_NB) == 0) return true;
    }
    return false;
}

Result<loop::Fd> lock_run(const std::string& run, Holder holder) {
    if (auto made = store::make_directory(run, 0750); !made) return made.error();
    const std::string path = run + "/lock";
    loop::Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return Error{Fault::backend, path, std::strerror(errno)};
    if (::flock(file.number(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return Error{Fault::backend, path, std::strerror(errno)};
        if (!outwaits(file.number(), holder)) return Error{Fault::busy, path, fmt::format("netd is already running ({})", written_in(file.number()))};
    }
    const std::string who = fmt::format("{} pid {}", holder == Holder::watchdog ? "watchdog" : "netd", ::getpid());
    if (::ftruncate(file.number(), 0) != 0 || ::pwrite(file.number(), who.data(), who.size(), 0) < 0) log::warn("{}: the process id could not be written", path);
    return file;
}

// Who the kernel says has it: "…: FLOCK ADVISORY WRITE PID DEVICE:INODE 0 EOF". Of a process that can't be seen from here it says nothing.
std::string who_has(int folder) {
    struct stat found = {};
    if (::fstat(folder, &found) != 0) return "";
    const std::string end = fmt::format(" {:02x}:{:02x}:{} 0 EOF", major(found.st_dev), minor(found.st_dev), found.st_ino);
    std::ifstream locks("/proc/locks");
    for (std::string line; std::getline(locks, line);) {
        if (!line.ends_with(end)) continue;
        line.resize(line.size() - end.size());
        return fmt::format(" (pid {})", line.substr(line.rfind(' ') + 1));
    }
    return "";
}

// The folder itself: there is one on a disk that is full or read-only, too. Where it can't be locked all else goes on: NFS can't.
Result<loop::Fd> lock_state(const std::string& state, Holder holder) {
    if (auto made = store::make_directory(state, 0700); !made) return made.error();
    loop::Fd folder(::open(state.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder && ::flock(folder.number(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK && !outwaits(folder.number(), holder))
        return Error{Fault::busy, state, fmt::format("belongs to another netd that runs{}, with another --run", who_has(folder.number()))};
    return folder;
}

}  // namespace

Result<pid_t> start_watchdog(const Options& options) {
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) != 0) return system_error("pipe");
    const pid_t child = ::fork();
    if (child < 0) return system_error("fork");
    if (child == 0) {
        ::close(pipe[1]);
        watch(options, pipe[0]);
    }
    ::close(pipe[0]);
    // pipe[1] stays open for as long as this process lives: that is the whole message.
    return child;
}

Result<Locks> take_locks(const Options& options, Holder holder) {
    auto run = lock_run(options.run, holder);
    if (!run) return run.error();
    auto state = lock_state(options.state, holder);
    if (!state) return state.error();
    return Locks{std::move(*run), std::move(*state)};
}

}  // namespace netd
