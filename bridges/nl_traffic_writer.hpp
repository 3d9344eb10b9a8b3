// What all messages about traffic control are made of (see traffic_control.hpp). Only the files that write them include it.
#pragma once

#include "bridges/traffic_control.hpp"

#include <linux/if_ether.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>

#include <algorithm>

namespace bridges {

class TrafficWriter {
public:
    TrafficWriter(int link, std::vector<TrafficRequest>& into) : link_(link), into_(into) {}

protected:
    static constexpr std::uint64_t most = 0xffffffff;
    static constexpr std::uint8_t ethernet = TC_LINKLAYER_ETHERNET;  // said, so that no table of packet sizes is needed

    static std::uint32_t narrow(std::uint64_t value) { return static_cast<std::uint32_t>(std::min(value, most)); }

    // The kernel counts a bucket in steps of 64 ns at its rate.
    static std::uint32_t ticks_of(std::uint64_t bytes, std::uint64_t rate) {
        return narrow(static_cast<std::uint64_t>(static_cast<double>(bytes) / static_cast<double>(std::max<std::uint64_t>(rate, 1)) / 64e-9 + 0.5));
    }

    static std::uint32_t info_of(std::uint16_t priority, std::uint16_t protocol) {
        return TC_H_MAKE(static_cast<std::uint32_t>(priority) << 16, htons(protocol));
    }

    Message about(int type, int flags, std::uint32_t handle, std::uint32_t parent, const char* kind, std::uint32_t info = 0) const {
        tcmsg header = {};
        header.tcm_ifindex = link_;
        header.tcm_handle = handle;
        header.tcm_parent = parent;
        header.tcm_info = info;
        Message message(type, flags, header, 4096);
        if (kind) message.text(TCA_KIND, kind);
        return message;
    }

    int link_;
    std::vector<TrafficRequest>& into_;
};

// Who gets copies of one direction from now on, by index; none: those who do already.
using CopyTargets = std::optional<std::set<int>>;

// Limits of what comes in, and copies: filters of the clsact qdisc.
void write_filters(int link, const Traffic& now, const Traffic& have, const CopyTargets& into_link, const CopyTargets& out_of_it, int guard, bool shared, std::vector<TrafficRequest>& into);

}  // namespace bridges
