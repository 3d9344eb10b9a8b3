// The network that a NIC is as somebody else has set it up: its addresses, its MTU and its way to everywhere.
#pragma once

#include "bridges/state.hpp"
#include "netd/intent/definition.hpp"
#include "topology/result.hpp"

namespace lower {

// As a definition of `ovirtmgmt`, which the rules have still to be asked about. Where routers made addresses there, or
// nobody else gave it IPv6 and it listens to them, it goes on hearing them. No: its way to everywhere is by a gateway that no network can have. Pure.
topology::Result<intent::Network> network_on(const topology::IfName& nic, const bridges::State& kernel);

// Wholly: there is no reason to wait for more of it, since it leaves by IPv4, and has tried the IPv6 addresses that it has. IPv4 is what
// comes last as a rule: a DHCP server takes its time, and routers announce themselves at once. Partly: it has an address. Pure.
enum class SetUp { bare, partly, wholly };
SetUp how_set_up(const topology::IfName& nic, const bridges::State& kernel);

}  // namespace lower
