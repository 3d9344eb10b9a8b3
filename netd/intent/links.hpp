// What a link of this host is to who checks definitions.
#pragma once

#include "bridges/resources.hpp"

namespace intent {

inline bool is_ours(const bridges::Link& link) { return topology::is_ours(link.owner); }

// A link that can carry networks or be a bond's port: a NIC of any kind that netd did not make itself.
inline bool is_nic(const bridges::Link& link) {
    return (link.is_device() || link.as<bridges::Veth>() || link.as<bridges::Tap>()) && !is_ours(link);
}

inline const bridges::Vlan* vlan_of(const bridges::Link& link) { return link.as<bridges::Vlan>(); }

}  // namespace intent
