// What one call of setupNetworks asks for, and what its answer depends on.
#pragma once

#include "bridges/kernel.hpp"
#include "netd/intent/complaints.hpp"
#include "netd/intent/intent.hpp"
#include "ovs-driver/state.hpp"

#include <string>
#include <vector>

namespace intent {

struct SetupOptions {
    bool connectivity_check = true;
    std::int64_t connectivity_timeout = 60;  // seconds
    bool commit_on_success = false;
    bool dry_run = false;
    bool allow_disconnect = false;
    std::optional<std::int64_t> timeout = {};  // seconds that the whole may take; none: as long as it takes

    bool operator==(const SetupOptions&) const = default;
    static constexpr auto fields = std::tuple{Attribute{"connectivityCheck", &SetupOptions::connectivity_check},
                                              Attribute{"connectivityTimeout", &SetupOptions::connectivity_timeout},
                                              Attribute{"commitOnSuccess", &SetupOptions::commit_on_success},
                                              Attribute{"dryRun", &SetupOptions::dry_run},
                                              Attribute{"allowDisconnect", &SetupOptions::allow_disconnect},
                                              Attribute{"timeout", &SetupOptions::timeout}};
};

struct Request {
    std::vector<Network> networks = {};
    std::vector<NetworkName> removed = {};
    std::vector<Bond> bonds = {};
    std::vector<IfName> removed_bonds = {};
    SetupOptions options = {};
};

// A JSON pointer with its parts escaped (RFC 6901).
std::string pointer(std::initializer_list<std::string_view> parts);

// What the host can do and has now, as far as a definition depends on it.
struct Facts {
    const bridges::State& kernel;
    const bridges::Abilities& abilities;
    bool ovs_connected = false;
    std::string ovs_where = {};
    bool has_dhcp_client = true;
    std::string resolver_obstacle = {};  // why netd can't write the host's resolver; empty: it can
    std::string ovs_datapath = {};  // "system" or "netdev", of bridges that netd makes
    const ovs::State* ovs = nullptr;  // as it was last heard of; null: there is none
    bool is_vswitchd_gone = false;    // the database answers, and nobody does what it says
};

}  // namespace intent
