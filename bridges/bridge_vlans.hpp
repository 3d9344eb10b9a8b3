// The VLANs of bridge ports: how the kernel tells them, and the messages that lead from one set to another.
#pragma once

#include "bridges/nl_message.hpp"
#include "bridges/resources.hpp"

namespace bridges {

// What the kernel holds for a port. It keeps "leaves untagged" for each VLAN and one pvid; netd uses one VLAN for both.
struct PortTags {
    VlanSet members = {};
    VlanSet leaving_untagged = {};
    std::optional<VlanId> pvid = {};

    PortVlans visible() const;
};

// The list in IFLA_AF_SPEC of an AF_BRIDGE link.
PortTags read_port_tags(Bytes af_spec);

// Takes in the entries of a RTM_NEWVLAN or RTM_DELVLAN.
void take_vlan_entries(PortTags& tags, Bytes entries, bool gone);

// Messages that make the port's VLANs `now`, what goes first. `itself`: the link is the bridge, not a port.
void write_vlans(std::vector<Message>& into, int index, bool itself, const PortVlans& was, const PortVlans& now);

}  // namespace bridges
