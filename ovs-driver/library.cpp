// How the signals and logs of OVS' library are kept from the rest of the process.
#include "ovs-driver/library.hpp"

#include <array>
#include <climits>
#include <csignal>
#include <mutex>

#include "ovs-driver/idl_handles.hpp"

extern "C" void fatal_signal_init(void);  // of OVS' fatal-signal.h, which idl_handles.hpp does not have

namespace ovs {
namespace {

// OVS takes over fatal signals whose disposition is the default one, and would end the process from inside
// poll_block(). How netd ends is not its business: everything is put back as it was. A signal that comes in between
// is not lost, OVS raises it again.
void leave_signals_alone() {
    constexpr std::array taken = {SIGTERM, SIGINT, SIGHUP, SIGALRM, SIGSEGV};
    std::array<struct sigaction, taken.size()> before = {};
    for (std::size_t i = 0; i < taken.size(); ++i) sigaction(taken[i], nullptr, &before[i]);
    fatal_signal_init();
    for (std::size_t i = 0; i < taken.size(); ++i) sigaction(taken[i], &before[i], nullptr);
}

// OVS writes to its sockets with send(2) and no MSG_NOSIGNAL; the signal goes to the writing thread, which is ours.
void block_broken_pipes() {
    sigset_t pipes;
    sigemptyset(&pipes);
    sigaddset(&pipes, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipes, nullptr);
}

}  // namespace

void set_up_library() {
    static std::once_flag once;
    std::call_once(once, [] {
        leave_signals_alone();
        // A library does not log: what matters comes back as an error. A broken assertion still says why.
        vlog_set_levels(nullptr, VLF_ANY_DESTINATION, VLL_OFF);
        vlog_set_levels(nullptr, VLF_CONSOLE, VLL_EMER);
    });
    block_broken_pipes();
}

long long monotonic_ms(std::chrono::steady_clock::time_point when) {
    if (when == std::chrono::steady_clock::time_point::max()) return LLONG_MAX;
    return std::chrono::ceil<std::chrono::milliseconds>(when.time_since_epoch()).count();
}

std::chrono::steady_clock::time_point but_for_a_standstill(std::chrono::steady_clock::time_point deadline) {
    constexpr std::chrono::seconds late{1}, grace{3};
    const auto now = std::chrono::steady_clock::now();
    return now - late > deadline ? now + grace : deadline;
}

}  // namespace ovs
