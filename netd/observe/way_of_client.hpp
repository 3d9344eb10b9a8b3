// Over which network a client elsewhere reaches this host, so that nobody saws off the branch he sits on without saying so.
#pragma once

#include "netd/intent/request.hpp"

#include <optional>
#include <string>

namespace observe {

// The network whose subnet holds the client's address (the longest, if several do), else the one that the host's route to
// him leads through, the default route at last. Null: none of netd's. Pure.
const intent::Network* network_toward(const topology::IpAddress& client, const intent::Intent& running, const bridges::State& kernel);

// The complaint (code 10) if the request takes away the network over which the client comes, nothing takes its addresses
// over, and options.allowDisconnect is not given. A client without an address is a local one, who can't be cut off. Pure.
std::optional<intent::Complaint> cut_off(const std::string& client, const intent::Request& request, const intent::Intent& running,
                                         const intent::Intent& wanted, const bridges::State& kernel);

}  // namespace observe
