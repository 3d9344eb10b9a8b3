// What a link of this host is to who checks definitions.
#pragma once

#include "bridges/resources.hpp"

namespace intent {

inline bool is_ours(const bridges::Link& link) { return link.owner && link.owner->is_ours(); }

// A link that can carry networks or be a bond's port: a NIC of any kind that netd did not make itself.
inline bool is_nic(const bridges::Link& link) {
    const bool carries = !link.kind || std::holds_alternative<bridges::Device>(*link.kind) ||
                         std::holds_alternative<bridges::Veth>(*link.kind) || std::holds_alternative<bridges::Tap>(*link.kind);
    return carries && !is_ours(link);
}

inline const bridges::Vlan* vlan_of(const bridges::Link& link) { return link.kind ? std::get_if<bridges::Vlan>(&*link.kind) : nullptr; }

}  // namespace intent
