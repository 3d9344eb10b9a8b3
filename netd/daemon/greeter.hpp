// Says on the wire what neighbours and routers must hear: ARP announcements and probes (RFC 5227), unsolicited neighbour advertisements and router
// solicitations (RFC 4861).
#pragma once

#include "netd/loop/fd.hpp"
#include "netd/observe/greetings.hpp"

#include <chrono>
#include <deque>
#include <optional>
#include <utility>

namespace netd {

class Greeter {
public:
    using Time = std::chrono::nanoseconds;

    Greeter();

    // After each snapshot. What can't be sent is left: neighbours and routers come to it by themselves, later.
    void follow(const observe::Snapshot& next, Time now);

    // Says once more what was said a while before and still holds: frames get lost, and Open vSwitch brings a port to another wire a
    // moment after it was told to.
    void repeat(Time now);
    // When there is something to repeat(). Times are of loop::Clock::boottime().
    std::optional<Time> next() const;

private:
    void greet(const observe::Greeting& greeting) const;

    observe::Greetings greetings_;
    topology::Keyed<bridges::Link> links_;
    std::deque<std::pair<Time, observe::Greeting>> said_;  // and when to say it again
    loop::Fd arp_, icmp_;  // icmp_: none where the kernel has no IPv6
};

}  // namespace netd
