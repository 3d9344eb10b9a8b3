// A bond's options as netlink has them.
#pragma once

#include "bridges/option_table.hpp"

namespace bridges {

// IFLA_INFO_DATA of a bond.
void put_bond_options(Message& message, const Options& options, const IndexOf& index_of);
// Only those that the bond's mode has.
Options read_bond_options(const Attributes& data, const NameOf& name_of);

}  // namespace bridges
