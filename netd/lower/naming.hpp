// Which device a logical thing is called: as it is where that fits, derived and stable where it does not.
#pragma once

#include "netd/intent/definition.hpp"

#include <cstdint>

namespace lower {

using topology::IfName;

// The device of a network's own: its name where that is a legal device name, else the first legal characters, '-' and a
// hash of the whole.
IfName device_of(const intent::NetworkName& network);

// `<base>.<vid>`, or a derived name where that is over 15 bytes.
IfName vlan_device(const IfName& base, intent::VlanId vlan);

IfName filtering_bridge(const IfName& base);  // "vb-<base>"
IfName ovs_bridge(const IfName& base);        // "ovs-<base>"

// The host's end of a guest's NIC: "nic-" and 8 hexadecimal digits from guest and MAC.
IfName port_of(const intent::GuestNic::Key& nic);
// The same of a NIC, whoever made its port.
IfName port_of(const intent::GuestNic& nic);

// The routing table of a network whose gateway is not the host's: from its name, in 2^24 … 2^25 - 1, out of the way of
// tables that people number by hand.
std::uint32_t table_of(const intent::NetworkName& network);

}  // namespace lower
