// Other hosts that have an IPv4 address which a network of this one has, too. Of IPv6 the kernel finds that out; of IPv4 it tells
// nobody. It is heard in the other one's ARP, whatever that is about.
#pragma once

#include "netd/loop/fd.hpp"
#include "netd/observe/snapshot.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace netd {

// Who sends it says that he has that address.
struct Claim {
    int device = 0;  // the index of the one by which it came
    topology::IpAddress address = {};
    topology::Mac mac;
};

// Of a message of ARP, without the device. None: it is none, or says that of no address. Pure.
std::optional<Claim> parse_claim(std::span<const std::uint8_t> message);

class Claims {
public:
    using Time = std::chrono::nanoseconds;  // of loop::Clock::boottime()

    Claims();

    // After each snapshot. Costs what has changed. Of addresses that are new it is soon heard who has them: he was asked (Greeter).
    void follow(const observe::Snapshot& next, Time now);
    // What has come since the last time, once it is time for it again: who claims without end is no more work.
    void hear(Time now);
    // When to hear() again; none: without CAP_NET_RAW, or an address, nothing is heard.
    std::optional<Time> next() const;

    void take(const Claim& claim, Time now);
    // A sentence each, until nobody has claimed the address for five minutes, or it is not the network's any more.
    std::vector<std::string> told(Time now) const;

private:
    struct Heard {
        std::string sentence;
        Time when{};
    };
    void let_only_these_in() const;
    bool is_ours(const topology::IfName& device, const topology::IpAddress& address) const;

    topology::Keyed<bridges::Link> links_;
    topology::Keyed<intent::Network> networks_;
    std::map<topology::IfName, std::set<topology::IpAddress>> ours_;
    std::map<std::pair<topology::IfName, topology::IpAddress>, Heard> heard_;
    Time due_{};
    loop::Fd socket_;
};

}  // namespace netd
