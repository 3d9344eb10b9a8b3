// What happened between two snapshots, for those who watch. It costs what changed.
#pragma once

#include "netd/observe/snapshot.hpp"

#include <map>
#include <string>
#include <vector>

namespace observe {

struct Event {
    std::string topic = {};    // "nic.link", "bond.failover", "bond.lacp", "address.changed", "network.changed",
                               // "guest.plugged", "guest.unplugged"
    std::string subject = {};  // the device, the network, or the guest
    std::map<std::string, std::string> attributes = {};
    bool operator==(const Event&) const = default;
};

// In the order of links, then networks, then guests; where a port of Open vSwitch without a mark changed, networks are walked
// over once. Pure.
std::vector<Event> events_between(const Snapshot& was, const Snapshot& now);

}  // namespace observe
