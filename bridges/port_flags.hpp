// The flags of a bridge's port: what it forwards, floods, learns and answers.
#pragma once

#include <cstdint>
#include <string>

namespace bridges {

// Those that are not as the kernel makes a new port. `isolated` is none of them: networks say whether that is wanted.
struct PortFlags {
    std::uint16_t odd = 0;  // a bit each, in the order of port_flags.cpp
    bool operator==(const PortFlags&) const = default;
    std::string text() const;  // "hairpin on, bcast_flood off", as bridge(8) calls them
};

// Which frames to 01:80:c2:00:00:0X a port bridges as it does others, by X (group_fwd_mask). The rest the kernel takes before all rules of
// bridges: it learns their sender, and gives them to the host's stack on the port's own device.
struct PortForwards {
    static constexpr std::uint16_t all = 0xfffd;  // but pause frames, which no bridge may
    std::uint16_t mask = 0;
    bool operator==(const PortForwards&) const = default;
    std::string text() const;  // "0xfffd"
};

}  // namespace bridges
