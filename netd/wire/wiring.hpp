// Where a network leads to the wire, and what hangs on it, as engines read it.
#pragma once

#include "netd/observe/devices.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace wire {

struct Wiring {
    bool stp = false;
    std::vector<std::string> ports = {};
    std::string southbound = {};
    std::optional<topology::VlanId> vlan = {};
    std::optional<topology::Mtu> mtu = {};  // where it is not the device's
};


bool has_stp(const bridges::Bridge& bridge);
std::vector<std::string> names_of(const std::vector<const bridges::Link*>& links);

// Points into both, which must outlive it.
class Wirings {
public:
    Wirings(const observe::Snapshot& snapshot, const observe::Devices& devices);

    // Of a network that is realised so, with that link as its device.
    Wiring of(const intent::Network& network, const observe::Realisation& how, const bridges::Link& device) const;

private:
    template <class Port> void take_member(const Port& port);
    Wiring bridged(const intent::Network& network, const bridges::Link& device) const;
    Wiring vlan_aware(const intent::Network& network, const observe::Realisation& how) const;
    Wiring switched(const intent::Network& network, const observe::Realisation& how) const;
    std::vector<std::string> members_of(const intent::Network& network) const;

    const observe::Snapshot& snapshot_;
    const observe::Devices& devices_;
    std::map<const intent::Network*, std::vector<std::string>> members_;
};

}  // namespace wire
