// Says on the wire what neighbours and routers must hear: ARP announcements (RFC 5227), unsolicited neighbour advertisements and router
// solicitations (RFC 4861).
#pragma once

#include "netd/loop/fd.hpp"
#include "netd/observe/greetings.hpp"

namespace netd {

class Greeter {
public:
    Greeter();

    // After each snapshot. What can't be sent is left: neighbours and routers come to it by themselves, later.
    void follow(const observe::Snapshot& next);

private:
    void greet(const observe::Greeting& greeting) const;

    observe::Greetings greetings_;
    loop::Fd arp_, icmp_;  // icmp_: none where the kernel has no IPv6
};

}  // namespace netd
