// What reaches the host's own stack by the devices of networks, and what the host sends by other devices than its role's, in nftables' words.
// Which device is of which network's roles its link group says, so that the rules are the same for one network and for thousands.
#pragma once

#include "topology/services.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace bridges {

using topology::Services;
using topology::Standing;

inline constexpr const char* host_table_name = "netd";  // of family inet

// The link group of a device that stands so: 0 for one of no network.
std::uint32_t group_of(const Standing& standing);
Standing standing_of(std::uint32_t group);

// The first of the groups in which devices go together: by the rules closed ones, as long as they have addresses.
inline constexpr std::uint32_t doomed_group = 0x6e744ec0;

// The set that counts a role's strays.
std::string stray_set(topology::Role role);

// The whole table, in place of whatever is there under its name.
std::string write_host_table(const Services& services);

// What tells it from the table of a netd with other services, or of another version: in the table's comment.
std::string host_table_mark(const Services& services);
// How many rules it has.
std::size_t host_rule_count(const Services& services);

}  // namespace bridges
