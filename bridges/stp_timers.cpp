// See stp_timers.hpp.
#include "bridges/stp_timers.hpp"

#include "bridges/nl_handles.hpp"

#include <cstring>
#include <linux/if_bridge.h>
#include <linux/sockios.h>
#include <linux/if.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

namespace bridges {
namespace {

// From the kernel's ticks, as it counts itself.
std::uint32_t hundredths(std::uint64_t ticks) {
    timespec tick{};
    ::clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
    return static_cast<std::uint32_t>(ticks * static_cast<std::uint64_t>(tick.tv_nsec) / 10'000'000);
}

}  // namespace

std::optional<StpTimers> own_timers_of(const IfName& bridge) {
    const Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) return std::nullopt;
    __bridge_info info{};
    unsigned long words[] = {BRCTL_GET_BRIDGE_INFO, reinterpret_cast<unsigned long>(&info), 0, 0};
    ifreq request{};
    std::strncpy(request.ifr_name, bridge.c_str(), IFNAMSIZ - 1);
    request.ifr_data = reinterpret_cast<char*>(words);
    if (::ioctl(socket.get(), SIOCDEVPRIVATE, &request) != 0) return std::nullopt;
    // The kernel converts the first of them, and not the others (br_dev_siocdevprivate of Linux 6.1 and 6.18, and ever since 2.6).
    return StpTimers{static_cast<std::uint32_t>(info.bridge_forward_delay), hundredths(info.bridge_hello_time), hundredths(info.bridge_max_age)};
}

void put_own_times(LinkReport& bridge, const LinkReport& before, const OwnTimersOf& own) {
    Options& options = std::get<Bridge>(*bridge.link.kind).options;
    const auto timers = bridge.follows_root && own ? own(bridge.link.name) : std::nullopt;
    if (timers) {
        options["forward_delay"] = std::to_string(timers->forward_delay);
        options["hello_time"] = std::to_string(timers->hello_time);
        options["max_age"] = std::to_string(timers->max_age);
    }
    const auto* was = before.link.as<Bridge>();
    if (!bridge.ages_quickly) return;
    if (was && was->options.contains("ageing_time")) options["ageing_time"] = was->options.at("ageing_time");
    else options.edit().erase("ageing_time");  // whoever wants one writes it, and nobody goes back to the short one
}

}  // namespace bridges
