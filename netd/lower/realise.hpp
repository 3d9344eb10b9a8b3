// The parts of lowering: each adds what one logical thing becomes to the state that is being drawn up.
#pragma once

#include "netd/lower/lower.hpp"

namespace lower {

struct Draft {
    const intent::Intent& intent;
    const Host& host;
    HostState wanted = {};

    void put(const bridges::Link& link) { wanted.kernel.links.put(link); }
};

// One function a switch kind and part: the network's own devices, what its base becomes, a guest's port.
void network_bridged(Draft& draft, const intent::Network& network);
void network_vlan_aware(Draft& draft, const intent::Network& network);
void network_switched(Draft& draft, const intent::Network& network);
void base_bridged(Draft& draft, const intent::Base& base);
void base_vlan_aware(Draft& draft, const intent::Base& base);
void base_switched(Draft& draft, const intent::Base& base);

void bond(Draft& draft, const intent::Bond& bond);
void guest_nic(Draft& draft, const intent::GuestNic& nic);
void routing(Draft& draft, const intent::Network& network);

// The mark on what netd makes for a guest's NIC.
topology::Owner mark(const intent::GuestNic& nic);

// What the domain of a NIC of kind libvirt gets.
guests::Nic guest_device(const intent::GuestNic& nic, const intent::Intent& intent, const Host& host);
// What the networks on a base get of it: a share for each, and one for what belongs to none of them.
bridges::Traffic shares_of(const Draft& draft, const intent::Base& base);
// And of each port of that bond: the same shares and promises, without limits.
bridges::Traffic shares_of_ports(const Draft& draft, const intent::Base& bond);

// A guest's limits: toward it, and from it on a Linux bridge and on Open vSwitch.
std::optional<bridges::Limit> limit_out(const intent::GuestNic& nic);
std::optional<bridges::Limit> limit_in(const intent::GuestNic& nic);
ovs::Policing policing(const intent::GuestNic& nic);

// Sends copies of all that passes the network's device to the guests that mirror the network.
void copy_traffic(const Draft& draft, const intent::Network& network, bridges::Link& device);

// And copies of what such a guest sends to one: the host's stack, and so the network's device, never sees it.
std::set<bridges::IfName> copies_of_sent(const Draft& draft, const intent::Network& network, const intent::GuestNic& nic);

// The first network on Open vSwitch that the NIC mirrors; null if there is none.
const intent::Network* switched_source(const Draft& draft, const intent::GuestNic& nic);
// A port of netd's on a bridge of Open vSwitch, without anything that others set there.
ovs::Port switch_port(const IfName& name, const IfName& bridge, const topology::Owner& owner);

void mirror_switched(Draft& draft, const intent::GuestNic& nic, const topology::Owner& owner);

// The device that carries a network's address: MTU, addresses, up, and how the host's stack behaves on it.
bridges::Link top_link(const Draft& draft, const intent::Network& network);

// The stack of a NIC or bond on which, without a tag, there is no network: routers that announce themselves there lead the host nowhere.
// Those that others let lead it already do so on.
bridges::HostStack apart(const Draft& draft, const IfName& device);

// A port of a network's bridge by which the network goes on; the host's stack has nothing there: it answers no ARP even for frames that the
// kernel gives to the port's own device.
void become_uplink(bridges::Link& link, const IfName& bridge);

// The MAC that a bridge on this base takes: the bond's, or the NIC's own.
std::optional<topology::Mac> mac_of(const Draft& draft, const IfName& base);

// The bridge (of whichever kind) that guests of the network are plugged into.
IfName guest_bridge(const intent::Network& network);

// The tag of the network's frames inside its switch.
intent::VlanId tag_inside(const Draft& draft, const intent::Network& network);

}  // namespace lower
