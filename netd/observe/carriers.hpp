// Networks that have lost their wire for longer than a moment.
#pragma once

#include "netd/observe/events.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <set>

namespace observe {

// A network whose NIC or bond is gone or without carrier for longer than the grace time is down; it is up again as soon as
// there is carrier. Networks inside the host are never down.
class Carriers {
public:
    using Time = std::chrono::nanoseconds;
    explicit Carriers(Time grace) : grace_(grace) {}

    // The events `network.down` and `network.up` of now; to be asked after each snapshot, and at next().
    std::vector<Event> look(const Snapshot& snapshot, Time now);

    // When the grace time of one ends; none if nothing waits.
    std::optional<Time> next() const;

    // Those that are down.
    const std::set<std::string>& down() const { return down_; }

private:
    Time grace_;
    std::map<topology::IfName, Time> lost_;   // NICs and bonds, since when
    std::set<std::string> down_;
    Time looked_ = {};
};

}  // namespace observe
