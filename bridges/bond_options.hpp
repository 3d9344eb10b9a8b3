// What can be set on a bond: which keys each mode has, what they may be, and what the kernel makes them by default.
#pragma once

#include "bridges/resources.hpp"
#include "topology/result.hpp"

#include <string_view>

namespace bridges {

// "mode=4 miimon=100" in canonical text, `mode` always among it (balance-rr where the text has none). Unknown keys,
// illegal values, and options that the mode does not have are an error.
topology::Result<Options> parse_bond_options(std::string_view text);

// All that a bond of that mode (by its canonical name) has when nothing is set.
Options default_bond_options(std::string_view mode);

// True where the kernel takes the change only while the bond is down.
bool bond_option_needs_down(std::string_view key);

// True where the kernel takes the change only while the bond has no ports (and is down): mode, fail_over_mac.
bool bond_option_needs_empty(std::string_view key);

// Of a bond that changes to `mode`: what that mode does not know, and so would keep unseen, at its default.
Options bond_options_to_leave(const Options& have, std::string_view mode);

// Whether the bond has the MAC that the kernel gives it (fail_over_mac), and takes none from others.
bool has_mac_of_ports(const Link& bond);

}  // namespace bridges
