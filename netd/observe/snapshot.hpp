// What readers see: everything as of one revision, immutable; the next one shares with it all that did not change.
#pragma once

#include "bridges/kernel.hpp"
#include "netd/intent/identity.hpp"
#include "netd/intent/request.hpp"
#include "netd/lower/gates.hpp"
#include "netd/lower/host_state.hpp"
#include "netd/lower/lower.hpp"
#include "topology/keyed.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace observe {

// How the last transaction ended, for people.
struct LastOutcome {
    std::string outcome = {};  // "committed", "rolled-back", "degraded"
    std::string why = {};
    std::chrono::nanoseconds time = {};  // Clock::wall()
    std::optional<std::uint64_t> transaction = {};  // none: it was refused before anything was begun
    bool operator==(const LastOutcome&) const = default;
};

// A transaction that waits for its confirmation.
struct Pending {
    std::uint64_t id = 0;
    std::chrono::nanoseconds deadline = {};  // Clock::boottime()
    bool operator==(const Pending&) const = default;
};

// How fast a NIC or bond is. The kernel tells that under its rtnl lock, for which a reader may wait as long as somebody
// reconfigures the host; so it is asked once, where a link has changed, and kept.
struct Pace {
    topology::IfName link;
    std::uint32_t speed = 0;      // Mbit/s; 0 where there is none, or it isn't known
    std::string duplex = {};      // "full", "half", or ""
    const topology::IfName& key() const { return link; }
    bool operator==(const Pace&) const = default;
};
using Paces = topology::Keyed<Pace>;

struct Snapshot {
    std::uint64_t revision = 0;
    lower::HostState observed = {};
    Paces paces = {};
    intent::Intent running = {}, committed = {};
    bridges::Abilities abilities = {};
    bool ovs_connected = false;
    bool ovs_silent = false;  // the database answers, ovs-vswitchd doesn't
    std::string ovs_where = {};
    std::string ovs_datapath = {};
    bool has_dhcp_client = true;
    std::string resolver_obstacle = {};
    std::vector<std::string> nameservers = {};         // the host's, as its resolver has them
    bool guests_connected = false;
    std::string guests_where = {}, guests_trouble = {};
    std::optional<Pending> pending = {};
    bool is_stuck = false;  // a way back is blocked, and nothing else is changed until it is gone
    std::optional<LastOutcome> last = {};
    std::optional<topology::Error> trouble = {};
    std::uint64_t overruns = 0;
    std::shared_ptr<const lower::Leases> leases = {};  // what DHCP servers gave, as the host is made by it
    lower::HasNamespace has_namespace = lower::has_any_namespace;
    intent::Renames renamed = {};  // NICs that a definition named differently

    bool ovs_answers() const { return ovs_connected && !ovs_silent; }
    intent::Facts facts() const {
        return {.kernel = observed.kernel, .abilities = abilities, .ovs_connected = ovs_connected, .ovs_where = ovs_where, .has_dhcp_client = has_dhcp_client,
                .resolver_obstacle = resolver_obstacle, .ovs_datapath = ovs_datapath, .ovs = &observed.ovs, .is_vswitchd_gone = ovs_silent};
    }
    lower::Host host() const {
        return {.kernel = observed.kernel, .datapath = ovs_datapath, .filters_vlans = abilities.vlan_filtering, .guests = guests_connected ? &observed.guests : nullptr,
                .switches_itself = ovs_connected && ovs_datapath == "netdev", .leases = leases.get(), .checks_checksums = abilities.checksums, .has_namespace = has_namespace,
                .switched = ovs_connected ? &observed.ovs : nullptr, .gates = lower::gates_of(abilities, guests_where), .switch_waits = ovs_silent, .renames = &renamed};
    }
};

using Published = std::shared_ptr<const Snapshot>;

}  // namespace observe
