// A bridge's options as netlink has them.
#pragma once

#include "bridges/option_table.hpp"

namespace bridges {

// IFLA_INFO_DATA of a bridge.
void put_bridge_options(Message& message, const Options& options);
Options read_bridge_options(const Attributes& data);

}  // namespace bridges
