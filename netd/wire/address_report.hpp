// The addresses and gateways of a device as engines read them.
#pragma once

#include "netd/observe/snapshot.hpp"
#include "netd/wire/entry.hpp"

#include <string>
#include <unordered_map>

namespace wire {

// Points into the snapshot, which must outlive it.
class AddressReport {
public:
    explicit AddressReport(const observe::Snapshot& snapshot);

    // {addr, netmask, ipv4addrs, ipv6addrs, gateway, ipv6gateway, ipv4defaultroute, ipv6defaultroute, dhcpv4, dhcpv6,
    // ipv6autoconf}. With the network whose device it is, `addr` is the one that its definition puts first.
    Entry of(const bridges::Link& link, const intent::Network* network) const;

    // The same of a device that has nothing.
    static Entry none();

private:
    // The default routes over one device: the best of the main table, else one of another table.
    struct Ways {
        const bridges::Route* v4 = nullptr;
        const bridges::Route* v6 = nullptr;
    };

    void take(const bridges::Route& route);

    std::unordered_map<std::string, Ways> ways_;
    const bridges::Route *best_v4_ = nullptr, *best_v6_ = nullptr;  // of the main table
};

}  // namespace wire
