// What a bridge is set to while its spanning tree has it at another pace. Netlink tells the timers in effect, which are those of the tree's
// root, and an ageing time that is short for as long as the topology changes; what is written is the bridge's own.
#pragma once

#include "bridges/nl_read.hpp"

#include <cstdint>
#include <functional>
#include <optional>

namespace bridges {

struct StpTimers {  // in hundredths of a second
    std::uint32_t forward_delay = 0, hello_time = 0, max_age = 0;
};

// By ioctl, which alone tells them. None: there is no such bridge in this namespace.
std::optional<StpTimers> own_timers_of(const IfName& bridge);
using OwnTimersOf = std::function<std::optional<StpTimers>(const IfName&)>;

// As it is set, in place of what is in effect. The own ageing time is told by nobody meanwhile: it is what it was before.
void put_own_times(LinkReport& bridge, const LinkReport& before, const OwnTimersOf& own);

}  // namespace bridges
