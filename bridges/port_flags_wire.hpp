// A bridge port's flags as netlink has them.
#pragma once

#include "bridges/nl_message.hpp"
#include "bridges/port_flags.hpp"

namespace bridges {

// IFLA_PROTINFO, or IFLA_INFO_SLAVE_DATA of a bridge's port.
PortFlags read_port_flags(const Attributes& data);
// All of them, into IFLA_PROTINFO.
void put_port_flags(Message& message, PortFlags flags);

}  // namespace bridges
