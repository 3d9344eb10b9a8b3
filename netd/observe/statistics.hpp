// The counters of every interface, equal to the kernel's own, read without ever waiting for the kernel.
#pragma once

#include "netd/observe/snapshot.hpp"
#include "topology/block_reasons.hpp"
#include "topology/graph.hpp"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace observe {

using topology::IfName;
using topology::Result;

struct LinkStatistics {
    int index = 0;                // ifindex: with another one the counters are those of another device
    std::uint64_t rx = 0, tx = 0;  // bytes
    std::uint64_t rx_packets = 0, tx_packets = 0;
    std::uint64_t rx_errors = 0, tx_errors = 0;
    std::uint64_t rx_dropped = 0, tx_dropped = 0;
    std::uint64_t multicast = 0;
    std::uint32_t speed = 0;      // Mbit/s; 0 where there is none, or it isn't known
    std::string duplex = {};      // "full", "half", or ""
    std::string state = "down";   // "up" where it is up and somebody answers
    topology::Strays::mapped_type strays = {};  // connections by role that should have left by another device
    std::optional<topology::Blocked::mapped_type> blocked = {};  // frames by reason, where somebody looks at what passes
    bool operator==(const LinkStatistics&) const = default;
};
using Statistics = std::map<std::string, LinkStatistics>;

// Whose pace may be another one: a bond is as fast as the ports that carry together, a bridge as its fastest port. Pure.
std::set<IfName> paced_anew(const topology::Keyed<bridges::Link>& was, const topology::Keyed<bridges::Link>& now);
// And where that of these bonds is: nothing else of a bond need change with it, nor of a VLAN on it. Pure.
std::set<IfName> bridges_above(const std::set<IfName>& bonds, const topology::Keyed<bridges::Link>& links);

// Keeps the paces of NICs and bonds: asks the kernel where a link has changed, and only there. It may wait for the kernel,
// so it is for whoever changes links anyway.
class PaceKeeper {
public:
    // Asks for what has changed since the last snapshot; the answer belongs into this one.
    const Paces& follow(const Snapshot& snapshot);

private:
    topology::Keyed<bridges::Link> asked_;
    Paces paces_;
};

// The counters alone, of all links of this network namespace. Never waits.
Result<Statistics> read_counters();

// How many frames a link itself dropped: at most so many, since that number counts the missed ones too.
using DroppedOf = std::function<std::uint64_t(const std::string& link, std::uint64_t most)>;

// The same from the text of /proc/net/dev.
Result<Statistics> parse_counters(std::string_view text, const DroppedOf& dropped_of);

// Of the links of the snapshot, with their state and pace. Never waits.
Result<Statistics> read_statistics(const Snapshot& snapshot);

// The nodes with the counters of their devices.
topology::Graph with_counters(topology::Graph graph, const Statistics& statistics);

}  // namespace observe
