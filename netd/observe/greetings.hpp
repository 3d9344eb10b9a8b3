// Who on the wire must hear of the host now: neighbours that remember an address of it elsewhere, for as long as half a minute, and
// routers that it begins to listen to, whose next word may be half an hour away. The kernel tells them when a link comes up, and not
// when an address or a wire comes to one that is up, nor when it is told to listen, be it again and in no network; nor when it has
// dropped what routers said, since somebody had the host forward.
#pragma once

#include "netd/observe/snapshot.hpp"

#include <map>
#include <set>
#include <vector>

namespace observe {

// What is to be said by one device.
struct Greeting {
    int device = 0;  // ifindex
    topology::Mac mac;
    std::set<topology::IpAddress> addresses = {};  // here they are from now on
    bool asks_routers = false;
    bool operator==(const Greeting&) const = default;
};

// All that the host has there, whoever gave it.
std::set<topology::IpAddress> addresses_of(const bridges::Link& link);

class Greetings {
public:
    // What is to be said now; to be asked after each snapshot. What is not on the wire yet waits: a device without carrier, an address
    // of which the kernel does not know yet that nobody else has it. Costs what has changed. The first look greets all: nobody knows
    // what was changed before it.
    std::vector<Greeting> look(const Snapshot& now);

private:
    struct Due {
        bool all = false;
        std::set<topology::IpAddress> addresses = {};
        bool asks_routers = false;
    };
    using Homes = std::map<topology::IfName, std::optional<topology::IfName>>;

    void follow(const topology::Keyed<intent::Network>& next);
    void follow(const topology::Keyed<bridges::Link>& next, const intent::Intent& running);
    void greet_all_on(const intent::Base& base, const intent::Intent& running);
    void greet_all_by(const topology::IfName& device);
    void ask_all_routers();
    std::optional<Greeting> ready(const bridges::Link& link, const Due& due) const;
    bool has_wire(const bridges::Link& link) const;

    topology::Keyed<intent::Network> networks_;
    topology::Keyed<bridges::Link> links_;
    Homes homes_;  // devices by which the host takes part in a network, and the NIC or bond below
    std::map<topology::IfName, Due> due_;
};

}  // namespace observe
