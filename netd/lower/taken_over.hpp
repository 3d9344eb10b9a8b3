// The network that a NIC is as somebody else has set it up: its addresses, its MTU and its way to everywhere.
#pragma once

#include "bridges/state.hpp"
#include "netd/intent/definition.hpp"
#include "topology/result.hpp"

namespace lower {

// As a definition of `ovirtmgmt`, which the rules have still to be asked about. Where routers made addresses there it goes on
// hearing them. No: its way to everywhere is by a gateway that no network can have. Pure.
topology::Result<intent::Network> network_on(const topology::IfName& nic, const bridges::State& kernel);

}  // namespace lower
