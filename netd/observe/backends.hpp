// The hands of the house, as those who decide hold them.
#pragma once

#include "bridges/kernel.hpp"
#include "netd/guests/hypervisor.hpp"
#include "netd/lower/gates.hpp"
#include "netd/lower/lower.hpp"
#include "ovs-driver/switch.hpp"

#include <algorithm>
#include <chrono>

namespace observe {

struct Backends {
    bridges::Kernel& kernel;
    ovs::Switch& ovs;
    guests::Hypervisor& guests = guests::nobody();
    const lower::Leases* leases = nullptr;  // what DHCP servers gave, as the host is made by it; null: nothing
    lower::HasNamespace has_namespace = lower::has_any_namespace;
};

// The mirrors of all backends, as of now: costs a few pointers.
inline lower::HostState state_of(const Backends& backends) { return {backends.kernel.state(), backends.ovs.state(), backends.guests.state()}; }

inline lower::Host host_of(const Backends& backends) {
    const std::string datapath = backends.ovs.default_datapath();
    const bridges::Abilities& abilities = backends.kernel.abilities();
    return {.kernel = backends.kernel.state(), .datapath = datapath, .filters_vlans = abilities.vlan_filtering, .guests = backends.guests.connected() ? &backends.guests.state() : nullptr,
            .switches_itself = backends.ovs.connected() && datapath == "netdev", .leases = backends.leases, .checks_checksums = abilities.checksums, .has_namespace = backends.has_namespace,
            .switched = backends.ovs.connected() ? &backends.ovs.state() : nullptr, .gates = lower::gates_of(abilities, backends.guests.where())};
}

// True as soon as Open vSwitch answers; false if it does not until the deadline.
inline bool await_ovs(ovs::Switch& ovs, std::chrono::steady_clock::time_point deadline) {
    ovs.hear();
    while (!ovs.connected() && std::chrono::steady_clock::now() < deadline) {
        ovs.wait({}, deadline);
        ovs.hear();
    }
    return ovs.connected();
}

// Takes in what Open vSwitch still has to tell, until it is silent for a moment or the deadline is over.
inline void hear_out(ovs::Switch& ovs, std::chrono::steady_clock::time_point deadline) {
    constexpr std::chrono::seconds moment{2};  // ovs-vswitchd under load takes its time for each port
    auto silent = std::chrono::steady_clock::now() + moment;
    while (ovs.connected() && std::chrono::steady_clock::now() < std::min(silent, deadline)) {
        ovs.wait({}, std::min(silent, deadline));
        if (ovs.hear()) silent = std::chrono::steady_clock::now() + moment;
    }
}

}  // namespace observe
