// Over which network a client elsewhere reaches this host, so that nobody saws off the branch he sits on without saying so.
#pragma once

#include "netd/intent/request.hpp"

#include <optional>
#include <string>

namespace observe {

// Both ends in numbers. No client: a local one; no door: it isn't known at which of the host's addresses he came in.
struct Connection {
    std::string client = {}, door = {};
};

// Where what leaves from `door` is routed by its source, the network that its table leads through; else the one whose subnet
// holds the client's address (the longest, if several do), else the one that the host's route to him leads through, the
// default route at last. Null: none of netd's. Pure.
const intent::Network* network_toward(const topology::IpAddress& client, const std::optional<topology::IpAddress>& door, const intent::Intent& running, const bridges::State& kernel);

// The complaint (code 10) if the request takes away the network over which the client comes, nothing takes its addresses
// over, and options.allowDisconnect is not given. A local client can't be cut off. Pure.
std::optional<intent::Complaint> cut_off(const Connection& connection, const intent::Request& request, const intent::Intent& running,
                                         const intent::Intent& wanted, const bridges::State& kernel);

}  // namespace observe
